import type { AddressInfo } from 'node:net';
import type { Logger } from '#platform/log';
import { now } from '#platform/time';
import type { Component } from '#platform/service';
import type { IngestApp } from './app.ts';

export interface WebhookServer extends Component {
  /** The port that was taken; useful where the setting was 0. */
  readonly port: () => number;
}

/** Stops by answering 503, finishing what is in flight, and closing. The producer is stopped after it. */
export const createWebhookServer = ({
  app,
  host,
  port,
  log,
}: {
  readonly app: IngestApp;
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
}): WebhookServer => {
  const { fastify } = app;
  const portTaken = (): number => (fastify.server.address() as AddressInfo).port;
  return {
    name: 'webhook server',
    port: portTaken,
    start: async () => {
      await fastify.listen({ host, port });
      log.info({ host, port: portTaken() }, 'webhooks are received');
    },
    stop: async (deadline) => {
      app.drain();
      const cut = setTimeout(() => fastify.server.closeAllConnections(), Math.max(0, deadline - now()));
      await fastify.close();
      clearTimeout(cut);
      app.flushLog();
    },
  };
};
