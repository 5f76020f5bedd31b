import { readFileSync } from 'node:fs';

const REQUIRED = [
  'KUBECONFIG',
  'KAFKA_BROKERS',
  'DATABASE_URL',
  'REDIS_URL',
  'SCHEMA_REGISTRY_URL',
  'DAKIA_TEST_IMAGE',
] as const;

export interface ClusterTestSettings {
  readonly image: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly count: number;
  readonly rate: number;
  /** Whether ingest is scaled by CPU; the cluster then has a metrics server. */
  readonly hpa: boolean;
  /** Values of the Secrets that the release is given besides, where the servers want TLS and a login. */
  readonly security: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Values of the release under test; `id` keeps its topics apart from those of other runs. */
  readonly values: (id: string) => unknown;
}

export const AUTHORITY_SECRET = 'authority';
/** The login to Postgres that payments has of its own. */
export const PAYMENTS_SECRET = 'postgres-payments';
const LOGIN_SECRET = 'kafka';
/** Where the chart mounts the authority of Postgres. */
const POSTGRES_AUTHORITY = '/etc/dakia/postgres-tls/ca.crt';

const verified = (url: string): string => {
  const target = new URL(url);
  target.searchParams.set('sslmode', 'verify-full');
  target.searchParams.set('sslrootcert', POSTGRES_AUTHORITY);
  return target.href;
};

const portOf = (address: string): number => Number(/:(\d+)(\/|$|,|\?)/.exec(address.replace(/^.*@/, ''))?.[1]);

/** What the test of the cluster is told by its environment; throws with all that is missing. */
export const settingsOfTest = (environment: Readonly<Record<string, string | undefined>>): ClusterTestSettings => {
  const missing = REQUIRED.filter((name) => environment[name] === undefined);
  if (missing.length > 0) throw new Error(`${missing.join(', ')} not set; docs/cluster-test.md says how to get them`);
  const of = (name: (typeof REQUIRED)[number]): string => environment[name] ?? '';
  const servers = [{ ipBlock: { cidr: environment['DAKIA_TEST_SERVERS_CIDR'] ?? '10.244.0.1/32' } }];
  const hpa = environment['DAKIA_TEST_HPA'] === '1';
  const authority = environment['DAKIA_TEST_AUTHORITY'];
  const mechanism = environment['KAFKA_SASL_MECHANISM'] ?? 'none';
  const [, repository = '', tag = ''] = /^(.*):([^:]+)$/.exec(of('DAKIA_TEST_IMAGE')) ?? [];
  return {
    image: of('DAKIA_TEST_IMAGE'),
    databaseUrl: authority === undefined ? of('DATABASE_URL') : verified(of('DATABASE_URL')),
    redisUrl: of('REDIS_URL'),
    count: Number(environment['DAKIA_TEST_EVENTS'] ?? 5_000),
    rate: Number(environment['DAKIA_TEST_RATE'] ?? 12),
    hpa,
    security: {
      ...(authority !== undefined && { [AUTHORITY_SECRET]: { 'ca.crt': readFileSync(authority, 'utf8') } }),
      ...(mechanism !== 'none' && {
        [LOGIN_SECRET]: {
          username: environment['KAFKA_SASL_USERNAME'] ?? '',
          password: environment['KAFKA_SASL_PASSWORD'] ?? '',
        },
      }),
    },
    values: (id) => ({
      image: { repository, tag, pullPolicy: 'IfNotPresent' },
      kafka: {
        brokers: of('KAFKA_BROKERS'),
        schemaRegistryUrl: of('SCHEMA_REGISTRY_URL'),
        topicPrefix: `t${id}.`,
        ...(authority !== undefined && { tls: { enabled: true, existingSecret: AUTHORITY_SECRET, caKey: 'ca.crt' } }),
        ...(mechanism !== 'none' && { sasl: { mechanism, existingSecret: LOGIN_SECRET } }),
      },
      postgres: {
        existingSecret: 'postgres',
        ...(authority !== undefined && { tls: { existingSecret: AUTHORITY_SECRET } }),
      },
      redis: {
        existingSecret: 'redis',
        queuePrefix: `t${id}`,
        ...(authority !== undefined && { tls: { existingSecret: AUTHORITY_SECRET } }),
      },
      webhook: { existingSecret: 'webhook' },
      topics: { partitions: 6, replicationFactor: 1, minInsyncReplicas: 1 },
      // Small enough for one machine that also runs the cluster and the servers.
      defaults: { replicas: 1, cpu: '10m', memoryMi: 256, databasePoolSize: 4 },
      jobs: { cpu: '10m' },
      services: {
        // A target so low that the events of the test are enough.
        ingest: {
          replicas: 2,
          cpu: '50m',
          autoscaling: { kind: hpa ? 'hpa' : 'none', maxReplicas: 4, cpuPercent: 30 },
        },
        payments: { replicas: 2, postgres: { existingSecret: PAYMENTS_SECRET } },
      },
      networkPolicy: {
        enabled: true,
        dns: { ports: (environment['DAKIA_TEST_DNS_PORTS'] ?? '53,1053').split(',').map(Number) },
        kafka: { to: servers, port: portOf(of('KAFKA_BROKERS')) },
        schemaRegistry: { to: servers, port: portOf(of('SCHEMA_REGISTRY_URL')) },
        postgres: { to: servers, port: portOf(of('DATABASE_URL')) },
        redis: { to: servers, port: portOf(of('REDIS_URL')) },
      },
    }),
  };
};
