import type dns from 'node:dns';
import { guardedLookup, isReachable, parseAllowList } from './address-guard.ts';
import { checkUrl } from './target.ts';

const allowing = (...entries: readonly string[]) => {
  const read = parseAllowList(entries);
  if (!read.ok) throw new Error(read.issues.join());
  return read.value;
};
const nothing = allowing();

describe('addresses', () => {
  test.each([
    '127.0.0.1',
    '127.255.255.255',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '::ffff:0:a9fe:a9fe',
    '::ffff:0:7f00:1',
    '168.63.129.16',
    '100.100.100.200',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001:0:a9fe:a9fe::1',
    '2001:db8::1',
  ])('%s is internal', (address) => {
    expect(isReachable(address, nothing)).toBe(false);
  });

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '100.128.0.1',
    '169.253.0.1',
    '168.63.129.17',
    '::ffff:8.8.8.8',
    '2606:4700:4700::1111',
    '2a00:1450:4009::200e',
  ])('%s is public', (address) => {
    expect(isReachable(address, nothing)).toBe(true);
  });

  test('an allowed network is reachable, also as a mapped address; its neighbours are not', () => {
    const allow = allowing('10.1.0.0/16', 'fd00::/8', '192.168.1.5');
    expect(
      ['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1', '192.168.1.5'].map((address) => isReachable(address, allow)),
    ).toEqual([true, true, true, true]);
    expect(['10.2.0.1', '192.168.1.6', 'fc00::1'].map((address) => isReachable(address, allow))).toEqual([
      false,
      false,
      false,
    ]);
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0.0/8/8',
    '999.1.1.1',
    'a b',
    'https://a.example',
    '*.example',
    '',
    'fe80::1%eth0',
  ])('%j is no entry of an allow-list', (entry) => {
    expect(parseAllowList([entry]).ok).toBe(false);
  });
});

describe('URLs', () => {
  test.each<[string, readonly string[], string | null]>([
    ['https://hooks.example.com/x?y=1', [], null],
    ['https://8.8.8.8/', [], null],
    ['http://hooks.example.com/', [], 'must begin with https://'],
    ['ftp://hooks.example.com/', ['hooks.example.com'], 'must begin with https://'],
    ['file:///etc/passwd', [], 'must begin with https://'],
    ['http://orders.internal:8080/', ['orders.internal'], null],
    ['http://ORDERS.internal./', ['orders.internal'], null],
    ['http://10.1.2.3/', ['10.0.0.0/8'], null],
    ['http://orders.internal/', ['10.0.0.0/8'], 'must begin with https://'],
    ['https://127.0.0.1/', [], 'is the internal address 127.0.0.1'],
    ['https://2130706433/', [], 'is the internal address 127.0.0.1'],
    ['https://0x7f.1/', [], 'is the internal address 127.0.0.1'],
    ['https://[::1]/', [], 'is the internal address ::1'],
    ['https://[::ffff:169.254.169.254]/', [], 'is the internal address ::ffff:a9fe:a9fe'],
    ['https://user:secret@hooks.example.com/', [], 'must have no user and password in it'],
    ['https://secret@hooks.example.com/', [], 'must have no user and password in it'],
    ['not a url', [], 'is not a URL'],
  ])('%s allowing %j', (text, allow, issue) => {
    const read = checkUrl(text, allowing(...allow));
    expect(read.ok ? null : read.issues.join()).toEqual(issue === null ? null : expect.stringContaining(issue));
    if (!read.ok) expect(read.issues.join()).not.toContain('secret');
  });
});

describe('resolving at connect time', () => {
  const resolve = (allow: readonly string[], options: dns.LookupOptions): Promise<unknown> =>
    new Promise((settle) =>
      guardedLookup(allowing(...allow))('localhost', options, (error, addresses) =>
        settle(error === null ? addresses : error.name),
      ),
    );

  test('a name that resolves to an internal address is refused', async () => {
    expect(await resolve([], { all: true })).toBe('RefusedAddress');
    expect(await resolve([], {})).toBe('RefusedAddress');
  });

  test('but not when it, or the network, is allowed', async () => {
    expect(await resolve(['localhost'], { all: true, family: 4 })).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await resolve(['127.0.0.0/8'], { family: 4 })).toBe('127.0.0.1');
  });

  test('a name that does not resolve is an error of its own', async () => {
    const name = await new Promise((settle) =>
      guardedLookup(nothing)('nowhere.invalid', { all: true }, (error) => settle(error?.name)),
    );
    expect(name).toBe('Error');
  });
});
