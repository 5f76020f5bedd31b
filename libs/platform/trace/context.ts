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

const WORD = 0x1_0000_0000;
/** Random, not secret: what OpenTelemetry's own generator does, without a buffer. Its first digit is never 0, so no id is zeros alone. */
const hex = (words: number): string => {
  let text = '';
  for (let word = 0; word < words; word++)
    text += Math.trunc(WORD + Math.random() * WORD)
      .toString(16)
      .slice(1);
  return text.startsWith('0') ? `1${text.slice(1)}` : text;
};

export const newSpanId = (): string => hex(2);
export const newTraceId = (): string => hex(4);

/** As many as a double holds exactly: the last 13 digits of a trace id. */
const RANDOM_FROM = 32 - 13;
const RANDOM_RANGE = 2 ** 52;

/** Whether a trace that begins here is kept, by its id: processes with the same ratio decide alike. `ratio` from 0 to 1. */
export const isInRatio = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(RANDOM_FROM), 16) < ratio * RANDOM_RANGE;
