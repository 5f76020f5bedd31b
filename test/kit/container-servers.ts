import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { freePort } from '#local';
import { serves } from '../../local/kafka.ts';
import { postgresAnswers, postgresUrl } from '../../local/postgres.ts';
import { redisAnswers } from '../../local/redis.ts';
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
  /** `127.0.0.1:HOST:CONTAINER`, one. */
  readonly ports: readonly [string];
}

/** What is used of testcontainers. A wait strategy is anything that waits. */
interface Container {
  withEnvironment(environment: Readonly<Record<string, string>>): this;
  withCommand(command: readonly string[]): this;
  withUser(user: string): this;
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

/** The services of deploy/compose.yaml with the images of deploy/images.env. */
export const composeServices = (
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, ComposeService | undefined>> => {
  const deploy = (name: string): string => readFileSync(join(ROOT, 'deploy', name), 'utf8');
  const known = { ...parseEnv(deploy('images.env')), ...values };
  // Of the profile `observe`, which starts nothing here, only the images are known.
  const { services } = parse(substituted(deploy('compose.yaml'), known)) as {
    readonly services: Readonly<Record<string, ComposeService>>;
  };
  return services;
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
  const password = randomBytes(18).toString('base64url');
  const addresses: ServerAddresses = {
    KAFKA_BROKERS: `127.0.0.1:${kafka}`,
    DATABASE_URL: postgresUrl(password, postgres),
    REDIS_URL: `redis://127.0.0.1:${redis}`,
    SCHEMA_REGISTRY_URL: registryUrl(registry),
  };
  const wanted = [
    ['kafka', kafka, () => serves([addresses.KAFKA_BROKERS])],
    ['registry', registry, () => registryAnswers(addresses.SCHEMA_REGISTRY_URL)],
    ['postgres', postgres, () => postgresAnswers(addresses.DATABASE_URL)],
    ['redis', redis, () => redisAnswers(redis, false)],
  ] as const;
  const services = composeServices({ DAKIA_KAFKA_PORT: String(kafka), DAKIA_POSTGRES_PASSWORD: password });

  const start = async ([name, host, answers]: (typeof wanted)[number]) => {
    const service = services[name];
    if (service === undefined) throw new Error(`deploy/compose.yaml has no service ${name}`);
    const container = new GenericContainer(service.image)
      .withExposedPorts({ container: Number(service.ports[0].split(':').at(-1)), host })
      .withEnvironment(service.environment ?? {})
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
