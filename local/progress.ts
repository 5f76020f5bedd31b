/** Says what is going on: which part, and what happened to it. Tests pass `silent`. */
export type Report = (part: string, message: string) => void;

const PART_WIDTH = 10;

/** One line per step on stdout; plain lines, so that a terminal, a file and a CI log all show the same. */
export const reportToStdout: Report = (part, message) => {
  process.stdout.write(`  ${part.padEnd(PART_WIDTH)} ${message}\n`);
};

export const silent: Report = () => undefined;

/** Since `startedMs` of `performance.now()`. */
export const secondsSince = (startedMs: number): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;

const UNITS = ['B', 'kB', 'MB', 'GB'] as const;

/** 1536000 → "1.5 MB"; decimal units, as Maven counts. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit < 2 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit] ?? 'GB'}`;
};
