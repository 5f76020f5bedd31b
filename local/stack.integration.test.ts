import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { eventually, openTestKafka, testServers } from '#kit';
import type { TestKafka } from '#kit';
import { openToOthers } from '../test/kit/open-to-others.ts';
import { repositoryRoot } from './folders.ts';
import { freePort } from './ports.ts';
import { identityOf } from './process-identity.ts';

const SECOND = 1_000;
const START_LIMIT_MS = 60 * SECOND;
/** The promise is 15 s on two cores; here another test worker has one of them. */
const SECOND_START_LIMIT_MS = 30 * SECOND;

interface Stack {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

let kafka: TestKafka;
let root = '';
const children = new Set<ChildProcess>();

beforeAll(async () => {
  kafka = await openTestKafka();
  root = mkdtempSync(join(tmpdir(), 'dakia-stack-'));
  // Searchable by others, so that Postgres' data lies in it and goes with it also when the tests run as root.
  chmodSync(root, 0o755);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await kafka.close();
  rmSync(root, { recursive: true, force: true });
});

const start = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  command = process.execPath,
): Stack => {
  const child = spawn(command, args, {
    cwd: repositoryRoot,
    env: {
      ...process.env,
      DAKIA_TOPIC_PREFIX: kafka.prefix,
      DAKIA_QUEUE_PREFIX: kafka.prefix.slice(0, -1),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0)),
  );
  void ended.then(() => children.delete(child));
  return { child, output: () => text, ended };
};

const stackProgram = join('local', 'stack.ts');

/**
 * Redis and Postgres alone, on drawn ports, beside Kafka and the registry of this test run: ready in about a second.
 */
const startLight = (dataDir: string, environment: Readonly<Record<string, string>> = {}): Stack =>
  start([stackProgram, '--data-dir', dataDir], {
    DATABASE_URL: undefined,
    REDIS_URL: undefined,
    DAKIA_POSTGRES_PORT: '0',
    DAKIA_REDIS_PORT: '0',
    ...environment,
  });

const ready = async (stack: Stack): Promise<void> => {
  const over = stack.ended.then(() => true);
  await eventually(
    'the stack is ready',
    async () => {
      if (stack.output().includes('The servers are ready')) return true;
      if (await Promise.race([over, Promise.resolve(false)])) throw new Error(stack.output());
      return false;
    },
    START_LIMIT_MS,
  );
};

const pidsIn = (dataDir: string): ReadonlyMap<string, number> => {
  const files = readdirSync(join(dataDir, 'pids')).filter((file) => file.endsWith('.pid'));
  return new Map(
    files.map((file) => [file.replace('.pid', ''), Number(readFileSync(join(dataDir, 'pids', file), 'utf8'))]),
  );
};
const isGone = (pid: number): boolean => identityOf(pid) === undefined;
const noneLeft = (pids: ReadonlyMap<string, number>) =>
  eventually('nothing is left running', () => [...pids.values()].every(isGone));
const addressesIn = (dataDir: string) => parseEnv(readFileSync(join(dataDir, 'env'), 'utf8'));

const onPostgres = async (connectionString: string | undefined, text: string): Promise<unknown> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return Object.values((await client.query<Record<string, unknown>>(text)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
};
const onRedis = async <Value>(url: string | undefined, work: (client: Redis) => Promise<Value>): Promise<Value> => {
  const client = new Redis(url ?? '', { maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
};

test(
  'all four servers beside another stack: SIGTERM leaves nothing running, and a second start soon finds everything',
  async () => {
    const dataDir = join(root, 'full');
    const own = {
      KAFKA_BROKERS: undefined,
      DATABASE_URL: undefined,
      REDIS_URL: undefined,
      SCHEMA_REGISTRY_URL: undefined,
      DAKIA_KAFKA_PORT: '0',
      DAKIA_KAFKA_CONTROLLER_PORT: '0',
      DAKIA_REGISTRY_PORT: '0',
      DAKIA_POSTGRES_PORT: '0',
      DAKIA_REDIS_PORT: '0',
    };
    const first = start([stackProgram, '--data-dir', dataDir], own);
    await ready(first);
    expect(statSync(join(dataDir, 'env')).mode & 0o777).toBe(0o600);
    const before = addressesIn(dataDir);
    for (const [name, address] of Object.entries(testServers())) expect(before[name]).not.toBe(address);
    expect(openToOthers(dataDir)).toEqual([]);
    const withoutPassword = new URL(before['REDIS_URL'] ?? '');
    withoutPassword.password = '';
    await expect(onRedis(withoutPassword.href, (client) => client.get('kept'))).rejects.toThrow('NOAUTH');
    const pids = pidsIn(dataDir);
    expect([...pids.keys()].sort()).toEqual(['kafka', 'launcher', 'postgres', 'redis', 'registry']);
    await onRedis(before['REDIS_URL'], (client) => client.set('kept', 'yes'));
    await onPostgres(before['DATABASE_URL'], 'CREATE TABLE kept AS SELECT 7 AS n');
    const clusterId = async (brokers = '') => {
      const admin = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
      await admin.connect();
      const [cluster, topics] = await Promise.all([admin.describeCluster(), admin.listTopics()]);
      await admin.disconnect();
      return { id: cluster.clusterId, topics: topics.filter((topic) => topic.includes('rzp.')).sort() };
    };
    const clusterBefore = await clusterId(before['KAFKA_BROKERS']);
    expect(clusterBefore.topics).toContain(`${kafka.prefix}rzp.payments.v1`);
    const schema = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: '{"type":"string"}' }),
    };
    const subject = `${kafka.prefix}kept`;
    const registered = await (
      await fetch(`${before['SCHEMA_REGISTRY_URL'] ?? ''}/subjects/${subject}/versions`, schema)
    ).json();
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await noneLeft(pids);
    expect(pidsIn(dataDir).size).toBe(0);

    const startedMs = Date.now();
    const second = start([stackProgram, '--data-dir', dataDir], own);
    await ready(second);
    expect(Date.now() - startedMs).toBeLessThan(SECOND_START_LIMIT_MS);
    const after = addressesIn(dataDir);
    expect(await onRedis(after['REDIS_URL'], (client) => client.get('kept'))).toBe('yes');
    expect(await onPostgres(after['DATABASE_URL'], 'SELECT n FROM kept')).toBe(7);
    expect(await clusterId(after['KAFKA_BROKERS'])).toEqual(clusterBefore);
    expect(
      await (await fetch(`${after['SCHEMA_REGISTRY_URL'] ?? ''}/subjects/${subject}/versions`, schema)).json(),
    ).toEqual(registered);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  },
  120 * SECOND,
);

test(
  'kill -9 of the launcher: the next start finds what is left, ends it and starts anew',
  async () => {
    const dataDir = join(root, 'killed');
    const first = startLight(dataDir);
    await ready(first);
    const left = pidsIn(dataDir);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(isGone(left.get('redis') ?? 0)).toBe(false);
    expect(isGone(left.get('postgres') ?? 0)).toBe(false);

    const second = startLight(dataDir);
    await ready(second);
    expect(second.output()).toContain(`left by an earlier start (process ${left.get('redis')})`);
    await noneLeft(left);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  },
  60 * SECOND,
);

test(
  'a second start in a shell that has sourced the env file starts the same servers again, and still uses those that are of others',
  async () => {
    const dataDir = join(root, 'sourced');
    const first = startLight(dataDir);
    await ready(first);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const second = startLight(dataDir, addressesIn(dataDir) as Readonly<Record<string, string>>);
    await ready(second);
    expect([...pidsIn(dataDir).keys()].toSorted()).toEqual(['launcher', 'postgres', 'redis']);
    expect(second.output()).toContain('KAFKA_BROKERS is set: that server is used, none is started');
    expect(second.output()).not.toContain('REDIS_URL is set');
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  },
  60 * SECOND,
);

test(
  'a pid file whose number another process has taken ends nobody',
  async () => {
    const dataDir = join(root, 'reused');
    const first = startLight(dataDir);
    await ready(first);
    const redis = pidsIn(dataDir).get('redis') ?? 0;
    first.child.kill('SIGKILL');
    await first.ended;
    // As after a reboot: the record's number is that of a stranger.
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    children.add(bystander);
    const record = join(dataDir, 'pids', 'redis.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace(`"pid":${redis}`, `"pid":${bystander.pid ?? 0}`));
    const second = startLight(dataDir);
    await ready(second);
    expect(isGone(bystander.pid ?? 0)).toBe(false);
    bystander.kill('SIGKILL');
    process.kill(redis, 'SIGTERM');
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  },
  60 * SECOND,
);

test(
  'a server that dies is started again on the same data and port; one that keeps dying is named with the last lines of its log, the others are stopped, and the exit code says so',
  async () => {
    const dataDir = join(root, 'died');
    const stack = startLight(dataDir);
    await ready(stack);
    const pids = pidsIn(dataDir);
    const addresses = addressesIn(dataDir);
    const redis = new Redis(addresses['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    await redis.set('kept', 'over kill -9');
    for (let kills = 1; kills <= 3; kills += 1) {
      process.kill(pidsIn(dataDir).get('redis') ?? 0, 'SIGKILL');
      await eventually('redis runs again', () => stack.output().split('runs again').length === kills + 1, 20 * SECOND);
      expect(stack.output()).toContain(`starting redis again (${kills} of 3 times within 60 s)`);
      expect(await redis.get('kept')).toBe('over kill -9');
    }
    process.kill(pidsIn(dataDir).get('postgres') ?? 0, 'SIGKILL');
    await eventually('postgres runs again', () => /postgres +runs again/.test(stack.output()), 20 * SECOND);
    expect(await onPostgres(addresses['DATABASE_URL'], 'SELECT 1')).toBe(1);
    redis.disconnect();

    process.kill(pidsIn(dataDir).get('redis') ?? 0, 'SIGKILL');
    expect(await stack.ended).toBe(1);
    expect(stack.output()).toContain('redis ended 4 times within 60 s and is not started again.');
    expect(stack.output()).toMatch(
      /redis was ended by SIGKILL\. Last lines of .*redis\.log:\n(.*\n)*.*Ready to accept connections/,
    );
    await noneLeft(pids);
  },
  60 * SECOND,
);

test(
  'a port in use: which port, which setting changes it, and nothing is left running',
  async () => {
    const dataDir = join(root, 'clash');
    const port = await freePort();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
    try {
      const stack = startLight(dataDir, { DAKIA_REDIS_PORT: String(port) });
      expect(await stack.ended).toBe(1);
      expect(stack.output()).toContain(
        `Port ${port}, which Redis needs, is in use. Stop what uses it, or set DAKIA_REDIS_PORT to another ` +
          `port.\n(DAKIA_START_PORT)`,
      );
      expect(pidsIn(dataDir).size).toBe(0);
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  },
  60 * SECOND,
);

test(
  'a second launcher of one folder is refused and does not disturb the first; one Ctrl-C that arrives several times is one',
  async () => {
    const dataDir = join(root, 'twice');
    const first = startLight(dataDir);
    await ready(first);
    const pids = pidsIn(dataDir);
    const second = startLight(dataDir);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`is in use by another start of Dakia (process ${first.child.pid})`);
    expect(pidsIn(dataDir)).toEqual(pids);
    expect(await onPostgres(addressesIn(dataDir)['DATABASE_URL'], 'SELECT 1')).toBe(1);
    first.child.kill('SIGINT');
    // Echoes, as npm and the bootstrap send them: later than the first, but at once.
    await eventually('the first is heard', () => first.output().includes('stopping'));
    first.child.kill('SIGINT');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(first.output()).not.toMatch(/stopping +at once/);
    await noneLeft(pids);
  },
  60 * SECOND,
);

test(
  'a stop in the middle of a start does not wait for the servers to be ready, and ends them',
  async () => {
    const dataDir = join(root, 'early');
    const stack = start([stackProgram, '--data-dir', dataDir], {
      KAFKA_BROKERS: undefined,
      DAKIA_KAFKA_PORT: '0',
      DAKIA_KAFKA_CONTROLLER_PORT: '0',
    });
    const pids = await eventually('Kafka has a process', () => {
      const running = existsSync(join(dataDir, 'pids')) ? pidsIn(dataDir) : new Map<string, number>();
      return running.has('kafka') && running;
    });
    stack.child.kill('SIGTERM');
    expect(await stack.ended).toBe(0);
    expect(stack.output()).not.toMatch(/kafka +ready/);
    await noneLeft(pids);
    expect(pidsIn(dataDir).size).toBe(0);
  },
  60 * SECOND,
);

test(
  'under the bootstrap: a signal to it stops the stack with exit code 0, and its kill -9 stops the stack too',
  async () => {
    const dataDir = join(root, 'bootstrapped');
    const light = { DATABASE_URL: undefined, REDIS_URL: undefined, DAKIA_POSTGRES_PORT: '0', DAKIA_REDIS_PORT: '0' };
    const bootstrap = () => start([join('tools', 'bootstrap.cjs'), 'local/stack.ts', '--data-dir', dataDir], light);
    const first = bootstrap();
    await ready(first);
    const pids = pidsIn(dataDir);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await noneLeft(pids);

    const second = bootstrap();
    await ready(second);
    const left = pidsIn(dataDir);
    second.child.kill('SIGKILL');
    await noneLeft(left);
  },
  60 * SECOND,
);

test('an option that does not exist is refused with the usage', async () => {
  const stack = start([stackProgram, '--prot', '1'], {});
  expect(await stack.ended).toBe(2);
  expect(stack.output()).toMatch(/--prot[\s\S]*npm run stack/);
});
