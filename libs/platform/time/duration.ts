const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
/** The largest first. */
export type DurationUnit = keyof typeof UNIT_MS;

/**
 * Reads `90s`, `30m` or `2h` as ms: a whole number above 0 and one of
 * `units`. Undefined for all else, and beyond `maxMs`.
 */
export const readDuration = (text: string, units: readonly DurationUnit[], maxMs: number): number | undefined => {
  const [, amount, letters] = /^(\d{1,9})([a-z]+)$/.exec(text) ?? [];
  const unit = units.find((name) => name === letters);
  const ms = unit === undefined ? 0 : Number(amount) * UNIT_MS[unit];
  return ms > 0 && ms <= maxMs ? ms : undefined;
};

/**
 * Writes whole ms with the first of `units` (the largest first, `ms`
 * last) that needs no fraction: `readDuration` reads it as the same.
 */
export const writeDuration = (ms: number, units: readonly DurationUnit[]): string => {
  const unit = units.find((name) => ms % UNIT_MS[name] === 0) ?? 'ms';
  return `${ms / UNIT_MS[unit]}${unit}`;
};
