import { contextOf, newSpanId, newTraceId, readTraceparent, traceparentOf } from './context.ts';
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
   * What caused it: a span of this process, a W3C trace context as text or read, or what makes one that is not sampled
   * and is asked only if ids are. Without one, or with an unreadable one, it begins a trace.
   */
  readonly parent?: TraceContext | (() => TraceContext) | string | null | undefined;
  /** On the clock of performance.now(); now without. */
  readonly startedAt?: number;
  /** Where its parent does not say it and the ratio is not asked. */
  readonly isSampled?: boolean;
  /** Its own, where that was handed on before. */
  readonly context?: TraceContext;
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

/** A piece of work under way. Its ids are made when somebody asks for them. */
export interface Span extends TraceContext {
  /** W3C trace context for what follows from it: record headers, rows, jobs. */
  readonly traceparent: string;
  /** To be called once. A span that is not ended is not kept. */
  readonly end: (end?: SpanEnd) => void;
}

/** The trace id for an exemplar; undefined where nobody would find the trace. */
export const sampledTraceOf = (span: Pick<Span, 'traceId' | 'isSampled'> | undefined): string | undefined =>
  span?.isSampled === true ? span.traceId : undefined;

/**
 * Makes spans. It stands for the OpenTelemetry API, which sees only what is kept: a span that is neither sampled nor
 * failed, and whose ids nobody asks for, costs a time alone. Where traces are off there is no tracer, and
 * `tracer?.start(…)` costs nothing.
 */
export interface Tracer {
  readonly start: (start: SpanStart) => Span;
  /** Whether a trace that begins now is kept: so it is with the given share of them. */
  readonly samples: () => boolean;
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
  const samples = (): boolean => Math.random() < ratio;
  return { samples, start: (start) => new StartedSpan(start, samples, keep) };
};

/** A class, because its methods are made once: those of a literal would be made for every span. */
class StartedSpan implements Span {
  readonly isSampled: boolean;
  readonly #start: SpanStart;
  readonly #startedAt: number;
  readonly #keep: (span: KeptSpan) => void;
  #parent: TraceContext | (() => TraceContext) | undefined;
  #context: TraceContext | undefined;

  constructor(start: SpanStart, samples: () => boolean, keep: (span: KeptSpan) => void) {
    this.#start = start;
    this.#startedAt = start.startedAt ?? performance.now();
    this.#keep = keep;
    const parent = typeof start.parent === 'string' ? readTraceparent(start.parent) : (start.parent ?? undefined);
    this.#parent = parent;
    this.#context = start.context;
    const isParentSampled = typeof parent === 'function' ? false : parent?.isSampled;
    this.isSampled = this.#context?.isSampled ?? start.isSampled ?? isParentSampled ?? samples();
  }

  get traceId(): string {
    return this.#ids().traceId;
  }

  get spanId(): string {
    return this.#ids().spanId;
  }

  get traceparent(): string {
    return traceparentOf(this.#ids());
  }

  #ids(): TraceContext {
    this.#context ??= {
      traceId: this.#above()?.traceId ?? newTraceId(),
      spanId: newSpanId(),
      isSampled: this.isSampled,
    };
    return this.#context;
  }

  #above(): TraceContext | undefined {
    if (typeof this.#parent === 'function') this.#parent = this.#parent();
    return this.#parent;
  }

  end(end: SpanEnd = nothingMore): void {
    if (!this.isSampled && end.keep !== true && end.error === undefined) return;
    const { name = this.#start.name, attributes = none, links = [], error } = end;
    const endedAtMs = epochMs(performance.now());
    const parent = this.#above();
    this.#keep({
      name,
      kind: this.#start.kind,
      context: this.#ids(),
      parent: parent && contextOf(parent),
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
