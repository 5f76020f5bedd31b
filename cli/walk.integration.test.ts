/**
 * Walks every command on real servers: with --json each prints exactly
 * one object, whose `ok` is its exit code; without, no line is too wide.
 */
import { join } from 'node:path';
import { openDakiaOnServers, SHAPE_HERE } from '../test/kit/cli/on-servers.ts';
import type { DakiaOnServers } from '../test/kit/cli/on-servers.ts';
import { probeCommands } from '../test/kit/cli/probe-program.ts';
import type { ProbedCommand } from '../test/kit/cli/probe-program.ts';
import { LINE_WIDTH } from './table.ts';

jest.setTimeout(60_000);

const commands = await probeCommands();
let servers: DakiaOnServers;

beforeAll(async () => void (servers = await openDakiaOnServers()));
afterAll(() => servers.close());

/** What makes an example end soon, and on the test's one broker. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  ...SHAPE_HERE,
  verify: ['--at', '1700000000', '--wait', '0'],
};
/** As the example but for what would be made on servers that others use at the same time. */
const argsOf = ({ name, example }: ProbedCommand, run: string): readonly string[] => [
  '--data-dir',
  servers.folder,
  ...example.args
    .filter((word, index) => word !== '--partitions' && example.args[index - 1] !== '--partitions')
    .map((word, index, all) => (all[index - 1] === '--output' ? join(servers.folder, `${run}-${word}`) : word)),
  ...(MORE[name] ?? []),
];

test.each(commands.map((command) => [command.name, command] as const))(
  '%s ends with one JSON object, and prints lines that fit',
  async (_name, command) => {
    const { code, stdout, stderr } = await servers.dakia.run(...argsOf(command, 'json'), '--json');
    expect(stdout).toMatch(/^\{"ok":(true|false)[^\n]*\}\n$/);
    const { ok, error } = JSON.parse(stdout) as { readonly ok: boolean; readonly error?: string };
    expect(code === 0).toBe(ok);
    if (error !== undefined) expect(stderr).toContain(error);
    expect(stderr).not.toContain('.ts:');

    const text = await servers.dakia.run(...argsOf(command, 'text'));
    expect([0, 1, 2]).toContain(text.code);
    const tooWide = text.stdout.split('\n').filter((line) => line.length > LINE_WIDTH && !/^ {2}\S/.test(line));
    // A word that is wider than the line stays whole, and so does a sentence of a list: there is no terminal here.
    expect(tooWide.filter((line) => line.trim().includes(' '))).toEqual([]);
  },
);

/** A command that ends well on empty servers is known to do so: what `ok` means is then tested both ways. */
test.each([
  'status',
  'parked list',
  'dead list',
  'quarantine list',
  'unknown list',
  'notifications list',
  'queues',
  'ledger show',
])('%s with nothing to show is ok', async (name) => {
  const { code, stdout } = await servers.dakia.run('--data-dir', servers.folder, ...name.split(' '), '--json');
  expect([code, (JSON.parse(stdout) as { readonly ok: boolean }).ok]).toEqual([0, true]);
});
