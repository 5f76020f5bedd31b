import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '#platform/log';
import { now } from '#platform/time';
import type { Component } from '#platform/service';
import type { IngestApp } from './app.ts';

export interface WebhookServer extends Component {
  /** The port that was taken; useful where the setting was 0. */
  readonly port: () => number;
}

/**
 * Of the time that a stop may take, in ms: what is left after the
 * delay for finishing what is in flight, and for the producer.
 */
const LEFT_FOR_DRAIN_MS = 5_000;

/**
 * Stops by going on for `drainDelayMs` while /readyz says that it stops, then answering 503, finishing what is in
 * flight, and closing. The producer is stopped after it.
 */
export const createWebhookServer = ({
  app,
  host,
  port,
  drainDelayMs,
  log,
}: {
  readonly app: IngestApp;
  readonly host: string;
  readonly port: number;
  readonly drainDelayMs: number;
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
      await delay(Math.max(0, Math.min(drainDelayMs, deadline - now() - LEFT_FOR_DRAIN_MS)));
      app.drain();
      const cut = setTimeout(() => fastify.server.closeAllConnections(), Math.max(0, deadline - now()));
      await fastify.close();
      clearTimeout(cut);
      app.flushLog();
    },
  };
};
