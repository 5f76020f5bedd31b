/** One line of a service's log. */
export interface LogLine {
  readonly level: string;
  readonly service: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** What the services of a test have logged, as it was written. */
export interface SystemLog {
  /** Takes output in pieces of any size. */
  readonly take: (source: string) => (piece: string) => void;
  /** Every line as it was written, also those that are no JSON. */
  readonly raw: () => readonly string[];
  /** Of all services, or of one process. */
  readonly lines: (source?: string) => readonly LogLine[];
  /** The last lines that a person would look at after a failure. */
  readonly tail: () => string;
}

const TAIL_LINES = 40;
const QUIET_LEVELS = new Set(['trace', 'debug', 'info']);

export const createSystemLog = (): SystemLog => {
  const taken: { readonly source: string; readonly text: string }[] = [];
  return {
    take: (source) => {
      let rest = '';
      return (piece) => {
        const lines = `${rest}${piece}`.split('\n');
        rest = lines.pop() ?? '';
        taken.push(...lines.filter((text) => text !== '').map((text) => ({ source, text })));
      };
    },
    raw: () => taken.map(({ text }) => text),
    lines: (wanted) =>
      taken.filter(({ source }) => wanted === undefined || source === wanted).flatMap(({ text }) => parse(text) ?? []),
    tail: () =>
      taken
        .filter(({ text }) => !QUIET_LEVELS.has(parse(text)?.level ?? ''))
        .slice(-TAIL_LINES)
        .map(({ source, text }) => `  ${source}: ${text}`)
        .join('\n'),
  };
};

const parse = (text: string): LogLine | undefined => {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
};
