import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceNames } from '#catalogue';
import { serverFiles, silent, startRedis, stateFolder } from '#local';
import type { Redis as EmbeddedRedis } from '#local';
import { createLogger } from '#platform/log';
import { openQueue } from '#platform/queue';
import type { QueueConfig } from '#platform/queue';
import { createRedis, untilReady } from '#platform/redis';

/** Every test starts processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const DAKIA = join(import.meta.dirname, '..', 'dakia.ts');
const RULES = readFileSync(join(import.meta.dirname, '..', '..', 'deploy', 'notifications.example.yaml'), 'utf8');
const LOG = '  log:\n    type: log\n';

const folder = mkdtempSync(join(tmpdir(), 'dakia-queues-'));
let redis: EmbeddedRedis;
let config: QueueConfig;
beforeAll(async () => {
  redis = await startRedis({ files: await serverFiles(silent), folder: stateFolder(folder), port: 0, report: silent });
  config = { redisUrl: () => redis.url, redisTlsCaFile: () => undefined, queuePrefix: 'shop' };
});
afterAll(async () => {
  await redis.server.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
const dakia = (args: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [DAKIA, '--data-dir', folder, ...args], {
      env: { PATH: process.env['PATH'], REDIS_URL: redis.url, DAKIA_QUEUE_PREFIX: 'shop', ...settings },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });

test('queues shows the queue of every service and destination, with what it holds', async () => {
  const queue = openQueue(config, 'retry-disputes', createLogger('test', 'silent'));
  await queue.add([
    { id: 'now', data: {}, priority: 1, delayMs: 0 },
    { id: 'later', data: {}, priority: 1, delayMs: 60_000 },
  ]);
  await queue.close();

  const { code, stdout } = await dakia(['queues', '--json']);
  const { queues } = JSON.parse(stdout) as { readonly queues: readonly { readonly name: string }[] };
  expect(code).toBe(0);
  expect(queues.map(({ name }) => name)).toEqual(
    expect.arrayContaining([...serviceNames.map((service) => `retry-${service}`), 'notify-log']),
  );
  expect(queues.find(({ name }) => name === 'retry-disputes')).toEqual({
    name: 'retry-disputes',
    waiting: 0,
    active: 0,
    completed: 0,
    failed: 0,
    delayed: 1,
    prioritized: 1,
    paused: 0,
    oldestMs: expect.any(Number) as number,
  });
  const table = (await dakia(['queues'])).stdout;
  expect(table).toMatch(/^queue +waiting +prioritized +active +delayed +paused +failed\n {4}completed +oldest s\n/);
  expect(table).toMatch(/\nretry-disputes +0 +1 +0 +1 +0 +0\n +0 +\d+\n/);
  expect(table).toMatch(/\nretry-payments +0 +0 +0 +0 +0 +0\n +0 +-\n/);
});

test('queues takes the destinations from the rule file, and says what is wrong with it or with Redis', async () => {
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, RULES.replace(LOG, `${LOG}  ledger:\n    type: log\n`));
  const { stdout, stderr } = await dakia(['queues', '--json'], { DAKIA_NOTIFICATIONS_FILE: file });
  expect({ names: stdout.includes('"notify-ledger"'), stderr }).toEqual({ names: true, stderr: '' });

  writeFileSync(file, RULES.replace('type: log', 'type: pigeon'));
  expect(await dakia(['queues'], { DAKIA_NOTIFICATIONS_FILE: file })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/rules\.yaml:\d+: .*type/) as string,
  });
  expect(await dakia(['queues'], { REDIS_URL: 'redis://127.0.0.1:1' })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('Redis is away: connect ECONNREFUSED') as string,
  });
});

test('doctor warns of a Redis that can lose jobs', async () => {
  const admin = createRedis(config, {});
  await untilReady(admin, 5_000);
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  admin.disconnect();
  expect((await dakia(['doctor'])).stdout).toMatch(
    /\nRedis +ok +version \S+ at \S+; WARNING: it throws\s+keys[^]* maxmemory-policy\s+to\s+noeviction\n/,
  );
});
