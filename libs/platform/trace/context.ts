import { hash, randomBytes } from 'node:crypto';

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
 * The context of what sent the records of a delivery that came with none, not sampled. Its ids follow from what each of
 * the records says, so none has to carry it: who needs it makes it again. Two deliveries of one event are two traces.
 * Zeros alone, which are no id, do not come out of a digest. `receivedAt` in ms since 1970.
 */
export const deliveryContext = (eventId: string, receivedAt: number): TraceContext => {
  const digest = hash('sha256', `${eventId} ${receivedAt}`);
  return {
    traceId: digest.slice(0, TRACE_DIGITS),
    spanId: digest.slice(TRACE_DIGITS, TRACE_DIGITS + SPAN_DIGITS),
    isSampled: false,
  };
};

/** Of a span to be, below `parent` in its trace. */
export const contextBelow = (parent: TraceContext): TraceContext => ({ ...contextOf(parent), spanId: newSpanId() });

/** Of a span, or of what has more to say, the context alone. */
export const contextOf = ({ traceId, spanId, isSampled }: TraceContext): TraceContext => ({
  traceId,
  spanId,
  isSampled,
});

const [TRACE_DIGITS, SPAN_DIGITS] = [32, 16];
/** Random bytes that are drawn at once: one call for each id would cost 4 us. */
const DRAWN_BYTES = 1024;
let digits = '';
let next = 0;
const draw = (count: number): string => {
  if (next + count > digits.length) [digits, next] = [randomBytes(DRAWN_BYTES).toString('hex'), 0];
  next += count;
  return digits.slice(next - count, next);
};

/** Random, not secret. */
export const newTraceId = (): string => draw(TRACE_DIGITS);
export const newSpanId = (): string => draw(SPAN_DIGITS);
