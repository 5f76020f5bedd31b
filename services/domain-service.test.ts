import promClient from 'prom-client';
import { readConfig } from '#platform/config';
import { createLogger } from '#platform/log';
import type { Service } from '#platform/service';
import { defineDomainService, domainSettings, quarantine } from './domain-service.ts';

const environment = {
  KAFKA_BROKERS: 'localhost:9092',
  DATABASE_URL: 'postgres://u:p@localhost/d',
  REDIS_URL: 'redis://localhost',
};

/** Names in order of start. Nothing connects before that. */
const componentsOf = (service: Service): readonly string[] => {
  const config = readConfig(domainSettings, environment);
  if (!config.ok) throw new Error(config.issues.join('; '));
  const nothing = () => undefined;
  const host = {
    environment,
    log: createLogger('test', 'silent'),
    metrics: new promClient.Registry(),
    tracer: undefined,
    addReadinessCheck: nothing,
    watchDependency: nothing,
    addOpsPlugin: nothing,
    fail: nothing,
  };
  return service.build(config.value, host).map(({ name }) => name);
};

test('what stops first comes last: the consumer before what it notifies, the worker before its pool', () => {
  expect(componentsOf(defineDomainService('refunds'))).toEqual([
    'postgres pool of retries',
    'retry queue',
    'dead-letter publisher',
    'sweeper of parked entities',
    'worker of retry-refunds',
    'postgres pool',
    'schema',
    'consumer of refunds',
  ]);
});

test('the quarantine applies nothing, so it needs no Redis; it reports for all groups', () => {
  expect(componentsOf(quarantine)).toEqual([
    'postgres pool of the reporter',
    'reporter',
    'postgres pool',
    'schema',
    'consumer of quarantine',
  ]);
  expect(Object.keys(quarantine.settings)).not.toContain('redisUrl');
});
