/** How commands print: in a terminal, elsewhere, in which time zone, and into a pipe that somebody closes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { compileCacheFolder } from './compile-cache.cjs';
import { timeOf, useTimeZone } from './times.ts';

/** Tests start processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), 'dakia-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a module of this folder in a process of its own: whether there is a terminal is found out once. */
const script = (source: string, env: Readonly<Record<string, string>> = {}): string => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCacheFolder(), ...env },
  });
  expect(stderr.replaceAll(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, '')).toBe('');
  return stdout;
};

const SHOW = `
  const { print, printTable } = await import('./output.ts');
  print('it adds up and ' + 'all is as it should be', 'good');
  printTable([['name', 'why'], ['a\\u001b[2Jb', 'c']]);
`;
const IN_TERMINAL = `
  import { WriteStream } from 'node:tty';
  process.stdout.isTTY = true;
  process.stdout.columns = 20;
  process.stdout.getColorDepth = WriteStream.prototype.getColorDepth;
`;
const ESCAPE = String.fromCharCode(27);

test('a terminal has colour and lines broken at spaces, but not with NO_COLOR; what is no terminal has neither', () => {
  const terminal = { TERM: 'xterm-256color' };
  const coloured = script(`${IN_TERMINAL}${SHOW}`, terminal);
  expect(coloured).toContain(`${ESCAPE}[32mit adds up and all is as it should be${ESCAPE}[39m\n`);
  expect(coloured).toContain(`${ESCAPE}[1mname`);
  const plain = 'it adds up and all is as it should be\nname         why\na\\u001b[2Jb  c\n';
  expect(script(`${IN_TERMINAL}${SHOW}`, { ...terminal, NO_COLOR: '1' })).toBe(plain);
  expect(script(SHOW, terminal)).toBe(plain);
  expect(
    script(`${IN_TERMINAL.replace('20', '40')}${SHOW.replaceAll('all is', 'all of it is')}`, {
      ...terminal,
      NO_COLOR: '1',
    }),
  ).toContain('it adds up and all of it is as it should\nbe\n');
});

test('times are in the configured zone: DAKIA_TIME_ZONE, else time_zone of the rule file, else UTC', async () => {
  const rules = join(folder, 'rules.yaml');
  writeFileSync(rules, 'time_zone: Europe/Berlin\ndestinations:\n  log: {type: log}\nrules: []\n');
  const shown = async (env: Readonly<Record<string, string>> = {}): Promise<string> => {
    delete process.env['DAKIA_TIME_ZONE'];
    delete process.env['DAKIA_NOTIFICATIONS_FILE'];
    Object.assign(process.env, env);
    await useTimeZone(new Command().option('--data-dir <folder>', '', folder));
    return timeOf(new Date('2026-02-28T20:00:00.007Z'));
  };
  const inIndia = await shown({ DAKIA_NOTIFICATIONS_FILE: rules, DAKIA_TIME_ZONE: 'Asia/Kolkata' });
  expect(inIndia).toBe('2026-03-01T01:30:00.007+05:30');
  expect(await shown({ DAKIA_NOTIFICATIONS_FILE: rules })).toBe('2026-02-28T21:00:00.007+01:00');
  // Last, because the zone stays for the files that follow in this process.
  expect(await shown()).toBe('2026-02-28T20:00:00.007Z');
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'dakia.ts'), 'doctor'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], DAKIA_TIME_ZONE: 'Mars/Olympus' },
  });
  expect([status, stderr]).toEqual([2, expect.stringContaining('DAKIA_TIME_ZONE: there is no such time zone')]);
});

/** Prints until the reader is known to be gone, at most 10 s, and only then comes to its verdict. */
const VERDICT_AFTER_PIPE = `
  const { goOnWithClosedPipe } = await import('#platform/log');
  goOnWithClosedPipe();
  let isGone = false;
  process.stdout.on('error', () => (isGone = true));
  const end = Date.now() + 10_000;
  while (!isGone && Date.now() < end) {
    process.stdout.write('a line\\n');
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.stderr.write(isGone ? 'it goes on; ' : 'the pipe is open');
  process.exitCode = 1;
`;

test('a pipe that is closed before the verdict changes neither what is done nor the exit code', () => {
  const command = '{ "$0" --input-type=module -e "$1"; echo "code $?" >&2; } | true';
  const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, VERDICT_AFTER_PIPE], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' },
  });
  expect([stdout, stderr]).toEqual(['', 'it goes on; code 1\n']);
});
