import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { freePort } from '#local';
import { serves } from '../../local/kafka.ts';
import { postgresAnswers, postgresUrl } from '../../local/postgres.ts';
import { redisAnswers, redisUrl } from '../../local/redis.ts';
import { registryAnswers, registryUrl } from '../../local/registry.ts';
import { packagesIn } from './packages.ts';
import type { ServerAddresses } from './servers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Images are pulled in this time too. */
const READY_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 200;
const STOP_WITHIN_MS = 10_000;

/** A service of deploy/compose.yaml, as far as it is read here. */
interface ComposeService {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  /** `127.0.0.1:HOST:CONTAINER`, one. */
  readonly ports: readonly [string];
}

/** What is used of testcontainers. A wait strategy is anything that waits. */
interface Container {
  withEnvironment(environment: Readonly<Record<string, string>>): this;
  withCommand(command: readonly string[]): this;
  withUser(user: string): this;
  withHostname(name: string): this;
  withCopyContentToContainer(files: readonly { readonly content: string; readonly target: string }[]): this;
  withExposedPorts(...ports: readonly { readonly container: number; readonly host: number }[]): this;
  withWaitStrategy(strategy: unknown): this;
  withStartupTimeout(ms: number): this;
  start(): Promise<{ stop(options: { readonly timeout: number }): Promise<unknown> }>;
}
interface Testcontainers {
  readonly GenericContainer: new (image: string) => Container;
}

/** `${NAME:-otherwise}` and `${NAME:?what to do}`, as compose reads them. Throws where a name that must be set is not. */
const substituted = (text: string, values: Readonly<Record<string, string | undefined>>): string =>
  text.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
    const value = values[name] ?? (kind === '-' ? rest : undefined);
    if (value === undefined) throw new Error(`deploy/compose.yaml: ${name} is not set: ${rest}`);
    return value;
  });

interface Compose {
  readonly services: Readonly<Record<string, ComposeService | undefined>>;
  readonly configs: Readonly<Record<string, { readonly content: string } | undefined>>;
}

/** deploy/compose.yaml with the images of deploy/images.env. */
export const composeFile = (values: Readonly<Record<string, string>>): Compose => {
  const deploy = (name: string): string => readFileSync(join(ROOT, 'deploy', name), 'utf8');
  const known = { ...parseEnv(deploy('images.env')), ...values };
  // Of the profile `observe`, which starts nothing here, only the images are known.
  return parse(substituted(deploy('compose.yaml'), known)) as Compose;
};

/** Waits until the server answers as its clients need it; testcontainers' own look needs a shell in the image. */
const until = (name: string, answers: () => Promise<boolean>): unknown => {
  const strategy = {
    waitUntilReady: async () => {
      const end = performance.now() + READY_WITHIN_MS;
      while (!(await answers())) {
        if (performance.now() > end) throw new Error(`${name} has not answered within ${READY_WITHIN_MS / 1000} s`);
        await sleep(LOOK_EVERY_MS);
      }
    },
    withStartupTimeout: () => strategy,
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => READY_WITHIN_MS,
  };
  return strategy;
};

/**
 * Kafka, Postgres, Redis and the registry as containers, by testcontainers: DAKIA_TEST_SERVERS=containers. They are what
 * deploy/compose.yaml makes of them, on free ports and without its volumes. Either all are ready or none is left.
 */
export const startContainerServers = async (
  report: (step: string, text: string) => void,
): Promise<{ readonly addresses: ServerAddresses; readonly stop: () => Promise<void> }> => {
  // Its reaper is one more image; what is started here is ended here.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  const { GenericContainer } = packagesIn(join(ROOT, 'test', 'image', 'tools'))('testcontainers') as Testcontainers;
  const [kafka, registry, postgres, redis] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const [ofPostgres, ofRedis] = [randomBytes(18), randomBytes(18)].map((bytes) => bytes.toString('base64url')) as [
    string,
    string,
  ];
  const addresses: ServerAddresses = {
    KAFKA_BROKERS: `127.0.0.1:${kafka}`,
    DATABASE_URL: postgresUrl(ofPostgres, postgres),
    REDIS_URL: redisUrl(redis, ofRedis),
    SCHEMA_REGISTRY_URL: registryUrl(registry),
  };
  const wanted = [
    ['kafka', kafka, () => serves([addresses.KAFKA_BROKERS])],
    ['registry', registry, () => registryAnswers(addresses.SCHEMA_REGISTRY_URL)],
    ['postgres', postgres, () => postgresAnswers(addresses.DATABASE_URL)],
    ['redis', redis, () => redisAnswers(redis, false)],
  ] as const;
  const { services, configs } = composeFile({
    DAKIA_KAFKA_PORT: String(kafka),
    DAKIA_POSTGRES_PASSWORD: ofPostgres,
    DAKIA_REDIS_PASSWORD: ofRedis,
  });

  const start = async ([name, host, answers]: (typeof wanted)[number]) => {
    const service = services[name];
    if (service === undefined) throw new Error(`deploy/compose.yaml has no service ${name}`);
    const container = new GenericContainer(service.image)
      .withExposedPorts({ container: Number(service.ports[0].split(':').at(-1)), host })
      .withEnvironment(service.environment ?? {})
      // Under compose a service is known by its name; Kafka looks for itself so.
      .withHostname(name)
      .withCopyContentToContainer(
        (service.configs ?? []).map(({ source, target }) => ({ content: configs[source]?.content ?? '', target })),
      )
      .withWaitStrategy(until(name, answers))
      .withStartupTimeout(READY_WITHIN_MS);
    if (service.command !== undefined) container.withCommand(service.command);
    if (service.user !== undefined) container.withUser(service.user);
    const started = await container.start();
    report(name, `answers on port ${host} (${service.image})`);
    return started;
  };
  const outcomes = await Promise.allSettled(wanted.map(start));
  const running = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const stop = async (): Promise<void> =>
    void (await Promise.all(running.map((container) => container.stop({ timeout: STOP_WITHIN_MS }))));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw new Error(`the servers of deploy/compose.yaml do not start in containers: ${String(failed.reason)}`, {
      cause: failed.reason,
    });
  }
  return { addresses, stop };
};
