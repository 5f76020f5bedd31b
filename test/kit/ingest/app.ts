import type { AddressInfo } from 'node:net';
import promClient from 'prom-client';
import { webhookSecret } from '#envelope';
import type { KafkaRecord } from '#envelope';
import type { EventProducer, PublishOutcome, Reluctance } from '#kafka';
import { createLogger } from '#platform/log';
import type { Tracer } from '#platform/trace';
import { createSources } from '../../../services/ingest/sources.ts';
import { createIngestApp } from '../../../services/ingest/app.ts';
import type { IngestApp } from '../../../services/ingest/app.ts';
import { SECRET } from './deliveries.ts';

export interface TestApp {
  readonly app: IngestApp;
  readonly port: number;
  /** What was published, in order, as topic and record. */
  readonly published: (readonly [topic: string, record: KafkaRecord])[];
  readonly logged: string[];
  /** The value of one series of the metrics; 0 when there is none. */
  readonly metric: (series: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** The webhook port with a producer that the test answers for. */
export const openTestApp = async (
  publish: () => Promise<PublishOutcome> = async () => 'durable',
  reluctance?: () => Reluctance | undefined,
  secrets: Readonly<Record<string, readonly string[]>> = { default: [SECRET] },
  sources: Partial<Parameters<typeof createSources>[0]> = {},
  tracer?: Tracer,
): Promise<TestApp> => {
  const published: TestApp['published'] = [];
  const logged: string[] = [];
  const metrics = new promClient.Registry();
  const producer: EventProducer = {
    publish: (topic, record) => {
      published.push([topic, record]);
      return publish();
    },
  };
  const ring = new Map(Object.entries(secrets).map(([name, texts]) => [name, texts.map(webhookSecret)]));
  const app = createIngestApp({
    producer: reluctance === undefined ? producer : { ...producer, reluctance },
    secretsOf: (endpoint) => ring.get(endpoint),
    schemaId: () => 7,
    bodyBytesMax: 256 * 1024,
    sources: createSources(
      {
        trustedProxies: undefined,
        forwardedHeader: 'x-forwarded-for',
        sourcesAllowed: undefined,
        sourceRefusalsMax: 0,
        ...sources,
      },
      Date.now,
    ),
    metrics,
    tracer,
    log: createLogger('ingest', 'trace', { write: (line) => logged.push(line) }),
  });
  await app.fastify.listen({ host: '127.0.0.1', port: 0 });
  return {
    app,
    port: (app.fastify.server.address() as AddressInfo).port,
    published,
    logged,
    metric: async (series) =>
      Number(new RegExp(`^${series.replace(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(await metrics.metrics())?.[1] ?? 0),
    close: async () => {
      app.fastify.server.closeAllConnections();
      await app.fastify.close();
    },
  };
};
