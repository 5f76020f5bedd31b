import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, startReceiver } from '#kit';
import type { Receiver } from '#kit';
import { countNotifications, listNotifications, sendAgain } from '#operate';
import type { NotificationFilter } from '#operate';
import { createDatabase, OPERATOR_ROLE } from '#platform/postgres';
import { createTestNotifier, SECRET } from '../../test/kit/notify/notifier.ts';
import type { TestNotifier } from '../../test/kit/notify/notifier.ts';

/** Every test starts processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const DAKIA = join(import.meta.dirname, '..', 'dakia.ts');

const folder = mkdtempSync(join(tmpdir(), 'dakia-notifications-'));
let receiver: Receiver;
let notifier: TestNotifier;

/** Two captured payments were refused by `shop`, and told to the log. */
beforeAll(async () => {
  receiver = await startReceiver(answers.status(410), SECRET);
  notifier = await createTestNotifier(
    `destinations:\n  shop: {type: http, url: "${receiver.url.href}", secrets_env: SECRETS, allow: [127.0.0.1]}\n` +
      `  log: {type: log}\nrules:\n  - {name: captured, when: payment.captured, to: [shop, log]}\n`,
    { SECRETS: SECRET },
  );
  await notifier.start();
  await notifier.happen(['pay_1', 'pay_2'].map((key) => ({ kind: 'payment.captured', key, status: 'captured' })));
  await notifier.until(
    'the log has heard both, the shop has refused both',
    (told) =>
      told.filter(({ status }) => status === 'failed').length === 2 &&
      told.filter(({ status }) => status === 'delivered').length === 2,
  );
});
afterAll(async () => {
  await notifier.close();
  await receiver.close();
  rmSync(folder, { recursive: true });
});

const notifications = (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], ...notifier.environment, ...environment };
    execFile(
      process.execPath,
      [DAKIA, '--data-dir', folder, 'notifications', ...args],
      { env },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
const json = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await notifications([...args, '--json'])).stdout);
const idOf = async (key: string): Promise<string> =>
  (await notifier.notifications()).find(({ entity_key, destination }) => entity_key === key && destination === 'shop')
    ?.id ?? '';

test('list counts by destination and status, and shows what was answered', async () => {
  const { code, stdout } = await notifications(['list']);
  expect(code).toBe(0);
  expect(
    stdout
      .split('\n')
      .slice(0, 3)
      .map((line) => line.split(/\s+/)),
  ).toEqual([
    ['destination', 'pending', 'retrying', 'delivered', 'failed', 'cancelled'],
    ['log', '0', '0', '2', '0', '0'],
    ['shop', '0', '0', '0', '2', '0'],
  ]);
  expect(stdout).toContain('HTTP 410');
  expect(await json('list', '--status', 'failed', '--entity', 'pay_1')).toMatchObject({
    counts: [{ destination: 'shop', status: 'failed', count: 1 }],
    notifications: [
      {
        id: await idOf('pay_1'),
        destination: 'shop',
        kind: 'payment.captured',
        entity: 'pay_1',
        rule: 'captured',
        attempts: 1,
        reason: 'HTTP 410',
        nextAttemptAt: null,
        hoursBefore: null,
      },
    ],
  });
  expect(await json('list', '--limit', '1')).toMatchObject({
    counts: [{ count: 2 }, { count: 2 }],
    notifications: [{}],
  });
});

test.each<[NotificationFilter, number]>([
  [{ destination: 'shop' }, 2],
  [{ destination: 'shop', cause: 'http 410' }, 2],
  [{ cause: 'HTTP 500' }, 0],
  [{ kind: 'payment.captured', status: 'delivered' }, 2],
  [{ kind: 'payment.failed' }, 0],
  [{ rule: 'captured', newerThanMs: 3_600_000 }, 4],
  [{ olderThanMs: 3_600_000 }, 0],
  [{ entity: 'pay_1', status: 'failed' }, 1],
  [{ id: 'ntf_no_such_id' }, 0],
])('the filter %j passes %d', async (filter, count) => {
  const database = createDatabase({
    url: notifier.environment['DATABASE_URL'] ?? '',
    poolSize: 1,
    applicationName: 'dakia-test',
    role: OPERATOR_ROLE,
  });
  try {
    expect(await listNotifications(database, filter, 10)).toHaveLength(count);
    expect((await countNotifications(database, filter)).reduce((sum, each) => sum + each.count, 0)).toBe(count);
  } finally {
    await database.close();
  }
});

test('what cannot be meant is refused', async () => {
  expect(await notifications(['list', '--kind', 'payment.teleported'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('docs/notifications.md') as string,
  });
  expect(await notifications(['retry', '--yes'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Say which') as string,
  });
  expect(await notifications(['retry', '--all', '--id', 'ntf_1'])).toMatchObject({ code: 2 });
});

test('retry shows first, then sends again with the same id, and audit_logs knows who and why', async () => {
  const id = await idOf('pay_1');
  const asked = receiver.received.length;
  expect(await notifications(['retry', '--entity', 'pay_1'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 would be sent again. Nothing was changed; give --yes to do it.') as string,
  });
  expect(await json('retry', '--all')).toMatchObject({ ok: true, executed: false, count: 2 });
  expect((await notifier.notifications()).filter(({ status }) => status === 'failed')).toHaveLength(2);
  expect(receiver.received).toHaveLength(asked);

  receiver.answer(answers.status(200));
  expect(
    await notifications(['retry', '--entity', 'pay_1', '--yes', '--who', 'asha', '--reason', 'the shop is back']),
  ).toEqual({ code: 0, stdout: '1 notification is sent again\n', stderr: '' });
  const rows = await notifier.until('it is delivered', (told) =>
    told.some((row) => row.id === id && row.status === 'delivered'),
  );
  expect(rows.find((row) => row.id === id)).toMatchObject({ attempts: 1, response: 'HTTP 200', reason: null });
  expect(receiver.received.slice(asked).map((request) => request.id)).toEqual([id]);
  expect(await notifier.rows('SELECT actor, action, family, entity_key, reason FROM audit_logs')).toEqual([
    {
      actor: 'operator:asha',
      action: 'notification.retry',
      family: 'payments',
      entity_key: 'pay_1',
      reason: `${id}: the shop is back`,
    },
  ]);
  expect(await notifications(['retry', '--entity', 'pay_1', '--yes'])).toMatchObject({
    code: 1,
    stdout: 'no failed notifications match\n',
  });
});

test('retry takes only those that were shown, and only as they were shown', async () => {
  const database = createDatabase({
    url: notifier.environment['DATABASE_URL'] ?? '',
    poolSize: 1,
    applicationName: 'test',
    role: OPERATOR_ROLE,
  });
  try {
    const shown = await listNotifications(database, { status: 'failed' }, 10);
    expect(shown).toHaveLength(1);
    const failedLater = shown.map((one) => ({ ...one, updatedAt: new Date(one.updatedAt.getTime() + 1) }));
    const revived: unknown[] = [];
    for (const others of [failedLater, []])
      for await (const chunk of sendAgain(database, 'failed', {}, { who: 'asha', reason: 'test' }, others))
        revived.push(...chunk);
    expect(revived).toEqual([]);
    expect(await listNotifications(database, { status: 'failed' }, 10)).toEqual(shown);
  } finally {
    await database.close();
  }
});

test('while Redis is away retry says so, and the sweep sends it', async () => {
  const { code, stdout, stderr } = await notifications(['retry', '--all', '--yes'], {
    REDIS_URL: 'redis://127.0.0.1:1',
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Since this was shown at .*\n  1 done meanwhile: .*\n1 notification is sent again\n$/);
  expect(stderr).toContain('Redis did not answer');
  expect(
    (await notifier.notifications()).filter(({ entity_key, status }) => entity_key === 'pay_2' && status === 'pending'),
  ).toHaveLength(1);
  await notifier.stop();
  notifier.later(60_000);
  await notifier.start();
  await notifier.until('it is delivered', (told) => told.every(({ status }) => status === 'delivered'));
});

test('two operators who send the same again at once send each once', async () => {
  const database = createDatabase({
    url: notifier.environment['DATABASE_URL'] ?? '',
    poolSize: 2,
    applicationName: 'test',
    role: OPERATOR_ROLE,
  });
  const sendAll = async (who: string, shown: Awaited<ReturnType<typeof listNotifications>>) => {
    const ids: string[] = [];
    for await (const chunk of sendAgain(database, 'delivered', {}, { who, reason: 'at once' }, shown))
      ids.push(...chunk.map(({ id }) => id));
    return ids;
  };
  try {
    const shown = await listNotifications(database, { status: 'delivered' }, 10);
    expect(shown).toHaveLength(4);
    const both = await Promise.all([sendAll('asha', shown), sendAll('ravi', shown)]);
    expect(both.flat().sort()).toEqual(shown.map(({ id }) => id).sort());
    expect(await notifier.rows("SELECT 1 FROM audit_logs WHERE reason LIKE '%: at once%'")).toHaveLength(4);
  } finally {
    await database.close();
  }
});
