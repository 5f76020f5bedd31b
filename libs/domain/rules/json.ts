/**
 * Lenient readers over parsed JSON. Razorpay's bodies mix strings and numbers, write 0, null, [] and {} for "nothing",
 * and leave fields out (docs/reference/razorpay.md "Envelope"). Each reader answers `undefined` for what is
 * absent or unreadable: unknown, never 0 and never an error.
 */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonRecord = { readonly [key: string]: unknown };

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The record under `key`, which may itself contain dots (`payment.downtime`); undefined when there is none. */
export const recordAt = (parent: unknown, key: string): JsonRecord | undefined => {
  if (!isRecord(parent) || !Object.hasOwn(parent, key)) return undefined;
  const child = parent[key];
  return isRecord(child) ? child : undefined;
};

const own = (record: JsonRecord, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined);

/** Walks `path` (one key per element, so that keys may contain dots) and returns what is there, or undefined. */
export const valueAt = (record: JsonRecord, path: readonly string[]): unknown => {
  let here: unknown = record;
  for (const key of path) {
    if (!isRecord(here)) return undefined;
    here = own(here, key);
  }
  return here;
};

/** Text that Postgres can hold. A number is read as its decimal text. Empty text is "nothing". */
export const readText = (value: unknown): string | undefined => {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') return undefined;
  const clean = storableText(value);
  return clean === '' ? undefined : clean;
};

/** Text with a NUL is no text that anybody wrote, and Postgres refuses it: unknown. */
export const readCleanText = (value: unknown): string | undefined =>
  typeof value === 'string' && value.includes('\u0000') ? undefined : readText(value);

/**
 * Text that Postgres can hold: NUL characters are dropped (Postgres refuses them in `text` and `jsonb`) and lone UTF-16
 * surrogates are replaced. The raw body keeps them.
 */
export const storableText = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();

/**
 * A whole number, also from a numeric string ("100"); undefined for
 * fractions, and beyond ±2^53 where a double is not exact.
 */
export const readInteger = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^\s*-?\d{1,16}\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number + 0 : undefined;
};

/** true/false, also as 1/0 and their strings ("captured": "1" in subscription events). */
export const readFlag = (value: unknown): boolean | undefined => {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === '1' || value === 'true') return true;
  if (value === 0 || value === '0' || value === 'false') return false;
  return undefined;
};

/**
 * Earliest and latest time taken for real, in epoch seconds: 2000-01-01 and 2100-01-01. Razorpay was founded in 2014.
 */
const TIME_MIN_S = 946_684_800;
const TIME_MAX_S = 4_102_444_800;

/** Epoch seconds as epoch milliseconds; 0 ("unset"), negatives and absurd dates are unknown. */
export const readTime = (value: unknown): number | undefined => {
  const seconds = readInteger(value);
  return seconds !== undefined && seconds >= TIME_MIN_S && seconds < TIME_MAX_S ? seconds * 1000 : undefined;
};

/**
 * Nesting deeper than this is cut to null: Postgres and our own
 * recursion are bounded, Razorpay's bodies have fewer than 8 levels.
 */
const JSON_DEPTH_MAX = 32;

/**
 * JSON that `jsonb` can hold, keys sorted so that equal content is equal text. Empty `{}`, `[]` and null are "nothing".
 */
export const readJson = (value: unknown): JsonValue | undefined => {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'object' && Object.keys(value).length === 0) return undefined;
  return cleanJson(value, 0);
};

const cleanJson = (value: unknown, depth: number): JsonValue => {
  if (typeof value === 'string') return storableText(value);
  // JSON.parse reads 1e999 as Infinity, which JSON cannot write; and
  // -0 is written as 0, so that a stored row reads back equal.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === 'boolean') return value;
  if (value === null || typeof value !== 'object' || depth >= JSON_DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.map((item) => cleanJson(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [storableText(key), cleanJson(item, depth + 1)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
};
