import { serviceNames } from '#catalogue';
import { defineDomainService, quarantine } from './domain-service.ts';
import { ingest } from './ingest/service.ts';
import { notifier } from './notifier/service.ts';

/**
 * Every service, in the order in which one process starts them: what
 * is written to first, so that readers are there before writers.
 */
export const allServices = [
  notifier,
  ...serviceNames.map((name) => defineDomainService(name)),
  quarantine,
  ingest,
] as const;
