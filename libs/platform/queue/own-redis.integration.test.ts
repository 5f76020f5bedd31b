import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually, makeCertificate } from '#kit';
import { serverFiles, silent, startRedis, stateFolder } from '#local';
import type { Redis as EmbeddedRedis } from '#local';
import { readConfig, redisSettings } from '#platform/config';
import { createRedisPing } from '#platform/redis';
import { job, openQueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import { QUEUE_ANSWER_MS } from './connection.ts';

/** Each test starts a server of its own. */
jest.setTimeout(60_000);

/** Commands in a second that a worker may need while Redis refuses what it asks. */
const COMMANDS_PER_S_MAX = 100;

const root = mkdtempSync(join(tmpdir(), 'dakia-queue-'));
let server: EmbeddedRedis | undefined;
let fixture: QueueFixture | undefined;
let onTestEnd = (): unknown => undefined;
const start = async (options: Partial<Parameters<typeof startRedis>[0]> = {}): Promise<EmbeddedRedis> => {
  server = await startRedis({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    port: 0,
    report: silent,
    ...options,
  });
  return server;
};
afterEach(async () => {
  onTestEnd();
  await fixture?.close();
  await server?.server.stop();
});
afterAll(() => rmSync(root, { recursive: true }));

test('TLS, a certificate authority of its own and a password', async () => {
  const tls = await makeCertificate(root, 'redis');
  const { url } = await start({ password: 'a-password', tls });
  expect(url).toMatch(/^rediss:/);
  fixture = await openQueueFixture(url, readFileSync(tls.certFile, 'utf8'));
  await fixture.startWorker(async () => ({ kind: 'done' }));
  await fixture.queue.add([job('one')]);
  await eventually('it is done', async () => (await fixture?.stats())?.completed === 1);
});

test('every key is in one slot of a cluster, and none is outside the prefix', async () => {
  const { url } = await start();
  fixture = await openQueueFixture(url);
  let runs = 0;
  await fixture.startWorker(async () => {
    runs += 1;
    return runs === 1 ? { kind: 'later', afterMs: 10 } : runs === 2 ? { kind: 'rest', afterMs: 10 } : { kind: 'done' };
  });
  await fixture.queue.add([job('one'), job('two', { delayMs: 60_000 })]);
  await eventually('it is done', async () => (await fixture?.stats())?.completed === 1);
  const keys = await fixture.redis.keys('*');
  expect(keys.length).toBeGreaterThan(3);
  expect(keys.filter((key) => !key.startsWith(`{${fixture?.config.queuePrefix}}:retry-test:`))).toEqual([]);
});

test('a Redis that can lose jobs is told of once per process, with what to set, and BullMQ prints nothing of its own', async () => {
  const { warn } = console;
  const printed: unknown[] = [];
  console.warn = (...given: readonly unknown[]) => void printed.push(given);
  onTestEnd = () => (console.warn = warn);
  const { url } = await start();
  // Set before the first queue opens: a process looks at a server once.
  const admin = new Redis(url);
  await admin.config('SET', 'maxmemory-policy', 'volatile-lru');
  await admin.config('SET', 'appendonly', 'no');
  admin.disconnect();
  fixture = await openQueueFixture(url);
  for (let count = 0; count < 3; count += 1) await fixture.startWorker(async () => ({ kind: 'done' }));
  await fixture.queue.add([job('one'), job('two')]);
  await eventually('all is done', async () => (await fixture?.stats())?.completed === 2);
  const warned = (): QueueFixture['logged'] => fixture?.logged.filter(({ level }) => level === 'warn') ?? [];
  await eventually('it is told', () => warned().length > 0);
  const warnings = warned();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]?.['msg']).toBe(
    'Redis can lose jobs (Dakia finds them again in Postgres, later): it throws keys away when memory is short ' +
      '(maxmemory-policy volatile-lru): set maxmemory-policy to noeviction; it forgets all jobs when it ' +
      'restarts: set appendonly to yes, or save to an interval',
  );
  expect(printed).toEqual([]);
});

test('a Redis that stops answering makes calls reject, soon, and those that come after it is well again work', async () => {
  const { url, server: frozen } = await start();
  fixture = await openQueueFixture(url);
  await fixture.queue.add([job('one')]);
  frozen.freeze();
  const started = performance.now();
  try {
    await expect(fixture.queue.add([job('two')])).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(QUEUE_ANSWER_MS + 2_000);
  } finally {
    frozen.thaw();
  }
  await eventually('it takes jobs again', async () => fixture?.queue.add([job('three')]).then(() => true));
});

test('while Redis refuses what it asks, a worker neither asks nor logs without a pause, and goes on by itself after that', async () => {
  const { url } = await start();
  fixture = await openQueueFixture(url);
  const { redis } = fixture;
  const release = Promise.withResolvers<void>();
  let runs = 0;
  await fixture.startWorker(async () => {
    runs += 1;
    await release.promise;
    return { kind: 'done' };
  });
  await fixture.queue.add([job('one'), job('two'), job('three')]);
  await eventually('the worker is at work', () => runs === 1);

  // Reads and not commands: those that were refused are not counted as commands.
  const commands = async (): Promise<number> =>
    Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
  await redis.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha');
  await expect(fixture.queue.renew([job('four')])).rejects.toThrow('NOPERM');
  release.resolve();
  await eventually('Redis refuses', () => fixture?.logged.some(({ msg }) => String(msg).startsWith('Redis refused')));
  const [before, since] = [await commands(), performance.now()];
  // Long enough for several pauses; what is counted is what happens in it.
  await eventually('some pauses are over', () => performance.now() - since > 3_000);
  expect(((await commands()) - before) / 3).toBeLessThan(COMMANDS_PER_S_MAX);
  expect(fixture.logged.filter(({ msg }) => String(msg).startsWith('Redis refused'))).toHaveLength(1);

  await redis.call('ACL', 'SETUSER', 'default', '+@all');
  // The outcome of the first could not be told, so it runs again when its lock has run out.
  await eventually('all is done', async () => (await fixture?.stats())?.completed === 3, 45_000);
});

test('a password that was rotated in its file is used without a restart: by queue, worker and ping', async () => {
  const { url } = await start();
  const admin = new Redis(url);
  const passwords = async (...each: readonly string[]): Promise<void> =>
    void (await admin.call('ACL', 'SETUSER', 'rotated', 'reset', 'on', ...each, '~*', '&*', '+@all'));
  await passwords('>first');
  const file = join(root, 'url');
  const write = (password: string): void =>
    writeFileSync(file, `${Object.assign(new URL(url), { username: 'rotated', password }).href}\n`);
  const endConnections = (): Promise<unknown> => admin.call('CLIENT', 'KILL', 'USER', 'rotated');
  write('first');
  const read = readConfig(redisSettings, { REDIS_URL_FILE: file });
  if (!read.ok) throw new Error(read.issues.join('; '));
  fixture = await openQueueFixture(read.value.redisUrl);
  const { ping, close } = createRedisPing(read.value);
  onTestEnd = () => {
    close();
    admin.disconnect();
  };
  const { queue, stats, logged } = fixture;
  await fixture.startWorker(async () => ({ kind: 'done' }));
  const works = async (id: string, done: number): Promise<void> => {
    await eventually('it is added', () =>
      queue.add([job(id)]).then(
        () => true,
        () => undefined,
      ),
    );
    await eventually('it is done', async () => (await stats()).completed === done);
    await eventually('it answers', () =>
      ping().then(
        () => true,
        () => undefined,
      ),
    );
  };
  await works('one', 1);

  // Both are good while the file is on its way; connections outlive the password they were opened with.
  await passwords('>first', '>second');
  write('second');
  await passwords('>second');
  await endConnections();
  await works('two', 2);
  expect(logged.filter((line) => JSON.stringify(line).includes('WRONGPASS'))).toEqual([]);

  // The other order: what is refused for a while is let in with the new one.
  await passwords('>third');
  await endConnections();
  await eventually('it is refused', () =>
    ping().then(
      () => undefined,
      (error: unknown) => String(error).includes('WRONGPASS'),
    ),
  );
  write('third');
  await works('three', 3);
});
