import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import type { SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Current } from '#platform/config';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { createThrottle, now, within } from '#platform/time';
import type { TraceContext } from './context.ts';
import type { Tracing } from './open.ts';
import { createTracer } from './tracer.ts';
import type { KeptSpan, Tracer } from './tracer.ts';

/** Of this release, as package.json has it. */
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8')) as {
  readonly version: string;
};

/** Spans that wait for the collector, at most; more are dropped. About 1 kB each. */
const WAITING_MAX = 8_192;
/** Spans of one request, and how long the first waits for it, in ms. */
const REQUEST_SPANS = 512;
const REQUEST_EVERY_MS = 1_000;
/** Longest time for a request with its repeats, in ms; one at a time. */
const REQUEST_MS = 5_000;
/** Longest time at the end of a process for what is left, in ms. */
const FLUSH_MS = 2_000;
/** What OpenTelemetry has to complain about is logged at most once in this time, in ms. */
const COMPLAINT_EVERY_MS = 60_000;

/**
 * Sends spans to an OpenTelemetry collector, OTLP over HTTP with protobuf. A collector that is away, slow or refuses
 * costs spans, never a delivery: nobody waits for it, and what waits for it has a bound.
 */
export const openOtlp = (
  config: {
    readonly traceEndpoint: string;
    readonly traceHeaders: Current<Readonly<Record<string, string>>>;
    readonly traceRatio: number;
  },
  log: Logger,
): Tracing => {
  listenToComplaints(log);
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({
      url: `${config.traceEndpoint.replace(/\/+$/, '')}/v1/traces`,
      // Asked for with each request.
      headers: async () => ({ ...config.traceHeaders() }),
      timeoutMillis: REQUEST_MS,
      concurrencyLimit: 1,
    }),
    maxQueueSize: WAITING_MAX,
    maxExportBatchSize: REQUEST_SPANS,
    scheduledDelayMillis: REQUEST_EVERY_MS,
    exportTimeoutMillis: REQUEST_MS,
  });
  return {
    tracerOf: (service) => tracerOf(service, config.traceRatio, processor),
    flush: () => processor.forceFlush().catch(() => undefined),
    component: {
      name: 'traces',
      start: async () => undefined,
      stop: async (deadline) => {
        const flushed = processor.shutdown().catch(() => undefined);
        await within(Math.max(0, Math.min(FLUSH_MS, deadline - now())), flushed);
      },
    },
  };
};

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** A span comes to OpenTelemetry when it has ended and is kept, with the ids that it had from the beginning. */
const tracerOf = (service: string, ratio: number, processor: SpanProcessor): Tracer => {
  let ids: TraceContext = { traceId: '', spanId: '', isSampled: true };
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.namespace': 'dakia',
        'service.name': `dakia-${service}`,
        'service.version': version,
        'service.instance.id': `${hostname()}-${process.pid}`,
      }),
    ),
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('dakia', version);
  const keep = ({ name, kind, context, parent, startedAtMs, endedAtMs, attributes, links, error }: KeptSpan): void => {
    ids = context;
    const span = tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        startTime: startedAtMs,
        attributes: { ...attributes },
        links: links.map((link) => ({ context: spanContextOf(link) })),
      },
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent)),
    );
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(endedAtMs);
  };
  return createTracer(ratio, keep);
};

const spanContextOf = ({ traceId, spanId, isSampled }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
});

/**
 * OpenTelemetry says what it cannot do to one listener per process.
 * Its words may quote an answer, so only those of the system are kept.
 */
const listenToComplaints = (log: Logger): void => {
  const throttle = createThrottle(COMPLAINT_EVERY_MS);
  const complain = (text: string): void => {
    const more = throttle.admit();
    if (more !== undefined)
      log.warn(
        { code: codeOf('trace', 'not-sent'), reason: SYSTEM_CODE.exec(text)?.[0] ?? 'refused or late', more },
        'traces are not sent: the collector does not take them; all else goes on',
      );
  };
  const silent = (): void => undefined;
  diag.setLogger(
    { error: complain, warn: complain, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
};

const SYSTEM_CODE = /\bE[A-Z_]{4,}\b/;
