import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import type { FastifyPluginAsync } from 'fastify';
import { expositionOf, OPEN_METRICS } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import { now } from '#platform/time';
import type { Component } from './component.ts';
import type { ReadinessReport } from './readiness.ts';
import { inTurns } from './turns.ts';

/** More to serve on the ops port, below a path of its own. It brings its own login: the port itself has none. */
export interface OpsPlugin {
  readonly path: `/${string}`;
  readonly serve: FastifyPluginAsync;
}

/** Longest body that the ops port takes; its own paths take none. */
const BODY_LIMIT_BYTES = 1024;
/** However many ask for /metrics, they are gathered once in this time, in ms. */
const METRICS_KEPT_MS = 1_000;

/**
 * How long requests that are under way keep the process from ending,
 * in ms: also half a request, and one for a gauge that hangs.
 */
const ANSWERED_WITHIN_MS = 1_000;

export interface OpsServer extends Component {
  /** The port that was taken; useful where the setting was 0. */
  readonly port: () => number;
}

/** The second port: /livez, /readyz, /metrics and what services add. The webhook port never serves these. */
export const createOpsServer = (options: {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly readiness: () => ReadinessReport;
  /** Whether to show OpenMetrics, with the ids of traces, to whoever asks for it. */
  readonly withTraces?: boolean;
  /** Asked once, at start. */
  readonly plugins: () => readonly OpsPlugin[];
}): OpsServer => {
  const app = fastify({ logger: false, bodyLimit: BODY_LIMIT_BYTES });
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const report = options.readiness();
    return reply.code(report.status === 'ready' ? 200 : 503).send(report);
  });
  const kept = (format: 'text' | 'open-metrics') =>
    keptFor(METRICS_KEPT_MS, async () => Buffer.from(await expositionOf(options.registry, format)));
  const [metrics, open] = [kept('text'), kept('open-metrics')];
  const turn = inTurns();
  app.get('/metrics', async ({ headers }, reply) => {
    // One a turn of the event loop: however many ask, a delivery waits for one of them.
    await turn();
    if (options.withTraces === true && headers.accept?.includes('application/openmetrics-text') === true)
      return reply.type(OPEN_METRICS).send(await open());
    return reply.type(options.registry.contentType).send(await metrics());
  });
  return {
    name: 'ops server',
    start: async () => {
      for (const { path, serve } of options.plugins()) await app.register(serve, { prefix: path });
      await app.listen({ host: options.host, port: options.port });
    },
    stop: async (deadline) => {
      const cut = setTimeout(() => app.server.closeAllConnections(), Math.min(ANSWERED_WITHIN_MS, deadline - now()));
      await app.close();
      clearTimeout(cut);
    },
    port: () => (app.server.address() as AddressInfo).port,
  };
};

/**
 * The answer of `get`, kept for so many ms; those who ask while it is got wait for the same one. A failure is not kept.
 */
const keptFor = <Answer>(ms: number, get: () => Promise<Answer>): (() => Promise<Answer>) => {
  let kept: { readonly answer: Promise<Answer>; readonly at: number } | undefined;
  return () => {
    const now = performance.now();
    if (kept !== undefined && now - kept.at < ms) return kept.answer;
    const mine = { answer: get(), at: now };
    kept = mine;
    mine.answer.catch(() => {
      if (kept === mine) kept = undefined;
    });
    return mine.answer;
  };
};
