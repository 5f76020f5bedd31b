import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { families, serviceNames } from '#catalogue';
import { probeCommands } from '../test/kit/cli/probe-program.ts';
import { openDakia } from '../test/kit/cli/run-dakia.ts';
import { compileCacheFolder } from './compile-cache.cjs';
import { plain, plainCell } from './terminal.ts';

/** Tests start processes, and the machine may be busy with others. */
jest.setTimeout(30_000);

const DAKIA = join(import.meta.dirname, 'dakia.ts');
const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [DAKIA, ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });

const dakia = openDakia({});
afterAll(dakia.close);

const commands = await probeCommands();

test('there is a file for every command, and a command for every file', () => {
  const files = readdirSync(join(import.meta.dirname, 'commands'))
    .filter((file) => file.endsWith('.ts') && !file.includes('.test.') && !file.endsWith('-options.ts'))
    .map((file) => file.replace('.ts', ''));
  // A command that is long has a file of its own beside that of its group: notifications-resend.ts.
  const [ofGroups, ofCommands] = [
    files.filter((file) => !file.includes('-')),
    files.filter((file) => file.includes('-')),
  ];
  expect([...new Set(commands.map(({ name }) => name.split(' ')[0]))].sort()).toEqual(ofGroups.sort());
  expect(commands.map(({ name }) => name.replaceAll(' ', '-'))).toEqual(expect.arrayContaining(ofCommands));
});

test.each(commands.map((command) => [command.name, command] as const))(
  '%s has an example, prints JSON on demand, and refuses an unknown option or argument',
  (name, command) => {
    expect(command.help).toEqual({
      code: 'commander.helpDisplayed',
      printed: expect.stringContaining(`Example:\n  npx dakia ${name}`) as string,
    });
    expect(command.options).toContain('--json');
    expect(command.unknownOption).toEqual({
      code: 'commander.unknownOption',
      printed: expect.stringContaining("unknown option '--no-such-option'") as string,
    });
    expect(command.surplusArgument.code).toBe('commander.excessArguments');
  },
);

test.each(commands.map(({ name, example }) => [name, example] as const))(
  'the example in the help of %s is one that works',
  (_name, { args, code }) => {
    expect(code).toBe('none');
    const given = (option: string): readonly (string | undefined)[] =>
      args.flatMap((word, index) => (word === option ? [args[index + 1]] : []));
    for (const group of given('--group')) expect(serviceNames).toContain(group);
    for (const family of given('--family')) expect(Object.keys(families)).toContain(family);
  },
);

test('errors of use exit 2 and print nothing on stdout; help exits 0', async () => {
  expect(run('status', '--no-such-option')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining("unknown option '--no-such-option'") as string,
  });
  expect(await dakia.run('simulat')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('simulate') as string,
  });
  expect(await dakia.run()).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Commands:') as string,
  });
  expect(run('--help')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining('Commands:') as string,
  });
});

test('--version is that of the release; every help says how commands end', async () => {
  expect(await dakia.run('--version')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
  for (const { help } of commands) expect(help.printed).toContain('Exit codes: 0 ');
});

/** Prints which packages loading the command that it is given has asked for. */
const LOADED = `
  import { registerHooks } from 'node:module';
  const asked = new Set();
  registerHooks({ resolve: (name, context, next) => { asked.add(name); return next(name, context); } });
  const { createProgram } = await import('./program.ts');
  const { commands } = await createProgram(process.argv.slice(1));
  console.log(JSON.stringify({ commands: commands.map((command) => command.name()), asked: [...asked] }));
`;
test('a command loads itself alone, and no client of a server that it does not ask', () => {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', LOADED, 'status', '--all'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCacheFolder() },
  });
  const { commands: names, asked } = JSON.parse(stdout) as Readonly<Record<'commands' | 'asked', readonly string[]>>;
  expect(names).toEqual(['status']);
  expect(asked).toEqual(expect.arrayContaining(['kafkajs', 'pg']));
  for (const other of ['bullmq', 'ioredis', 'nodemailer', 'yaml', '@kafkajs/confluent-schema-registry'])
    expect(asked).not.toContain(other);
});

test('a closed pipe ends quietly', () => {
  const { stderr, stdout } = spawnSync(
    'sh',
    ['-c', '{ "$0" "$1" --help; echo "code $?" >&2; } | true', process.execPath, DAKIA],
    { encoding: 'utf8', env: { PATH: process.env['PATH'] } },
  );
  expect([stdout, stderr]).toEqual(['', 'code 0\n']);
});

test('what a terminal would act upon, or show in another order, is escaped; in JSON it is the same value', () => {
  expect(plainCell('a\nfake  row\u001b[2J\u202eb\u200b')).toBe('a\\nfake  row\\u001b[2J\\u202eb\\u200b');
  expect(plain('two\nlines of é ₹ 漢')).toBe('two\nlines of é ₹ 漢');
  expect(plainCell('pay\u{e0041}\ufe0f\u3164\u180e')).toBe('pay\\udb40\\udc41\\ufe0f\\u3164\\u180e');
  const hostile = '\u007f\u202e\u2028x\u{e0041}\u{e0100}';
  expect(plain(JSON.stringify(hostile))).not.toMatch(/[^\x20-\x7e]/);
  expect(JSON.parse(plain(JSON.stringify(hostile)))).toBe(hostile);
});

test('the file can be run by itself', () => {
  expect(statSync(DAKIA).mode & 0o111).toBe(0o111);
  expect(execFileSync('head', ['-1', DAKIA], { encoding: 'utf8' })).toBe('#!/usr/bin/env node\n');
});
