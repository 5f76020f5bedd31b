/**
 * Walks every command on real servers: with --json each prints exactly
 * one object, whose `ok` is its exit code; without, no line is too wide.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, openTestKafka, testServers } from '#kit';
import type { TestDatabase, TestKafka } from '#kit';
import type { ProbedCommand } from '../test/kit/cli/probe-program.ts';
import { openDakia } from '../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../test/kit/cli/run-dakia.ts';
import { LINE_WIDTH } from './table.ts';

jest.setTimeout(60_000);

const PROBE = join(import.meta.dirname, '..', 'test', 'kit', 'cli', 'probe-program.ts');
const commands = JSON.parse(execFileSync(process.execPath, [PROBE], { encoding: 'utf8' })) as readonly ProbedCommand[];
const folder = mkdtempSync(join(tmpdir(), 'dakia-walk-'));
let kafka: TestKafka;
let database: TestDatabase;
let dakia: Dakia;

beforeAll(async () => {
  [kafka, database] = await Promise.all([openTestKafka(), createTestDatabase()]);
  dakia = openDakia({
    ...testServers(),
    DATABASE_URL: database.url,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    DAKIA_QUEUE_PREFIX: kafka.prefix.slice(0, -1),
    DAKIA_WEBHOOK_PORT: '1',
    RAZORPAY_WEBHOOK_SECRETS: 'a secret',
  });
  await dakia.run('--help');
});
afterAll(async () => {
  await dakia.close();
  await kafka.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** What makes an example end soon, and on the test's one broker. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  verify: ['--at', '1700000000', '--wait', '0'],
  'topics apply': ['--shape', 'embedded'],
  'topics verify': ['--shape', 'embedded'],
};
/** As the example but for what would be made on servers that others use at the same time. */
const argsOf = ({ name, example }: ProbedCommand, run: string): readonly string[] => [
  '--data-dir',
  folder,
  ...example.args
    .filter((word, index) => word !== '--partitions' && example.args[index - 1] !== '--partitions')
    .map((word, index, all) => (all[index - 1] === '--output' ? join(folder, `${run}-${word}`) : word)),
  ...(MORE[name] ?? []),
];

test.each(commands.map((command) => [command.name, command] as const))(
  '%s ends with one JSON object, and prints lines that fit',
  async (_name, command) => {
    const { code, stdout, stderr } = await dakia.run(...argsOf(command, 'json'), '--json');
    expect(stdout).toMatch(/^\{"ok":(true|false)[^\n]*\}\n$/);
    const { ok, error } = JSON.parse(stdout) as { readonly ok: boolean; readonly error?: string };
    expect(code === 0).toBe(ok);
    if (error !== undefined) expect(stderr).toContain(error);
    expect(stderr).not.toContain('.ts:');

    const text = await dakia.run(...argsOf(command, 'text'));
    expect([0, 1, 2]).toContain(text.code);
    const tooWide = text.stdout.split('\n').filter((line) => line.length > LINE_WIDTH && !/^ {2}\S/.test(line));
    // A word that is wider than the line stays whole, and so does a sentence of a list: there is no terminal here.
    expect(tooWide.filter((line) => line.trim().includes(' '))).toEqual([]);
  },
);

/** A command that ends well on empty servers is known to do so: what `ok` means is then tested both ways. */
test.each(['status', 'parked list', 'dead list', 'quarantine list', 'notifications list', 'queues', 'ledger show'])(
  '%s with nothing to show is ok',
  async (name) => {
    const { code, stdout } = await dakia.run('--data-dir', folder, ...name.split(' '), '--json');
    expect([code, (JSON.parse(stdout) as { readonly ok: boolean }).ok]).toEqual([0, true]);
  },
);
