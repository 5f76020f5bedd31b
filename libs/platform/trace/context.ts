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

export const traceparentOf = ({ traceId, spanId, isSampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

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

/**
 * Contexts, written one after the other, of traces that are not sampled; whoever begins a trace takes the next. Many at
 * once: random bytes drawn and turned into text one by one were most of what a trace cost.
 */
const POOL = 64;
const LENGTH = 55;
const [TRACE_ID_AT, SPAN_ID_AT] = [3, 36];
const [TRACE_BYTES, SPAN_BYTES] = [16, 8];
const random = Buffer.alloc(POOL * (TRACE_BYTES + SPAN_BYTES));
const pool = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`.repeat(POOL), 'latin1');
let next = POOL;

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const [ZERO, ONE] = [0x30, 0x31];
/** Writes bytes as digits. The first is never 0, so no id is zeros alone. */
const writeHex = (from: number, count: number, at: number): void => {
  for (let index = 0; index < count; index++) {
    const byte = random[from + index] as number;
    pool[at + 2 * index] = HEX[byte >> 4] as number;
    pool[at + 2 * index + 1] = HEX[byte & 15] as number;
  }
  if (pool[at] === ZERO) pool[at] = ONE;
};

const refill = (): void => {
  randomFillSync(random);
  for (let one = 0; one < POOL; one++) {
    const from = one * (TRACE_BYTES + SPAN_BYTES);
    writeHex(from, TRACE_BYTES, one * LENGTH + TRACE_ID_AT);
    writeHex(from + TRACE_BYTES, SPAN_BYTES, one * LENGTH + SPAN_ID_AT);
  }
  next = 0;
};

const takeFrom = (offset: number, length: number): string => {
  if (next === POOL) refill();
  const at = next++ * LENGTH + offset;
  return pool.toString('latin1', at, at + length);
};

/**
 * A context of a trace that begins, not sampled. Random, not secret. One piece of text: what is joined from pieces is
 * slower to read for whoever writes it into a record.
 */
export const newTraceparent = (): string => takeFrom(0, LENGTH);
export const newSpanId = (): string => takeFrom(SPAN_ID_AT, 2 * SPAN_BYTES);
export const newTraceId = (): string => takeFrom(TRACE_ID_AT, 2 * TRACE_BYTES);

/** As many as a double holds exactly: the last 13 digits of a trace id. */
const RANDOM_DIGITS = 13;
const RANDOM_FROM = 32 - RANDOM_DIGITS;
const SAMPLED_AT = LENGTH - 1;
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

/** Of a text that is a trace context: its trace, and whether that is sampled. */
export const traceIdIn = (traceparent: string): string => traceparent.slice(TRACE_ID_AT, TRACE_ID_AT + 2 * TRACE_BYTES);
export const isSampledIn = (traceparent: string): boolean => (traceparent.charCodeAt(SAMPLED_AT) & SAMPLED) === SAMPLED;
