import { choice, flag, list, optionalText, pairs, pem, port, postgresUrl, share, text, url, whole } from './schemas.ts';
import { fileSetting, loginSetting, secretSetting, setting } from './setting.ts';

/**
 * Settings that several services share. A setting exists only where
 * two deployments differ; the rest are named constants.
 */
export const processSettings = {
  logLevel: setting(
    'DAKIA_LOG_LEVEL',
    choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace'], 'info'),
    'Least severe level that is logged.',
  ),
  drainMs: setting(
    'DAKIA_DRAIN_MS',
    whole(20_000, 0, 600_000),
    'Longest time in ms that a stop may take; keep it below the terminationGracePeriod.',
  ),
} as const;

export const opsSettings = {
  opsHost: setting('DAKIA_OPS_HOST', text('0.0.0.0'), 'Address that the health and metrics port binds to.'),
  opsPort: setting('DAKIA_OPS_PORT', port(9400), 'Port of /livez, /readyz and /metrics; 0 takes a free one.'),
} as const;

export const receivedSettings = {
  ingestOpsUrls: setting(
    'DAKIA_INGEST_OPS_URLS',
    list('http://host:9400, separated by commas')
      .refine((urls) => urls.every((one) => URL.canParse(one)), {
        error: 'has something that is no URL; give http://host:9400, separated by commas',
      })
      .optional(),
    'Ops ports of the ingest processes, http://host:9400 separated by commas, which `dakia status` asks for what was ' +
      'received and refused; a name with several addresses stands for all of them.',
  ),
} as const;

export const traceSettings = {
  traceEndpoint: setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    url('the base URL of a collector, http://host:4318').optional(),
    'Base URL of an OpenTelemetry collector that takes OTLP over HTTP (protobuf at /v1/traces). Without it there ' +
      'are no traces, at no cost.',
  ),
  traceHeaders: secretSetting(
    'OTEL_EXPORTER_OTLP_HEADERS',
    pairs('name=value, separated by commas'),
    'Headers of the requests to the collector, name=value separated by commas, such as its key; ' +
      'values percent-encoded.',
  ),
  traceRatio: setting(
    'DAKIA_TRACE_RATIO',
    share(0.01),
    'Share of the deliveries whose whole way is traced, from 0 to 1; a delivery that comes with a W3C trace ' +
      'context follows that. What fails, is parked or is given up is always sent.',
  ),
} as const;

export const kafkaSettings = {
  kafkaBrokers: setting(
    'KAFKA_BROKERS',
    list('host:port, separated by commas'),
    'Kafka bootstrap servers, host:port separated by commas.',
  ),
  kafkaTls: setting('KAFKA_TLS', flag(false), 'Connect to Kafka with TLS.'),
  kafkaTlsCaFile: fileSetting(
    'KAFKA_TLS_CA_FILE',
    pem(),
    'PEM file with the certificate authority of the brokers, where it is not a public one.',
  ),
  kafkaTlsCertFile: fileSetting('KAFKA_TLS_CERT_FILE', pem(), 'PEM file with the client certificate, for mutual TLS.'),
  kafkaTlsKeyFile: fileSetting('KAFKA_TLS_KEY_FILE', pem(), 'PEM file with the client key, for mutual TLS.'),
  kafkaSaslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    choice(['none', 'plain', 'scram-sha-256', 'scram-sha-512'], 'none'),
    'How to log in to Kafka.',
  ),
  kafkaSaslUsername: loginSetting('KAFKA_SASL_USERNAME', optionalText(), 'User for SASL.'),
  kafkaSaslPassword: secretSetting('KAFKA_SASL_PASSWORD', optionalText(), 'Password for SASL.'),
  topicPrefix: setting(
    'DAKIA_TOPIC_PREFIX',
    text(''),
    'Put before every topic and consumer group, so that several deployments can share a cluster.',
  ),
} as const;

export const postgresSettings = {
  databaseUrl: secretSetting(
    'DATABASE_URL',
    postgresUrl('postgres://user:password@host:5432/database'),
    'Postgres, one host or several (a:5432,b:5432), of which the one that can be written to is used; add ' +
      '?sslmode=verify-full&sslrootcert=FILE for TLS.',
  ),
  databasePoolSize: setting(
    'DAKIA_DATABASE_POOL_SIZE',
    whole(8, 1, 200),
    'Connections to Postgres per service; all but three of them may wait for rows that others hold.',
  ),
} as const;

export const redisSettings = {
  redisUrl: secretSetting(
    'REDIS_URL',
    url('redis://:password@host:6379, or rediss:// for TLS'),
    'Redis; rediss:// for TLS.',
  ),
  redisTlsCaFile: fileSetting(
    'REDIS_TLS_CA_FILE',
    pem(),
    'PEM file with the certificate authority of Redis, where it is not a public one.',
  ),
} as const;

export const queueSettings = {
  queuePrefix: setting(
    'DAKIA_QUEUE_PREFIX',
    text('dakia').refine((value) => /^[A-Za-z0-9._-]+$/.test(value), {
      error: 'may have letters, digits, dots, dashes and underscores only',
    }),
    'Put before every key in Redis, in braces, so that several deployments can share a Redis and one of them ' +
      'stays in one slot of a cluster.',
  ),
} as const;

/** A key that can be guessed would open its digests: every phone number can be tried. */
const SEARCH_KEY_MIN = 32;

export const searchSettings = {
  searchKey: secretSetting(
    'DAKIA_SEARCH_KEY',
    optionalText().refine((value) => value === undefined || value.length >= SEARCH_KEY_MIN, {
      error: `has fewer than ${SEARCH_KEY_MIN} characters`,
    }),
    'Key of the digests by which npx dakia search finds e-mail addresses, phone numbers and UPI addresses; at ' +
      `least ${SEARCH_KEY_MIN} characters, the same everywhere. Without it they are not searched.`,
  ),
} as const;

/** Shortest password of the page of queues: it stands on a port that people reach with a browser. */
const BOARD_PASSWORD_MIN = 12;

export const boardSettings = {
  boardPassword: secretSetting(
    'DAKIA_BOARD_PASSWORD',
    optionalText().refine((value) => value === undefined || value.length >= BOARD_PASSWORD_MIN, {
      error: `has fewer than ${BOARD_PASSWORD_MIN} characters`,
    }),
    `Password of the page /queues on the health port, for the user dakia; at least ${BOARD_PASSWORD_MIN} ` +
      'characters. Without it there is no such page.',
  ),
  boardWrites: setting(
    'DAKIA_BOARD_WRITES',
    flag(false),
    'Let the page /queues change queues and jobs; without it the page only shows them.',
  ),
} as const;

export const registrySettings = {
  schemaRegistryUrl: setting(
    'SCHEMA_REGISTRY_URL',
    url('http://host:8081/apis/ccompat/v7').optional(),
    'Schema registry (Confluent API). Without it the bundled schema is used alone.',
  ),
} as const;

export const ruleFileSettings = {
  notificationsFile: setting(
    'DAKIA_NOTIFICATIONS_FILE',
    optionalText(),
    'YAML file that says who is told what (docs/notifications.md), read at start. Without it ' +
      'deploy/notifications.example.yaml, which tells the log.',
  ),
} as const;
