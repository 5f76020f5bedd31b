/** The middle value; of an even number of values the mean of the two in the middle. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [upper, lower] = [sorted[middle], sorted[middle - 1]];
  if (upper === undefined) throw new RangeError('the median of nothing');
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
};

/** The smallest value that `share` (0 to 1) of the values do not exceed. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new RangeError('a quantile of nothing');
  return value;
};

/** How far the rounds lie apart: (highest - lowest) / median. Above about 0.2 something else was running. */
export const spread = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / median(values);

/** To `digits` significant digits: more would claim a precision that a shared machine does not have. */
export const rounded = (value: number, digits = 3): number => Number(value.toPrecision(digits));

/** Where the ratio of pairs lies, with 95 % certainty. */
export interface Interval {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** Of Student's t, two-sided, 95 %, by degrees of freedom from 1; beyond the last that of the normal distribution. */
const T_95 = [
  12.7, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
  2.08, 2.07, 2.07,
];
const T_LARGE = 2.06;

/** Of the ratios at either end, so many are taken for the one next to them by `trimmedIntervalOf`. */
const TRIMMED = 0.2;

/**
 * The same of many ratios of which some were disturbed, on one side of the pair only: the mean of the middle 60 % and
 * its interval from the winsorized variance (K. K. Yuen, Biometrika 61, 1974, 165-170).
 */
export const trimmedIntervalOf = (ratios: readonly number[]): Interval => {
  const logs = ratios.map(Math.log).sort((a, b) => a - b);
  const cut = Math.floor(logs.length * TRIMMED);
  const middle = logs.slice(cut, logs.length - cut);
  if (middle.length < 2) throw new RangeError('an interval of less than two pairs');
  const winsorized = logs.map((log) => Math.min(Math.max(log, middle[0] as number), middle.at(-1) as number));
  const mean = sumOf(middle) / middle.length;
  const center = sumOf(winsorized) / logs.length;
  const squares = sumOf(winsorized.map((log) => (log - center) ** 2));
  const half = (T_95[middle.length - 2] ?? T_LARGE) * Math.sqrt(squares / (middle.length * (middle.length - 1)));
  return { middle: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
};

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/**
 * The geometric mean of ratios of pairs that were measured right after each other, and the interval in which it lies:
 * what slows both of a pair down is in neither, and more pairs make it narrower.
 */
export const intervalOf = (ratios: readonly number[]): Interval => {
  if (ratios.length < 2) throw new RangeError('an interval of less than two pairs');
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logs.length - 1);
  const half = (T_95[logs.length - 2] ?? T_LARGE) * Math.sqrt(variance / logs.length);
  return { middle: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
};
