import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import promClient from 'prom-client';
import { eventually } from '#kit/eventually';
import { optionalText, secretSetting } from '#platform/config';
import { defineService } from './definition.ts';
import type { Host, Service } from './definition.ts';
import { oneAtATime } from '#platform/metrics';
import { startServices } from './start.ts';
import type { RunningServices } from './start.ts';

const environment = { DAKIA_OPS_HOST: '127.0.0.1', DAKIA_OPS_PORT: '0', DAKIA_LOG_LEVEL: 'info' };
/** Above what is promised (200 ms), because a busy machine has its own pauses; far below what a frozen server takes. */
const AT_ONCE_MS = 1_000;
const never = (): Promise<never> => new Promise(() => undefined);

interface Answer {
  readonly code: number;
  readonly status: string;
  readonly reasons: readonly string[];
  readonly stages: readonly { readonly name: string; readonly state: string }[];
  readonly dependencies: Readonly<
    Record<string, { up: boolean | null; since: string | null; lastError: string | null }>
  >;
}

let logged: string[] = [];
let stops: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  logged = [];
  stops = [];
});
afterEach(async () => void (await Promise.all(stops.map((stop) => stop()))));

/** A service of one component `the work`, and of what `build` adds to the host. */
const serviceOf = (
  build: (host: Host<object>) => void,
  work: () => Promise<void> = async () => undefined,
  rest: () => Promise<void> = async () => undefined,
): Service =>
  defineService({
    name: 'tested',
    settings: {},
    components: (host) => {
      build(host);
      return [{ name: 'the work', start: work, stop: rest }];
    },
  });
const run = async (service: Service): Promise<RunningServices> => {
  const started = await startServices('tested', [service], environment, { write: (line) => void logged.push(line) });
  if (!started.ok) throw new Error(started.issues.join('; '));
  stops.push(started.value.stop);
  return started.value;
};
/** The ops port of a process that is still starting is known to nobody but its ops server. */
const readyz = async (port: number): Promise<Answer> => {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  return { code: response.status, ...((await response.json()) as Omit<Answer, 'code'>) };
};
const took = async (what: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await what();
  return performance.now() - begun;
};
const freePort = async (): Promise<number> => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

test('unready with reasons until every component has started and every check has passed; then ready for good', async () => {
  const port = await freePort();
  const work = Promise.withResolvers<void>();
  let reason: string | undefined = 'has not joined its group yet';
  const starting = startServices(
    'tested',
    [
      serviceOf(
        ({ addReadinessCheck }) => addReadinessCheck(() => reason),
        () => work.promise,
      ),
    ],
    { ...environment, DAKIA_OPS_PORT: String(port) },
    { write: (line) => void logged.push(line) },
  );
  const early = await eventually('it answers', () => readyz(port).catch(() => undefined));
  expect(early).toMatchObject({
    code: 503,
    status: 'not ready',
    reasons: ['the work: starting', 'has not joined its group yet'],
  });
  expect(early.stages.map(({ name, state }) => [name, state])).toEqual([
    ['ops server', 'started'],
    ['the work', 'starting'],
  ]);
  work.resolve();
  const started = await starting;
  if (!started.ok) throw new Error('did not start');
  stops.push(started.value.stop);
  expect(await readyz(port)).toMatchObject({ code: 503, reasons: ['has not joined its group yet'] });
  expect(logged.join('')).not.toContain('is ready');

  reason = undefined;
  await eventually('it says so by itself', () => logged.join('').includes('tested is ready'));
  reason = 'Kafka is away';
  expect(await readyz(port)).toMatchObject({ code: 200, status: 'ready', reasons: [] });
});

test('every dependency: up, down since when and why; its absence makes nothing unready, its silence keeps nobody waiting', async () => {
  const { opsPort } = await run(
    serviceOf(({ watchDependency }) => {
      watchDependency({ name: 'kafka', ping: async () => undefined });
      watchDependency({ name: 'postgres', ping: async () => Promise.reject(new Error('connect ECONNREFUSED')) });
      watchDependency({ name: 'redis', ping: never });
    }),
  );
  const { code, dependencies } = await eventually('all are known', async () => {
    const answer = await readyz(opsPort());
    return answer.dependencies['redis']?.up === null ? undefined : answer;
  });
  expect(code).toBe(200);
  const since = expect.stringMatching(/^\d{4}-.*Z$/) as string;
  expect(dependencies).toEqual({
    kafka: { up: true, since, lastError: null },
    postgres: { up: false, since, lastError: 'connect ECONNREFUSED' },
    redis: { up: false, since, lastError: 'no answer within 3000 ms' },
  });
  const metrics = await (await fetch(`http://127.0.0.1:${opsPort()}/metrics`)).text();
  expect(metrics.match(/^dakia_dependency_up\{.*$/gm)?.toSorted()).toEqual([
    'dakia_dependency_up{dependency="kafka"} 1',
    'dakia_dependency_up{dependency="postgres"} 0',
    'dakia_dependency_up{dependency="redis"} 0',
  ]);
});

test('a gauge whose server is frozen shows its last answer, and keeps no scrape waiting', async () => {
  let frozen = false;
  let looks = 0;
  const { opsPort } = await run(
    serviceOf(({ metrics }) => {
      const gauge: promClient.Gauge = new promClient.Gauge({
        name: 'tested_waiting',
        help: 'Asked of a server.',
        registers: [metrics],
        collect: oneAtATime(async () => {
          looks += 1;
          if (frozen) await never();
          gauge.set(looks);
        }),
      });
    }),
  );
  const scrape = async () => (await fetch(`http://127.0.0.1:${opsPort()}/metrics`)).text();
  expect(await scrape()).toContain('tested_waiting 1');
  frozen = true;
  let asked = 0;
  expect(await took(async () => (asked = (await scrape()).length))).toBeLessThan(AT_ONCE_MS);
  expect(asked).toBeGreaterThan(0);
  // The kept answer has run out by then.
  const last = await eventually('a second look', async () => ((await scrape(), looks > 1) ? scrape() : undefined));
  expect(last).toContain('tested_waiting 1');
  expect(await took(() => readyz(opsPort()))).toBeLessThan(AT_ONCE_MS);
});

test('sixteen scrapers at once cost one look', async () => {
  let looks = 0;
  const { opsPort } = await run(
    serviceOf(
      ({ metrics }) =>
        void new promClient.Gauge({
          name: 'tested_looks',
          help: 'Looks.',
          registers: [metrics],
          collect() {
            this.set((looks += 1));
          },
        }),
    ),
  );
  const scrapes = await Promise.all(
    Array.from({ length: 16 }, async () => (await fetch(`http://127.0.0.1:${opsPort()}/metrics`)).text()),
  );
  expect(looks).toBe(1);
  for (const scrape of scrapes) expect(scrape).toContain('tested_looks 1');
});

test('draining is said while the work goes on', async () => {
  const rest = Promise.withResolvers<void>();
  const { opsPort, stop } = await run(
    serviceOf(
      () => undefined,
      undefined,
      () => rest.promise,
    ),
  );
  await eventually('ready', async () => (await readyz(opsPort())).code === 200);
  const stopped = stop();
  stops.pop();
  expect(await readyz(opsPort())).toMatchObject({ code: 503, reasons: ['draining'] });
  rest.resolve();
  expect(await stopped).toBe(true);
});

test('a secret whose file is gone is told of with the file, and kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dakia-secret-'));
  const file = join(folder, 'password');
  writeFileSync(file, 'canary\n');
  let password: () => string | undefined = () => undefined;
  const service = defineService({
    name: 'tested',
    settings: { password: secretSetting('A_PASSWORD', optionalText(), 'A password.') },
    components: ({ config }) => {
      ({ password } = config);
      return [];
    },
  });
  const started = await startServices(
    'tested',
    [service],
    { ...environment, A_PASSWORD_FILE: file },
    { write: (line) => void logged.push(line) },
  );
  if (!started.ok) throw new Error(started.issues.join('; '));
  stops.push(started.value.stop);
  expect(logged.join('')).toContain(`"A_PASSWORD":"in the file ${file}"`);
  rmSync(folder, { recursive: true });
  expect(password()).toBe('canary');
  const [line] = logged.filter((each) => each.includes('DAKIA_CONFIG_FILE_UNUSABLE'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({
    level: 'warn',
    issues: [`A_PASSWORD_FILE: ${file} cannot be read (ENOENT)`],
  });
  expect(logged.join('')).not.toContain('canary');
});
