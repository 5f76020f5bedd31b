import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionalText, url } from './schemas.ts';
import { describeConfig, fileSetting, loginSetting, overlaid, readConfig, secretSetting } from './setting.ts';
import type { Environment } from './setting.ts';

const settings = {
  address: secretSetting('AN_ADDRESS', url('https://host'), 'Required.'),
  user: loginSetting('A_USER', optionalText(), 'Optional.'),
  authority: fileSetting('AN_AUTHORITY_FILE', optionalText(), 'A file alone.'),
} as const;

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'dakia-config-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const written = (content: string, name = 'file'): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const issuesOf = (environment: Environment): readonly string[] => {
  const read = readConfig(settings, environment);
  return read.ok ? [] : read.issues;
};
const configOf = (environment: Environment) => {
  const told: string[] = [];
  const read = readConfig(settings, environment, (issue) => void told.push(issue));
  if (!read.ok) throw new Error(read.issues.join('; '));
  return { ...read.value, told };
};

test('a value stands in the variable, or in the file that its twin names, without the end of the line', () => {
  expect(configOf({ AN_ADDRESS: 'https://a' }).address()).toBe('https://a');
  const { address, user, authority } = configOf({
    AN_ADDRESS_FILE: written('https://b\r\n'),
    A_USER_FILE: written(' a user \n', 'user'),
    AN_AUTHORITY_FILE: written('one\ntwo\n', 'authority'),
  });
  expect([address(), user(), authority()]).toEqual(['https://b', ' a user ', 'one\ntwo']);
  const none = configOf({ AN_ADDRESS: 'https://a', A_USER: '', A_USER_FILE: '' });
  expect([none.user(), none.authority()]).toEqual([undefined, undefined]);
});

test('what cannot be used is named by setting and path, and never shown', () => {
  const [nothing, wrong, missing] = [written('\n', 'nothing'), written('canary\n', 'wrong'), join(folder, 'missing')];
  expect(issuesOf({ AN_ADDRESS: 'https://canary', AN_ADDRESS_FILE: missing })).toEqual([
    'AN_ADDRESS: is set together with AN_ADDRESS_FILE; set one of them',
  ]);
  expect(issuesOf({ AN_ADDRESS_FILE: nothing, A_USER_FILE: missing, AN_AUTHORITY_FILE: folder })).toEqual([
    `AN_ADDRESS_FILE: ${nothing} is empty`,
    `A_USER_FILE: ${missing} cannot be read (ENOENT)`,
    `AN_AUTHORITY_FILE: ${folder} cannot be read (EISDIR)`,
  ]);
  expect(issuesOf({ AN_ADDRESS_FILE: wrong })).toEqual([`AN_ADDRESS_FILE: ${wrong} is not a URL; give https://host`]);
  expect(issuesOf({})).toEqual(['AN_ADDRESS: is not set; give https://host']);
});

test('a file that changes is read again; one that is of no more use leaves the last good value, and is told of', () => {
  const file = written('https://first\n');
  const { address, told } = configOf({ AN_ADDRESS_FILE: file });
  written('https://second\n');
  expect(address()).toBe('https://second');
  for (const content of ['', 'canary']) {
    written(content);
    expect([address(), address()]).toEqual(['https://second', 'https://second']);
  }
  rmSync(file);
  expect(address()).toBe('https://second');
  // Once, however often it is asked for.
  expect(told).toEqual([`AN_ADDRESS_FILE: ${file} is empty`]);
  written('https://third');
  expect(address()).toBe('https://third');
  rmSync(file);
  expect(address()).toBe('https://third');
  expect(told.slice(1)).toEqual([`AN_ADDRESS_FILE: ${file} cannot be read (ENOENT)`]);
});

test('the swap of a symbolic link, as the kubelet changes a mounted Secret, is a change', () => {
  const version = (name: string, content: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'address'), content);
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  version('..v1', 'https://old');
  symlinkSync(join('..data', 'address'), join(folder, 'address'));
  const { address } = configOf({ AN_ADDRESS_FILE: join(folder, 'address') });
  expect(address()).toBe('https://old');
  version('..v2', 'https://new');
  expect(address()).toBe('https://new');
});

test('the start tells where a value stands, and no secret', () => {
  expect(describeConfig(settings, { AN_ADDRESS_FILE: '/a/file', A_USER: 'me' })).toEqual({
    AN_ADDRESS: 'in the file /a/file',
    A_USER: 'me',
    AN_AUTHORITY_FILE: 'default',
  });
  expect(describeConfig(settings, { AN_ADDRESS: 'canary' })['AN_ADDRESS']).toBe('set');
});

test('a value that is given stands above the file of before, and the other way round', () => {
  expect(overlaid({ A_FILE: '/a', B: 'b', C: 'c' }, { A: 'a', B_FILE: '/b', C: '', D: undefined })).toEqual({
    A: 'a',
    B_FILE: '/b',
    C: 'c',
  });
});
