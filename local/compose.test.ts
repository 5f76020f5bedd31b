import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
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
