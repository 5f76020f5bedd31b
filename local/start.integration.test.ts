import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, deleteRedisKeys, eventually, openTestKafka, testServers } from '#kit';
import type { TestDatabase, TestKafka } from '#kit';
import { repositoryRoot } from './folders.ts';
import { identityOf } from './process-identity.ts';

const SECOND = 1_000;
let kafka: TestKafka;
let database: TestDatabase;
let root = '';
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [kafka, database] = await Promise.all([openTestKafka(), createTestDatabase()]);
  root = mkdtempSync(join(tmpdir(), 'dakia-start-'));
});
// A test that failed leaves its program running, which would read the next one's events.
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});
afterAll(async () => {
  await kafka.close();
  await database.drop();
  await deleteRedisKeys(testServers().REDIS_URL, `{${kafka.prefix.slice(0, -1)}}`);
  rmSync(root, { recursive: true, force: true });
});

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** A program of the checkout, or of a copy of it, with this test's namespace of the servers as its environment. */
const run = (args: readonly string[], cwd = repositoryRoot): Program => {
  const environment = {
    ...process.env,
    DATABASE_URL: database.url,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    DAKIA_QUEUE_PREFIX: kafka.prefix.slice(0, -1),
    DAKIA_OPS_PORT: '0',
    // Those of a stack whose `.dakia/env` was sourced in this shell are not this test's.
    RAZORPAY_WEBHOOK_SECRETS: '',
    RAZORPAY_WEBHOOK_SECRETS_FILE: '',
  };
  const child = spawn(process.execPath, args, {
    cwd,
    env: environment,
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

const startDakia = async (dataDir: string, more: readonly string[] = [], cwd = repositoryRoot): Promise<Program> => {
  const started = run([join('local', 'start.ts'), '--data-dir', dataDir, '--port', '0', ...more], cwd);
  let over = false;
  void started.ended.then(() => (over = true));
  await eventually('Dakia is ready', () => over || started.output().includes('Dakia is ready'), 60 * SECOND);
  if (!started.output().includes('Dakia is ready')) throw new Error(started.output());
  return started;
};

const dakia = async (dataDir: string, ...args: readonly string[]): Promise<void> => {
  const ran = run([join('cli', 'dakia.ts'), '--data-dir', dataDir, ...args]);
  const code = await ran.ended;
  if (code !== 0) throw new Error(`dakia ${args.join(' ')} ended with ${code}: ${ran.output()}`);
};
/** Every event sent is in its table as it must be; asked again until the consumers are through. */
const arrived = (dataDir: string, seed: string) =>
  eventually(
    `the events of seed ${seed} are applied`,
    () => dakia(dataDir, 'verify', '--seed', seed).then(() => true),
    40 * SECOND,
  );

const pidOf = (dataDir: string, name: string): number =>
  Number(readFileSync(join(dataDir, 'pids', `${name}.pid`), 'utf8'));
const opsPorts = (dataDir: string) =>
  JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as Record<string, number>;

test(
  'one process: the block says where things are, events sent there arrive, SIGTERM drains and exits 0',
  async () => {
    const dataDir = join(root, 'here');
    const started = await startDakia(dataDir);
    const block = started.output();
    const [, webhook = ''] = /webhook +(\S+)/.exec(block) ?? [];
    expect(block).toMatch(/KAFKA_BROKERS is set: that server is used, none is started/);
    expect(block).toContain(`secret         ${join(dataDir, 'secret')}`);
    expect(block).toContain('Postgres       as set in DATABASE_URL');
    expect(block).not.toContain(new URL(database.url).password);
    expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600);
    expect(existsSync(join(dataDir, 'pids', 'postgres.pid'))).toBe(false);
    // A default of development, where the environment says nothing.
    expect(readFileSync(join(dataDir, 'logs', 'dakia.log'), 'utf8')).toContain('"DAKIA_RETRY_CONCURRENCY":"2"');
    // The line to paste, as it is printed.
    const [, line = ''] = /npx dakia --data-dir \S+ (simulate .*)/.exec(block) ?? [];
    await dakia(dataDir, ...line.trim().split(' '), '--seed', '11', '--url', webhook);
    await arrived(dataDir, '11');
    expect(new Set(Object.values(opsPorts(dataDir))).size).toBe(1);
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    await expect(fetch(webhook)).rejects.toThrow();
  },
  120 * SECOND,
);

test(
  '--separate: a service that is killed is started again and said so; nothing is lost and nothing is left',
  async () => {
    const dataDir = join(root, 'apart');
    const started = await startDakia(dataDir, ['--separate']);
    const services = Object.keys(opsPorts(dataDir));
    expect(services).toEqual(expect.arrayContaining(['ingest', 'payments', 'quarantine']));
    expect(new Set(Object.values(opsPorts(dataDir))).size).toBe(services.length);
    const before = pidOf(dataDir, 'payments');
    const sending = dakia(dataDir, 'simulate', '--count', '200', '--seed', '12', '--duplicates', '0.2', '--shuffle');
    process.kill(before, 'SIGKILL');
    await sending;
    await eventually('payments runs again', () => started.output().includes('payments   runs again'), 60 * SECOND);
    expect(started.output()).toMatch(/payments was ended by SIGKILL[\s\S]*starting payments again in 0\.5 s/);
    expect(pidOf(dataDir, 'payments')).not.toBe(before);
    await arrived(dataDir, '12');

    const pids = services.map((name) => pidOf(dataDir, name));
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    expect(pids.filter((pid) => identityOf(pid) !== undefined)).toEqual([]);
  },
  180 * SECOND,
);

/** All that a start reads, without tests' folders: what a test changes is not the checkout. */
const copyOfCheckout = (): string => {
  const copy = join(root, 'checkout');
  for (const name of ['package.json', 'libs', 'services', 'local', 'migrations', 'deploy', 'cli'])
    cpSync(join(repositoryRoot, name), join(copy, name), { recursive: true });
  symlinkSync(join(repositoryRoot, 'node_modules'), join(copy, 'node_modules'));
  return copy;
};

test(
  '--watch: changed code runs within seconds; code that does not start is said, and the next change starts it',
  async () => {
    const [checkout, dataDir] = [copyOfCheckout(), join(root, 'watched')];
    const started = await startDakia(dataDir, ['--watch'], checkout);
    const [, webhook = ''] = /webhook +(\S+)/.exec(started.output()) ?? [];
    const file = join(checkout, 'services', 'services.ts');
    const code = readFileSync(file, 'utf8');
    const log = () => readFileSync(join(dataDir, 'logs', 'dakia.log'), 'utf8');
    const said = (line: RegExp) => eventually(String(line), () => line.exec(started.output()) ?? false, 60 * SECOND);

    appendFileSync(join(checkout, 'services', 'services.test.ts'), '// no code of a service\n');
    appendFileSync(file, "process.stdout.write('this is the changed code\\n');\n");
    const [, seconds] = await said(/services\/services\.ts changed, ready again \(([\d.]+) s\)/);
    // 2 s are promised on a machine that has nothing else to do.
    expect(Number(seconds)).toBeLessThan(20);
    expect(log()).toContain('this is the changed code\n');
    expect((await fetch(webhook, { method: 'POST', body: '{}' })).status).toBe(401);

    writeFileSync(file, 'this is no code\n');
    await said(/services\.ts changed\n[\s\S]*SyntaxError[\s\S]*the next change starts them again/);
    await expect(fetch(webhook)).rejects.toThrow();
    writeFileSync(file, code);
    await said(/the next change starts them again[\s\S]*services\.ts changed, ready again/);
    expect(log()).not.toContain('this is the changed code');
    expect(started.output()).not.toContain('services.test.ts changed');

    const pid = pidOf(dataDir, 'dakia');
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    expect(identityOf(pid)).toBeUndefined();
  },
  180 * SECOND,
);
