import type { ConfigOf, traceSettings } from '#platform/config';
import type { Logger } from '#platform/log';
import type { Component } from '#platform/service';
import type { Tracer } from './tracer.ts';

/** The traces of one process. */
export interface Tracing {
  /** Of one service, under whose name its spans are shown. */
  readonly tracerOf: (service: string) => Tracer;
  /** Settles when all that has ended is sent, or given up: for who has to know what sending cost. */
  readonly flush: () => Promise<void>;
  /** Sends what is left when it is stopped, within a bound. */
  readonly component: Component;
}

/** Undefined where no collector is set: then OpenTelemetry is not even loaded. */
export const openTracing = async (config: ConfigOf<typeof traceSettings>, log: Logger): Promise<Tracing | undefined> =>
  config.traceEndpoint === undefined
    ? undefined
    : (await import('./otlp.ts')).openOtlp({ ...config, traceEndpoint: config.traceEndpoint }, log);
