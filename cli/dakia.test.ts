import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Every test starts processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const DAKIA = join(import.meta.dirname, 'dakia.ts');
const run = (...args: readonly string[]) => spawnSync(process.execPath, [DAKIA, ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });

/** Every command as the help lists it, with its own commands: `ledger show`. */
const commandsOf = (...parents: readonly string[]): readonly string[][] => {
  const help = run(...parents, '--help').stdout.split('\nCommands:\n')[1] ?? '';
  const names = [...help.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name as string).filter((name) => name !== 'help');
  return names.flatMap((name) => {
    const below = commandsOf(...parents, name);
    return below.length === 0 ? [[...parents, name]] : below;
  });
};
const commands = commandsOf();
/** What must be given before commander looks at the rest. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  'ledger rebase': ['--group', 'g', '--topic', 't', '--partition', '0', '--to', 'end', '--reason', 'r'],
  'parked drop': ['--reason', 'r'],
};

test('there is a file for every command, and a command for every file', () => {
  const files = readdirSync(join(import.meta.dirname, 'commands'))
    .filter((file) => file.endsWith('.ts') && !file.includes('.test.') && !file.endsWith('-options.ts'))
    .map((file) => file.replace('.ts', ''));
  expect([...new Set(commands.map(([name]) => name))].sort()).toEqual(files.sort());
});

test.each(commands.map((command) => [command.join(' '), command] as const))('%s has an example, and refuses an unknown option', (name, command) => {
  const help = run(...command, '--help');
  expect(help.status).toBe(0);
  expect(help.stdout).toContain(`Example:\n  npx dakia ${name}`);
  const refused = run(...command, ...(REQUIRED[name] ?? []), '--no-such-option');
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(refused.stderr).toContain("unknown option '--no-such-option'");
});

test('an unknown command, or none, exits 2 and says what there is', () => {
  expect(run('simulat')).toMatchObject({ status: 2, stderr: expect.stringContaining('simulate') as string });
  expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('Commands:') as string });
});

test('the file can be run by itself', () => {
  expect(statSync(DAKIA).mode & 0o111).toBe(0o111);
  expect(execFileSync('head', ['-1', DAKIA], { encoding: 'utf8' })).toBe('#!/usr/bin/env node\n');
});
