import {
  asKept,
  newSpanId,
  newTraceId,
  newTraceparent,
  ratioOf,
  readTraceparent,
  traceIdIn,
  traceparentOf,
} from './context.ts';
import type { TraceContext } from './context.ts';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/**
 * Names after OpenTelemetry's semantic conventions where they have one,
 * `dakia.…` otherwise. Ids, names and counts; never a body or a person.
 */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What is known of a span as it begins. */
export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  /**
   * What caused it: a span of this process, or a W3C trace context.
   * Without one, or with an unreadable one, it begins a trace.
   */
  readonly parent?: Span | string | null | undefined;
  /** On the clock of performance.now(); now without. */
  readonly startedAt?: number;
  /** Where its parent does not say it and the ratio is not asked. */
  readonly isSampled?: boolean;
  /** What `context` gave for it. */
  readonly context?: string;
}

/** What is known of a span as it ends. */
export interface SpanEnd {
  /** Where it says more than the one at the beginning. */
  readonly name?: string;
  /** Asked only of a span that is kept. */
  readonly attributes?: () => Attributes;
  /** W3C trace contexts of what it had a share in. The first LINKS_MAX are kept. */
  readonly links?: readonly string[];
  /** What failed, in a few fixed words. A span that failed is kept, whether its trace is sampled or not. */
  readonly error?: string;
  /** Kept although its trace is not sampled: it is what somebody will look for. */
  readonly keep?: boolean;
}

/** A piece of work under way. */
export interface Span {
  /** W3C trace context for what follows from it: record headers, rows, jobs. */
  readonly traceparent: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  /** To be called once. A span that is not ended is not kept. */
  readonly end: (end?: SpanEnd) => void;
}

/** The trace id for an exemplar; undefined where nobody would find the trace. */
export const sampledTraceOf = (span: Pick<Span, 'traceId' | 'isSampled'> | undefined): string | undefined =>
  span?.isSampled === true ? span.traceId : undefined;

/**
 * Makes spans. It stands for the OpenTelemetry API, which sees only what is kept: a span that is neither sampled nor
 * failed costs its ids. Where traces are off there is no tracer, and `tracer?.start(…)` costs nothing.
 */
export interface Tracer {
  readonly start: (start: SpanStart) => Span;
  /**
   * The W3C trace context of a span to be, of the trace of `parent` where that is one. For what happens too often to
   * start a span each time: it is handed on, and the span is started with it once it is known to be kept.
   */
  readonly context: (parent?: string | null) => string;
}

/** A span that is kept, whole. Times in ms since 1970. */
export interface KeptSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  readonly links: readonly TraceContext[];
  readonly error: string | undefined;
}

/** As many links as an OpenTelemetry SDK keeps of one span. */
export const LINKS_MAX = 128;

/**
 * `ratio`: of the traces that begin here, from 0 to 1. A trace that
 * began elsewhere is sampled where it was said there to be.
 */
export const createTracer = (ratio: number, keep: (span: KeptSpan) => void): Tracer => {
  const isInRatio = ratioOf(ratio);
  return {
    context: (given) => {
      const parent = given === undefined || given === null ? undefined : readTraceparent(given);
      if (parent !== undefined) return traceparentOf({ ...parent, spanId: newSpanId() });
      const traceparent = newTraceparent();
      return isInRatio(traceIdIn(traceparent)) ? asKept(traceparent) : traceparent;
    },
    start: (start) => {
      const parent = typeof start.parent === 'string' ? readTraceparent(start.parent) : (start.parent ?? undefined);
      const own = readTraceparent(start.context);
      if (own !== undefined) return new StartedSpan(start, parent, own, keep);
      const traceId = parent === undefined ? newTraceId() : parent.traceId;
      const isSampled = start.isSampled ?? (parent === undefined ? isInRatio(traceId) : parent.isSampled);
      return new StartedSpan(start, parent, { traceId, spanId: newSpanId(), isSampled }, keep);
    },
  };
};

/** A class, because its methods are made once: those of a literal would be made for every span. */
class StartedSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  readonly #start: SpanStart;
  readonly #startedAt: number;
  readonly #parent: TraceContext | undefined;
  readonly #keep: (span: KeptSpan) => void;

  constructor(
    start: SpanStart,
    parent: TraceContext | undefined,
    { traceId, spanId, isSampled }: TraceContext,
    keep: (span: KeptSpan) => void,
  ) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.isSampled = isSampled;
    this.#start = start;
    this.#startedAt = start.startedAt ?? performance.now();
    this.#parent = parent;
    this.#keep = keep;
  }

  get traceparent(): string {
    return traceparentOf(this);
  }

  end(end: SpanEnd = nothingMore): void {
    if (!this.isSampled && end.keep !== true && end.error === undefined) return;
    const { name = this.#start.name, attributes = none, links = [], error } = end;
    const endedAtMs = epochMs(performance.now());
    this.#keep({
      name,
      kind: this.#start.kind,
      context: contextOf(this),
      parent: this.#parent && contextOf(this.#parent),
      startedAtMs: Math.min(epochMs(this.#startedAt), endedAtMs),
      endedAtMs,
      attributes: attributes(),
      links: links.slice(0, LINKS_MAX).flatMap((link) => readTraceparent(link) ?? []),
      error,
    });
  }
}

const nothingMore: SpanEnd = {};
const none = (): Attributes => ({});
const contextOf = ({ traceId, spanId, isSampled }: TraceContext): TraceContext => ({ traceId, spanId, isSampled });

/** How far performance.now() may go from the clock of the machine, which is set from time to time, in ms. */
const DRIFT_MAX_MS = 5;
let offsetMs = performance.timeOrigin;

/**
 * A time of performance.now() in ms since 1970. Finer than Date.now(), so that spans of less than 1 ms have a length.
 */
const epochMs = (at: number): number => {
  const wall = Date.now() - performance.now();
  if (Math.abs(wall - offsetMs) > DRIFT_MAX_MS) offsetMs = wall;
  return offsetMs + at;
};
