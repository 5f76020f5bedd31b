import { serviceNames } from '#catalogue';
import { defineDomainService, quarantine } from './domain-service.ts';
import { ingest } from './ingest/service.ts';
import { notifier } from './notifier/service.ts';

/** Every service, readers before writers, as they are listed. They need no order: one process starts them at once. */
export const allServices = [
  notifier,
  ...serviceNames.map((name) => defineDomainService(name)),
  quarantine,
  ingest,
] as const;
