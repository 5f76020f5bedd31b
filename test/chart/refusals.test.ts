import { caseFile, render } from './kit/render.ts';

/** Values that must not be taken, and what the refusal must say. Each is set over the minimal case. */
const WRONG: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['a value at the top that is misspelt', { kafak: {} }, "at '': additional properties 'kafak' not allowed"],
  ['no brokers', { 'kafka.brokers': '' }, 'kafka.brokers is not set: give the bootstrap servers'],
  ['brokers without a port', { 'kafka.brokers': 'kafka' }, "at '/kafka/brokers'"],
  ['no Secret for Postgres', { 'postgres.existingSecret': '' }, 'postgres.existingSecret is not set'],
  ['no Secret for Redis', { 'redis.existingSecret': '' }, 'redis.existingSecret is not set'],
  ['no Secret for webhooks', { 'webhook.existingSecret': '' }, 'webhook.existingSecret is not set'],
  ['a login without a Secret', { 'kafka.sasl.mechanism': 'plain' }, 'kafka.sasl.existingSecret is not set'],
  [
    'a mechanism that does not exist',
    { 'kafka.sasl.mechanism': 'md5' },
    "at '/kafka/sasl/mechanism': value must be one of",
  ],
  ['TLS files without TLS', { 'kafka.tls.existingSecret': 'x' }, 'kafka.tls.enabled is false'],
  [
    'a certificate without its key',
    { 'kafka.tls.enabled': true, 'kafka.tls.existingSecret': 'x', 'kafka.tls.certKey': 'tls.crt' },
    'kafka.tls.certKey and kafka.tls.keyKey go together',
  ],
  ['a value that is misspelt', { 'kafka.borkers': 'x:1' }, "at '/kafka': additional properties 'borkers' not allowed"],
  [
    'a value of a service that is misspelt',
    { 'services.payments.replcas': 3 },
    "at '/services/payments': additional properties 'replcas' not allowed",
  ],
  [
    'a service that does not exist',
    { 'services.payment': {} },
    "at '/services': additional properties 'payment' not allowed",
  ],
  [
    'replicas as text',
    { 'services.payments.replicas': 'three' },
    "at '/services/payments/replicas': got string, want integer",
  ],
  ['no replicas', { 'defaults.replicas': 0 }, "at '/defaults/replicas': minimum: got 0, want 1"],
  [
    'one pod under an autoscaler',
    { 'services.ingest.autoscaling': { kind: 'hpa', minReplicas: 1 } },
    "at '/services/ingest/autoscaling/minReplicas': minimum: got 1, want 2",
  ],
  [
    'an autoscaler upside down',
    { 'services.ingest.autoscaling': { kind: 'hpa', minReplicas: 5, maxReplicas: 3 } },
    'services.ingest.autoscaling.maxReplicas 3 is less than minReplicas 5',
  ],
  [
    'scaling by lag for what reads no topic',
    { 'services.notifier.autoscaling': { kind: 'keda' } },
    'services.notifier.autoscaling.kind is keda',
  ],
  [
    'more consumers than partitions',
    { 'services.payments.autoscaling': { kind: 'keda', maxReplicas: 13 } },
    'services.payments.autoscaling.maxReplicas 13 is more than topics.partitions 12',
  ],
  [
    'more confirmations than copies',
    { 'topics.minInsyncReplicas': 4 },
    'topics.minInsyncReplicas 4 is more than topics.replicationFactor 3',
  ],
  ['an image that moves', { 'image.tag': 'latest' }, 'image.tag is latest'],
  ['a digest that is none', { 'image.digest': 'sha256:abc' }, "at '/image/digest'"],
  ['memory with a unit', { 'defaults.memoryMi': '512Mi' }, "at '/defaults/memoryMi': got string, want integer"],
  [
    'a number where text belongs',
    { 'defaults.extraEnv': { NUMBER: 5 } },
    "at '/defaults/extraEnv/NUMBER': got number, want string",
  ],
  ['an Ingress without a name', { 'ingress.enabled': true }, 'ingress.host is not set'],
  [
    'a list of addresses that nobody enforces',
    { 'ingress.enabled': true, 'ingress.host': 'h', 'ingress.allowList': ['192.0.2.1/32'] },
    'ingress.allowList needs ingress.controller: ingress-nginx',
  ],
  ['an address without a mask', { 'ingress.allowList': ['192.0.2.1'] }, "at '/ingress/allowList/0'"],
  ['a route without a Gateway', { 'httpRoute.enabled': true, 'httpRoute.host': 'h' }, 'httpRoute.parentRefs is empty'],
  [
    'policies that would cut off the collector',
    {
      'tracing.endpoint': 'http://collector:4318',
      'networkPolicy.enabled': true,
      ...Object.fromEntries(
        ['kafka', 'postgres', 'redis'].map((server) => [`networkPolicy.${server}.to`, [{ podSelector: {} }]]),
      ),
    },
    'networkPolicy.collector.to is empty',
  ],
  ['policies that would cut off Kafka', { 'networkPolicy.enabled': true }, 'networkPolicy.kafka.to is empty'],
  [
    'notifications said twice',
    { 'notifications.rules': 'a: b', 'notifications.existingConfigMap': 'c' },
    'notifications.rules and notifications.existingConfigMap are both set',
  ],
  [
    'secrets of destinations that come from nowhere',
    { 'notifications.secretKeys': ['DAKIA_SLACK_URL'] },
    'notifications.existingSecret is not set',
  ],
  [
    'a Secret of destinations of which nothing is used',
    { 'notifications.existingSecret': 'dakia-notifications' },
    'notifications.secretKeys is empty',
  ],
  [
    'a key that names no variable',
    { 'notifications.existingSecret': 'n', 'notifications.secretKeys': ['slack-url'] },
    "at '/notifications/secretKeys/0'",
  ],
  ['a store without a name', { 'externalSecrets.enabled': true }, 'externalSecrets.storeName is not set'],
  [
    'metrics collected twice',
    { 'monitoring.podMonitor.enabled': true, 'monitoring.serviceMonitor.enabled': true },
    'monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled are both true',
  ],
  ['topics of no cluster', { 'strimzi.enabled': true }, 'strimzi.cluster is not set'],
  [
    'a pause longer than the drain',
    { 'webhook.drainDelaySeconds': 20 },
    'webhook.drainDelaySeconds 20 is not less than the drainSeconds 20',
  ],
  [
    'facts that end before Kafka has forgotten their events',
    { 'maintenance.keepOutboxDays': 30 },
    "at '/maintenance/keepOutboxDays'",
  ],
  ['waits that are none', { 'retries.delays': 'soon' }, "at '/retries/delays'"],
  [
    'a way to prepare that does not exist',
    { 'jobs.mode': 'init' },
    "at '/jobs/mode': value must be one of 'hook', 'job', 'none'",
  ],
];

test.each(WRONG)('%s is refused in words', (_what, set, message) => {
  const result = render({ files: [caseFile('minimal')], set });
  expect(result).toEqual({ ok: false, message: expect.stringContaining(message) as unknown });
});

test('as a subchart, the chart takes the values that Helm and a condition add', () => {
  expect(render({ files: [caseFile('minimal')], set: { global: { imageRegistry: 'x' }, enabled: true } }).ok).toBe(
    true,
  );
});
