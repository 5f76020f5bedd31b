import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { composeRun } from './compose.ts';
import { repositoryRoot } from './folders.ts';

const read = (...path: readonly string[]): string => readFileSync(join(repositoryRoot, 'deploy', ...path), 'utf8');
const compose = read('compose.yaml');
const images = parseEnv(read('images.env'));
const pom = readFileSync(join(repositoryRoot, 'local', 'pom.xml'), 'utf8');
const pinned = (property: string): string =>
  new RegExp(`<${property}>(.*)</${property}>`).exec(pom)?.[1] ?? `no ${property} in the POM`;

const ports = { kafkaPort: 9092, kafkaControllerPort: 9093, registryPort: 8081, postgresPort: 5432, redisPort: 6379 };

test('every image is pinned, and in the version that the POM fetches', () => {
  expect(images['KAFKA_IMAGE']).toBe(`apache/kafka:${pinned('kafka.version')}`);
  expect(images['REGISTRY_IMAGE']).toMatch(new RegExp(`:${pinned('apicurio.version')}$`));
  expect(images['REDIS_IMAGE']).toBe(`redis:${pinned('redis.server.version')}`);
  expect(`${images['POSTGRES_IMAGE'] ?? ''}.0`).toBe(`postgres:${pinned('postgres.version')}`);
  const used = [...compose.matchAll(/image: \$\{(\w+):\?/g)].map(([, name]) => name);
  // The bases of the image are used by deploy/Dockerfile.
  const servers = Object.keys(images).filter((name) => !name.endsWith('_BASE_IMAGE'));
  expect(used.sort()).toEqual(servers.sort());
});

/** Of the profile `observe`, which npm start does not run; they have their defaults in the file alone. */
const OBSERVE_PORTS = { DAKIA_PROMETHEUS_PORT: 9090, DAKIA_ALERTMANAGER_PORT: 9094, DAKIA_GRAFANA_PORT: 3000 };

test('every port is on loopback and is set by the setting of npm start, with its default', () => {
  const published = [...compose.matchAll(/ports: \["127\.0\.0\.1:\$\{(\w+):-(\d+)\}:\d+"\]/g)].map(([, name, port]) => [
    name,
    Number(port),
  ]);
  expect(Object.fromEntries(published)).toEqual({
    DAKIA_KAFKA_PORT: 9092,
    DAKIA_REGISTRY_PORT: 8081,
    DAKIA_POSTGRES_PORT: 5432,
    DAKIA_REDIS_PORT: 6379,
    ...OBSERVE_PORTS,
  });
  // Every published address, whichever way it is written.
  expect([...compose.matchAll(/"([\d.]+):[^"]*:\d+"/g)].map(([, host]) => host)).toEqual(
    compose.match(/"[\d.]+:[^"]*:\d+"/g)?.map(() => '127.0.0.1'),
  );
  expect(compose).not.toMatch(/"(\$\{|\d+:\d+")/);
});

test('it has no password of its own', () => {
  expect(compose).toMatch(/POSTGRES_PASSWORD: \$\{DAKIA_POSTGRES_PASSWORD:\?/);
  expect(compose).toMatch(/requirepass \$\{DAKIA_REDIS_PASSWORD:\?/);
  // Every user of the machine can read a command line.
  expect(compose).not.toMatch(/(command|entrypoint):.*PASSWORD/);
});

test('only the servers whose address is not given are started, and every variable of the file has a value', () => {
  const { args, env } = composeRun('/a/.dakia', ports, ['DATABASE_URL', 'REDIS_URL'], {
    postgres: 'one',
    redis: 'two',
  });
  expect(args.slice(args.indexOf('up'))).toEqual([
    'up',
    '--abort-on-container-exit',
    '--no-color',
    'postgres',
    'redis',
  ]);
  const variables = [...compose.matchAll(/\$\{(\w+)/g)].flatMap(([, name]) => name ?? []);
  const known = new Set([...Object.keys(env), ...Object.keys(images)]);
  const observed = [...Object.keys(OBSERVE_PORTS), 'DAKIA_TRACES_PORT'];
  expect(variables.filter((name) => !known.has(name))).toEqual(observed);
  for (const service of ['kafka', 'registry', 'postgres', 'redis'])
    expect(compose).toMatch(new RegExp(`^ {2}${service}:$`, 'm'));
});

test('two state folders are two projects with volumes of their own', () => {
  const projectOf = (root: string) => composeRun(root, ports, [], { postgres: '', redis: '' }).args[2];
  expect(projectOf('/a/.dakia')).not.toBe(projectOf('/b/.dakia'));
  expect(projectOf('/a/.dakia')).toBe(projectOf('/a/.dakia'));
});

interface ComposeService {
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}
const { services, volumes: named } = parse(compose) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const observed = Object.entries(services).filter(([, { profiles }]) => profiles?.includes('observe'));

test('what the profile observe mounts is there, and each of its servers says when it is ready', () => {
  expect(observed.map(([name]) => name)).toEqual(['prometheus', 'alertmanager', 'grafana', 'traces']);
  for (const [name, { volumes = [], healthcheck }] of observed) {
    for (const volume of volumes) {
      const [source = '', target, mode] = volume.split(':');
      const isThere = source.startsWith('./') ? existsSync(join(repositoryRoot, 'deploy', source)) : source in named;
      expect([name, volume, isThere, target?.startsWith('/')]).toEqual([name, volume, true, true]);
      expect([name, volume, mode]).toEqual([name, volume, source.startsWith('./') ? 'ro' : undefined]);
    }
    expect(healthcheck?.test.at(-1)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
  }
});

test('Prometheus, Alertmanager and Grafana are configured with names and paths that are in the profile', () => {
  const prometheus = parse(read('observability', 'prometheus.yaml')) as {
    rule_files: readonly string[];
    alerting: { alertmanagers: readonly { static_configs: readonly { targets: readonly string[] }[] }[] };
  };
  expect(services['prometheus']?.volumes).toContain('./observability/alerts:/etc/prometheus/alerts:ro');
  expect(prometheus.rule_files).toEqual(['/etc/prometheus/alerts/*.yaml']);
  expect(prometheus.alerting.alertmanagers[0]?.static_configs[0]?.targets).toEqual(['alertmanager:9093']);

  const { route, receivers } = parse(read('observability', 'alertmanager.yaml')) as {
    route: { receiver: string; routes: readonly { receiver: string }[] };
    receivers: readonly { name: string }[];
  };
  const names = receivers.map(({ name }) => name);
  for (const { receiver } of [route, ...route.routes]) expect(names).toContain(receiver);

  // grafana.com/docs/grafana/latest/administration/provisioning: a wrong name of a field is ignored without a word.
  const provisioned = parse(read('observability', 'grafana', 'datasources.yaml')) as {
    apiVersion: number;
    datasources: readonly { name: string; uid: string; type: string; url: string }[];
  };
  const providers = parse(read('observability', 'grafana', 'dashboards.yaml')) as {
    apiVersion: number;
    providers: readonly { name: string; type: string; options: { path: string } }[];
  };
  expect([provisioned.apiVersion, providers.apiVersion]).toEqual([1, 1]);
  for (const { url } of provisioned.datasources)
    expect(observed.map(([name]) => name)).toContain(new URL(url).hostname);
  expect(providers.providers[0]).toMatchObject({ type: 'file', options: { path: '/etc/grafana/dakia' } });
  expect(services['grafana']?.volumes).toContain('./observability/dashboards:/etc/grafana/dakia:ro');
  const uids = new Set(provisioned.datasources.map(({ uid }) => uid));
  expect(JSON.stringify(provisioned)).toContain('"datasourceUid":"traces"');
  expect(uids).toEqual(new Set(['prometheus', 'traces']));
  const boards = join(repositoryRoot, 'deploy', 'observability', 'dashboards');
  for (const file of readdirSync(boards)) {
    const { uid, title } = JSON.parse(readFileSync(join(boards, file), 'utf8')) as Record<string, unknown>;
    expect([file, typeof uid, typeof title]).toEqual([file, 'string', 'string']);
  }
});
