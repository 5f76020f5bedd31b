/** Walks every command that the program has: what all of them promise is asked of each, without a server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeCommands } from '../test/kit/cli/probe-program.ts';
import type { ProbedCommand } from '../test/kit/cli/probe-program.ts';
import { openDakia } from '../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../test/kit/cli/run-dakia.ts';
import { LINE_WIDTH } from './table.ts';

/** Tests start processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const WITHIN_MS = 15_000;
const folder = mkdtempSync(join(tmpdir(), 'dakia-walk-'));
const commands = await probeCommands();

type Need = 'KAFKA_BROKERS' | 'DATABASE_URL' | 'REDIS_URL' | 'SCHEMA_REGISTRY_URL';
const settingsAt = (port: number): Readonly<Record<Need, string>> => ({
  KAFKA_BROKERS: `127.0.0.1:${port}`,
  DATABASE_URL: `postgres://dakia:secret@127.0.0.1:${port}/dakia`,
  REDIS_URL: `redis://127.0.0.1:${port}`,
  SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}`,
});

/** The server that each command asks first; what is not listed asks one that its first word names. */
const FIRST_NEED: Readonly<Record<string, Need>> = {
  status: 'KAFKA_BROKERS',
  'ledger rebase': 'KAFKA_BROKERS',
  'dead replay': 'KAFKA_BROKERS',
  topics: 'KAFKA_BROKERS',
  queues: 'REDIS_URL',
  schema: 'SCHEMA_REGISTRY_URL',
  ...Object.fromEntries(
    [
      'verify',
      'show',
      'search',
      'rebuild',
      'digests',
      'parked',
      'dead',
      'quarantine',
      'conflicts',
      'unknown',
      'notifications',
      'ledger',
      'migrate',
      'maintain',
      'erase',
      'partitions',
    ].map((name) => [name, 'DATABASE_URL']),
  ),
};
/** What they need is given by other means: a URL, a destination; doctor asks all of them and goes on. */
const ASK_NO_SERVER_OF_OURS = ['simulate', 'send', 'trigger', 'conformance', 'notify check', 'notify test', 'doctor'];
/** digests apply asks for it before any server. */
const DAKIA_SEARCH_KEY = 'a key of the walk, of no use elsewhere';
const needOf = (name: string): Need | undefined => FIRST_NEED[name] ?? FIRST_NEED[name.split(' ')[0] ?? ''];
const needing = commands
  .filter(({ name }) => !ASK_NO_SERVER_OF_OURS.includes(name))
  .map((command) => [command.name, command] as const);

/** Examples of thousands of events say no more with a few. */
const FEW: Readonly<Record<string, readonly string[]>> = {
  verify: ['--at', '1700000000', '--wait', '0', '--count', '5'],
  simulate: ['--count', '5'],
};
/** The example of its help, writing into a folder of this test. */
const exampleOf = ({ name, example }: ProbedCommand): readonly string[] => [
  '--data-dir',
  folder,
  ...example.args.map((word, index) => (example.args[index - 1] === '--output' ? join(folder, word) : word)),
  ...(FEW[name] ?? []),
  '--json',
];
const oneObject = (stdout: string): Record<string, unknown> => {
  expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
  return JSON.parse(stdout) as Record<string, unknown>;
};

let away: Dakia;
let unset: Dakia;
beforeAll(async () => {
  // Port 1 refuses.
  away = openDakia({
    ...settingsAt(1),
    DAKIA_WEBHOOK_PORT: '1',
    RAZORPAY_WEBHOOK_SECRETS: 'a secret',
    DAKIA_SEARCH_KEY,
  });
  unset = openDakia({ DAKIA_SEARCH_KEY });
  // It has started; that is not counted.
  await away.run('--help');
});
afterAll(async () => {
  await Promise.all([away.close(), unset.close()]);
  rmSync(folder, { recursive: true });
});

test('of each command it is known which server it asks', () => {
  expect(commands.map(({ name }) => name)).toEqual(expect.arrayContaining(ASK_NO_SERVER_OF_OURS));
  for (const [name] of needing) expect([name, needOf(name)]).toEqual([name, expect.any(String)]);
});

test.each(commands.map(({ name, help }) => [name, help.printed] as const))(
  'the help of %s fits a terminal',
  (_name, help) => {
    expect(help.split('\n').filter((line) => line.length > LINE_WIDTH)).toEqual([]);
  },
);

test.each(needing)('%s says which setting is wrong when its server is away, and what to do', async (name, command) => {
  const need = needOf(name) ?? '';
  const since = performance.now();
  const { code, stdout, stderr } = await away.run(...exampleOf(command));
  expect(performance.now() - since).toBeLessThan(WITHIN_MS);
  expect(stderr).toMatch(
    new RegExp(`^dakia: ${need}: .*\\nStart it, or correct ${need}; npx dakia doctor asks every server\\.\\n$`),
  );
  expect(oneObject(stdout)).toEqual({ ok: false, error: stderr.slice('dakia: '.length).trimEnd(), setting: need });
  expect(code).toBe(1);
});

test.each(needing)('%s says which setting it needs when none is set', async (name, command) => {
  const { code, stdout, stderr } = await unset.run(...exampleOf(command));
  expect(stderr).toContain(`${needOf(name)}: is not set`);
  expect(oneObject(stdout)).toEqual({ ok: false, error: stderr.trimEnd() });
  expect(code).toBe(2);
});

test('doctor names the setting of every server that is away; simulate, trigger, conformance and notify test end with 1', async () => {
  const { code, stdout } = await away.run('--data-dir', folder, 'doctor', '--json');
  const { ok, servers } = oneObject(stdout) as { ok: boolean; servers: readonly { ok: boolean; found: string }[] };
  expect([code, ok]).toEqual([1, false]);
  for (const [index, name] of Object.keys(settingsAt(1)).entries())
    expect(servers[index]).toMatchObject({ ok: false, found: expect.stringMatching(`^${name}: `) as string });
  for (const name of ['simulate', 'trigger', 'conformance', 'notify test']) {
    const command = commands.find((one) => one.name === name);
    if (command === undefined) throw new Error(name);
    const ended = await away.run(...exampleOf(command));
    expect([name, ended.code, oneObject(ended.stdout)['ok']]).toEqual([name, 1, false]);
  }
});

test('an error of use is on stderr, and with --json on stdout too, as one object', async () => {
  const { code, stdout, stderr } = await away.run('status', '--no-such-option', '--json');
  expect(stderr).toContain("error: unknown option '--no-such-option'");
  expect([code, oneObject(stdout)]).toEqual([2, { ok: false, error: "error: unknown option '--no-such-option'" }]);
});

test('servers that take connections and say nothing are given up in time', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const settings = settingsAt((server.address() as AddressInfo).port);
  /** A process for each, because what they do is wait. */
  const givesUp = async (words: string, setting: Need): Promise<void> => {
    const silent = openDakia(settings, 'own');
    try {
      // The process has started; that is not counted.
      await silent.run('--help');
      const since = performance.now();
      const { code, stderr } = await silent.run('--data-dir', folder, ...words.split(' '));
      expect([words, code, stderr]).toEqual([words, 1, expect.stringContaining(`dakia: ${setting}: `)]);
      expect(performance.now() - since).toBeLessThan(WITHIN_MS);
    } finally {
      await silent.close();
    }
  };
  try {
    await Promise.all([
      givesUp('status', 'KAFKA_BROKERS'),
      givesUp('parked list', 'DATABASE_URL'),
      givesUp('migrate', 'DATABASE_URL'),
      givesUp('queues', 'REDIS_URL'),
      givesUp('schema check', 'SCHEMA_REGISTRY_URL'),
    ]);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}, 120_000);
