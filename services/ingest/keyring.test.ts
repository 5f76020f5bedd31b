import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import promClient from 'prom-client';
import { verify } from '#envelope';
import { eventually } from '#kit/eventually';
import { readConfig } from '#platform/config';
import { createLogger } from '#platform/log';
import { instant } from '#rules';
import { sign } from '../../test/kit/ingest/deliveries.ts';
import { createKeyring, secretsIssues } from './keyring.ts';
import type { Keyring } from './keyring.ts';
import { secretSettings } from './settings.ts';
import type { SecretsConfig } from './settings.ts';

let folder = '';
let running: Keyring | undefined;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'dakia-secrets-'))));
afterEach(async () => {
  await running?.stop(instant(0));
  running = undefined;
  rmSync(folder, { recursive: true });
});

const configOf = (environment: Readonly<Record<string, string>>): SecretsConfig => {
  const config = readConfig(secretSettings, environment);
  if (!config.ok) throw new Error(config.issues.join('; '));
  return config.value;
};
const start = async (environment: Readonly<Record<string, string>>) => {
  const logged: string[] = [];
  const metrics = new promClient.Registry();
  running = createKeyring({
    config: configOf(environment),
    log: createLogger('ingest', 'trace', { write: (line) => logged.push(line) }),
    metrics,
  });
  await running.start();
  const keyring = running;
  /** The position of the secret among those of the endpoint; -1 when it is not one of them. */
  const position = (secret: string, endpoint = 'default'): number => {
    const verified = verify(Buffer.from('x'), sign('x', secret), keyring.secretsOf(endpoint) ?? []);
    return verified.ok ? verified.position : -1;
  };
  return {
    keyring,
    position,
    logged,
    reloads: async (result: string) =>
      Number(new RegExp(`result="${result}"} (\\d+)`).exec(await metrics.metrics())?.[1] ?? 0),
  };
};

test('no secret at all: one sentence that says what to do, no default', () => {
  expect(secretsIssues(configOf({}))).toEqual([
    'RAZORPAY_WEBHOOK_SECRETS: no webhook secret is set; give the secret of the webhook in the Razorpay ' +
      'dashboard, here or in RAZORPAY_WEBHOOK_SECRETS_FILE',
  ]);
  expect(() =>
    createKeyring({ config: configOf({}), log: createLogger('ingest', 'fatal'), metrics: new promClient.Registry() }),
  ).toThrow('no webhook secret is set');
});

test('settings that contradict each other or cannot be read are named', () => {
  const missing = join(folder, 'missing');
  expect(secretsIssues(configOf({ RAZORPAY_WEBHOOK_SECRETS: 'a', RAZORPAY_WEBHOOK_SECRETS_FILE: missing }))).toEqual([
    'RAZORPAY_WEBHOOK_SECRETS: is set together with RAZORPAY_WEBHOOK_SECRETS_FILE; set one of them',
  ]);
  expect(
    secretsIssues(configOf({ RAZORPAY_WEBHOOK_SECRETS_FILE: missing, RAZORPAY_WEBHOOK_ENDPOINTS_FILE: folder })),
  ).toEqual([
    `RAZORPAY_WEBHOOK_SECRETS_FILE: ${missing} cannot be read (ENOENT)`,
    `RAZORPAY_WEBHOOK_ENDPOINTS_FILE: ${folder} cannot be read (EISDIR)`,
  ]);
  expect(secretsIssues(configOf({ RAZORPAY_WEBHOOK_SECRETS: ' , ' }))).toEqual([
    'RAZORPAY_WEBHOOK_SECRETS: holds no secret',
  ]);
});

test('secrets of the environment, in their order; further endpoints beside them', async () => {
  writeFileSync(join(folder, 'endpoints'), 'test-mode: three\n');
  const { keyring, position } = await start({
    RAZORPAY_WEBHOOK_SECRETS: 'one, two',
    RAZORPAY_WEBHOOK_ENDPOINTS_FILE: join(folder, 'endpoints'),
  });
  expect([position('one'), position('two'), position('three'), position('three', 'test-mode')]).toEqual([0, 1, -1, 0]);
  expect(keyring.secretsOf('live-mode')).toBeUndefined();
});

test('a changed file is read again without a restart; a broken or empty one leaves the last good secrets in use', async () => {
  const file = join(folder, 'secrets');
  writeFileSync(file, 'old\n');
  const { position, logged, reloads } = await start({ RAZORPAY_WEBHOOK_SECRETS_FILE: file });
  writeFileSync(file, 'canary-new\nold\n');
  await eventually('the new secret in use', () => position('canary-new') === 0 && position('old') === 1);
  writeFileSync(file, '');
  await eventually('the empty file counted', async () => (await reloads('unusable')) === 1);
  rmSync(file);
  await eventually('the missing file counted', async () => (await reloads('unusable')) === 2);
  expect([position('canary-new'), position('old')]).toEqual([0, 1]);
  writeFileSync(file, 'canary-last\n');
  await eventually('the last secret alone in use', () => position('canary-last') === 0 && position('old') === -1);
  expect(await reloads('used')).toBe(2);
  expect(logged.join('')).toMatch(/"level":"error".*cannot be used/);
  expect(logged.join('')).not.toContain('canary');
}, 30_000);

test('the swap of a symbolic link, as Kubernetes changes a mounted Secret, is a change', async () => {
  const version = (name: string, content: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'secrets'), content);
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  version('..v1', 'aaa\n');
  symlinkSync(join('..data', 'secrets'), join(folder, 'secrets'));
  const { position } = await start({ RAZORPAY_WEBHOOK_SECRETS_FILE: join(folder, 'secrets') });
  expect(position('aaa')).toBe(0);
  version('..v2', 'bbb\n');
  await eventually('the secret behind the new link in use', () => position('bbb') === 0 && position('aaa') === -1);
});

const levelsOf = (logged: readonly string[]) =>
  logged.map((line) => {
    const { level, endpoints } = JSON.parse(line) as { readonly level: string; readonly endpoints: object };
    return [level, endpoints];
  });

test('a start says how many secrets there are, warns of short ones and of what commas have made, and shows none', async () => {
  const long = 'a-secret-that-is-long-enough';
  const { logged } = await start({ RAZORPAY_WEBHOOK_SECRETS: `${long},canary-short` });
  expect(levelsOf(logged)).toEqual([
    ['info', { default: 2 }],
    ['warn', { default: 1 }],
    ['warn', { default: 2 }],
  ]);
  expect(logged[1]).toMatch(/fewer than 16 characters/);
  expect(logged.join('')).not.toMatch(/canary|long-enough/);
});

test('one secret that a comma has split into two long ones is told of, also beside other endpoints', async () => {
  writeFileSync(join(folder, 'endpoints'), 'test-mode: one-secret-with-a-comma,and-more-of-it\n');
  const { logged, position } = await start({
    RAZORPAY_WEBHOOK_SECRETS: 'canary-half-of-a-secret,canary-other-half-of-it',
    RAZORPAY_WEBHOOK_ENDPOINTS_FILE: join(folder, 'endpoints'),
  });
  expect(levelsOf(logged)).toEqual([
    ['info', { default: 2, 'test-mode': 1 }],
    ['warn', { default: 2 }],
  ]);
  expect(logged[1]).toMatch(/commas in RAZORPAY_WEBHOOK_SECRETS make it 2 secrets.*RAZORPAY_WEBHOOK_SECRETS_FILE/);
  expect(logged.join('')).not.toContain('canary');
  expect(position('canary-half-of-a-secret,canary-other-half-of-it')).toBe(-1);
});

test('secrets that are long enough, one in the setting or several in a file, are counted and not warned of', async () => {
  writeFileSync(join(folder, 'secrets'), 'a-secret-that-is-long-enough\nanother,with-a-comma-in-it\n');
  for (const settings of [
    { RAZORPAY_WEBHOOK_SECRETS: 'a-secret-that-is-long-enough' },
    { RAZORPAY_WEBHOOK_SECRETS_FILE: join(folder, 'secrets') },
  ])
    expect(levelsOf((await start(settings)).logged).map(([level]) => level)).toEqual(['info']);
});
