import { UNKNOWN_SCHEMA_ID } from '#envelope';
import { processEnvironment } from '#platform/config';
import type { ConfigOf } from '#platform/config';
import type { EventProducer } from '#kafka';
import { startServices } from '#platform/service';
import type { Component, Host, RunningServices, Service } from '#platform/service';
import { now } from '#platform/time';
import { createIngestApp } from '../../../services/ingest/app.ts';
import type { Keyring } from '../../../services/ingest/keyring.ts';
import { createWebhookServer } from '../../../services/ingest/server.ts';
import type { ingestSettings } from '../../../services/ingest/settings.ts';
import { createSources } from '../../../services/ingest/sources.ts';

export type IngestHost = Pick<Host<ConfigOf<typeof ingestSettings>>, 'config' | 'metrics' | 'log' | 'tracer'>;

/** What receives on one port, with all of ingest's settings but its own producer, port and tracer. */
export const receiving = (
  { config, metrics, log, tracer }: IngestHost,
  producer: EventProducer,
  { secretsOf }: Keyring,
  port = config.webhookPort,
): Component =>
  createWebhookServer({
    app: createIngestApp({
      producer,
      secretsOf,
      schemaId: () => UNKNOWN_SCHEMA_ID,
      bodyBytesMax: config.bodyBytesMax,
      sources: createSources(config, now),
      metrics,
      log,
      tracer,
    }),
    host: config.webhookHost,
    port,
    drainDelayMs: 0,
    log,
  });

/** Starts a service as its own process would, with the settings of the environment. */
export const startOne = async (service: Service): Promise<RunningServices> => {
  const started = await startServices('ingest', [service], processEnvironment());
  if (!started.ok) throw new Error(started.issues.join('; '));
  return started.value;
};
