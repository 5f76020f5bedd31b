import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from 'prom-client';
import type { Component } from './component.ts';

/** Why a process is not ready, or nothing. Readiness never asks Kafka, Postgres or Redis: a restart would not mend them. */
export type ReadinessCheck = () => string | undefined;

/** More to serve on the ops port, below a path of its own. It brings its own login: the port itself has none. */
export interface OpsPlugin {
  readonly path: `/${string}`;
  readonly serve: FastifyPluginAsync;
}

/** Longest body that the ops port takes; its own paths take none. */
const BODY_LIMIT_BYTES = 1024;

export interface OpsServer extends Component {
  /** The port that was taken; useful where the setting was 0. */
  readonly port: () => number;
}

/** The second port: /livez, /readyz, /metrics and what services add. The webhook port never serves these. */
export const createOpsServer = (options: {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly checks: () => readonly ReadinessCheck[];
  /** Asked once, at start. */
  readonly plugins: () => readonly OpsPlugin[];
}): OpsServer => {
  const app = fastify({ logger: false, bodyLimit: BODY_LIMIT_BYTES });
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const reasons = options.checks().flatMap((check) => check() ?? []);
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send(reasons.length === 0 ? { status: 'ready' } : { status: 'not ready', reasons });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(options.registry.contentType).send(await options.registry.metrics()),
  );
  return {
    name: 'ops server',
    start: async () => {
      for (const { path, serve } of options.plugins()) await app.register(serve, { prefix: path });
      await app.listen({ host: options.host, port: options.port });
    },
    stop: async () => app.close(),
    port: () => (app.server.address() as AddressInfo).port,
  };
};
