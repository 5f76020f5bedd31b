import { randomFillSync } from 'node:crypto';

/** A W3C trace context (https://www.w3.org/TR/trace-context/, level 1), read. Ids are lowercase hex digits. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the spans of this trace are kept, by whoever began it. */
  readonly isSampled: boolean;
}

/** `version-traceid-parentid-flags`; ff is no version, and an id of zeros alone is none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 1;

/** Undefined for what is no trace context. */
export const readTraceparent = (text: string | null | undefined): TraceContext | undefined => {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
};

const TRACEPARENT_LENGTH = 55;
const [TRACE_ID_AT, SPAN_ID_AT, FLAG_AT] = [3, 36, 54];
const [ZERO, ONE] = [0x30, 0x31];
/** Written over for each context: reading from it never yields. */
const written = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'latin1');

/**
 * Read out of a buffer, so that the text is one piece in memory. One that is joined from pieces looks the same, but
 * whoever reads it character by character, as the encoders of records do, goes through the pieces for each.
 */
export const traceparentOf = ({ traceId, spanId, isSampled }: TraceContext): string => {
  written.latin1Write(traceId, TRACE_ID_AT);
  written.latin1Write(spanId, SPAN_ID_AT);
  written[FLAG_AT] = isSampled ? ONE : ZERO;
  return written.latin1Slice(0, TRACEPARENT_LENGTH);
};

/** What is no trace context as none: it may come from anybody, and goes into rows and headers. */
export const validTraceparent = (text: string | null): string | null =>
  readTraceparent(text) === undefined ? null : text;

/** The same context, of a trace that is sampled from here on. */
export const asKept = (text: string): string => {
  const context = readTraceparent(text);
  return context === undefined ? text : traceparentOf({ ...context, isSampled: true });
};

/** For log lines: the trace that a context is of; undefined where there is none. */
export const traceIdOf = (text: string | null | undefined): string | undefined => readTraceparent(text)?.traceId;

/** Random bytes are drawn and turned into text for many ids at once: one by one they were most of what a trace cost. */
const POOL_BYTES = 4_096;
const bytes = Buffer.alloc(POOL_BYTES);
let pool = '';
let next = 0;

/** Random, not secret. Its first digit is never 0, so no id is zeros alone. */
const hex = (digits: number): string => {
  if (next + digits > pool.length) {
    pool = randomFillSync(bytes).toString('hex');
    next = 0;
  }
  const text = pool.slice(next, next + digits);
  next += digits;
  return text.startsWith('0') ? `1${text.slice(1)}` : text;
};

export const newSpanId = (): string => hex(16);
export const newTraceId = (): string => hex(32);

/** As many as a double holds exactly: the last 13 digits of a trace id. */
const RANDOM_DIGITS = 13;
const RANDOM_FROM = 32 - RANDOM_DIGITS;
const RANDOM_RANGE = 2 ** 52;

/**
 * Whether a trace that begins here is kept, by its id: processes with the same ratio decide alike. `ratio` from 0 to 1.
 * Digits are compared as text: to read them as a number for each trace costs more.
 */
export const ratioOf = (ratio: number): ((traceId: string) => boolean) => {
  const count = Math.ceil(ratio * RANDOM_RANGE);
  if (count >= RANDOM_RANGE) return () => true;
  const bound = count.toString(16).padStart(RANDOM_DIGITS, '0');
  return (traceId) => traceId.slice(RANDOM_FROM) < bound;
};
