import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers } from '#kit';
import type { Receiver } from '#kit';
import { createDatabase, OPERATOR_ROLE } from '#platform/postgres';
import { now } from '#platform/time';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import type { TestNotifier } from '../../test/kit/notify/notifier.ts';
import { at, holding, notifying, receiving, useReceivers } from '../../test/kit/notify/notifying.ts';
import { rulesOf } from '../../test/kit/notify/relay-fixture.ts';
import { backfill, findUntold } from '../../services/notifier/relay/backfill.ts';

/**
 * A receiver that has lost what it was told, and one that came later.
 * Processes are started, and the machine may be busy with others.
 */
jest.setTimeout(60_000);
useReceivers();

const folder = mkdtempSync(join(tmpdir(), 'dakia-afterwards-'));
const opened: Dakia[] = [];
afterEach(async () => {
  for (const dakia of opened.splice(0)) await dakia.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const commandsOf = (notifier: TestNotifier) => {
  const dakia = openDakia(notifier.environment);
  opened.push(dakia);
  const words = ['--data-dir', folder, 'notifications'];
  return {
    run: (...args: readonly string[]) => dakia.run(...words, ...args),
    json: (...args: readonly string[]) => dakia.json(...words, ...args),
  };
};

const captured = (...keys: readonly string[]) =>
  keys.map((key) => ({ kind: 'payment.captured', key, status: 'captured' }) as const);
const keysOf = (count: number, prefix = 'pay_'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const told = ({ received }: Receiver, from = 0) => received.slice(from).map(({ id, sequence }) => [id, sequence]);
const delivered = (count: number) => (rows: readonly { readonly status: string }[]) =>
  rows.filter(({ status }) => status === 'delivered').length === count;
const rules = (destinations: string, to: string) =>
  `destinations: {${destinations}}\nrules:\n  - {name: captured, when: payment.captured, to: [${to}]}\n`;

describe('resend', () => {
  test('tells again what was told, under the same ids and numbers, and only after it has shown it', async () => {
    const [shop, other] = [await receiving(), await receiving()];
    const notifier = await notifying(rules(`shop: ${at(shop)}, other: ${at(other)}`, 'shop, other'));
    const { run, json } = commandsOf(notifier);
    await notifier.start();
    await notifier.happen(captured('pay_1', 'pay_2'));
    await notifier.until('both are told of both', delivered(4));
    const before = told(shop).toSorted();

    expect(await run('resend', '--to', 'shop')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--entity, --since or both') as string,
    });
    expect(await run('resend', '--to', 'shop', '--since', '2026-11-28T10:00')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('with Z or its offset') as string,
    });
    expect(await run('resend', '--to', 'shop', '--since', '2000-01-01')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 would be told to shop again. Nothing was changed') as string,
    });
    expect(await json('resend', '--to', 'shop', '--since', '2000-01-01', '--until', '2000-01-02')).toMatchObject({
      ok: false,
      count: 0,
    });
    expect(await json('resend', '--to', 'shop', '--entity', 'pay_1')).toMatchObject({ executed: false, count: 1 });
    expect((await notifier.notifications()).every(({ status }) => status === 'delivered')).toBe(true);

    expect(
      await run('resend', '--to', 'shop', '--since', '2000-01-01', '--yes', '--who', 'asha', '--reason', 'lost a disk'),
    ).toEqual({ code: 0, stdout: '2 notifications are told again\n', stderr: '' });
    await notifier.until('both are told again', (rows) => delivered(4)(rows) && shop.received.length === 4);
    expect(told(shop, 2).toSorted()).toEqual(before);
    expect(other.received).toHaveLength(2);
    expect(
      await notifier.rows(
        "SELECT actor, entity_key, reason FROM audit_logs WHERE action = 'notification.resend' ORDER BY 2",
      ),
    ).toMatchObject(
      ['pay_1', 'pay_2'].map((entity_key) => ({
        actor: 'operator:asha',
        entity_key,
        reason: expect.stringMatching(
          /^ntf_[0-9a-f]{32}: lost a disk \(it was delivered at 20[-0-9]+T[0-9:.]+Z\)$/,
        ) as string,
      })),
    );
    // How fast what is new is told has not got worse by it.
    expect(await notifier.metrics()).toContain('dakia_notification_seconds_count{destination="shop"} 2');
  });

  test('acts on what it showed: what was told since is left alone, what somebody else has sent again is no error', async () => {
    const shop = await receiving();
    const notifier = await notifying(rules(`shop: ${at(shop)}`, 'shop'));
    const { json } = commandsOf(notifier);
    await notifier.start();
    await notifier.happen(captured('pay_1', 'pay_2'));
    await notifier.until('both are told', delivered(2));
    const all = ['resend', '--to', 'shop', '--since', '2000-01-01'] as const;
    expect(await json(...all)).toMatchObject({ count: 2 });

    await notifier.happen(captured('pay_3'));
    await notifier.until('the third is told', delivered(3));
    await json('resend', '--to', 'shop', '--entity', 'pay_1', '--yes');
    await notifier.until('the first is told again', (rows) => delivered(3)(rows) && shop.received.length === 4);
    expect(await json(...all, '--yes')).toMatchObject({
      ok: false,
      count: 1,
      changes: { changed: [{}], added: [expect.any(String) as string], gone: [] },
    });
    await notifier.until('the second is told again', (rows) => delivered(3)(rows) && shop.received.length === 5);
    expect(shop.received.map(({ entityId }) => entityId).toSorted()).toEqual([
      ...['pay_1', 'pay_1', 'pay_2', 'pay_2', 'pay_3'],
    ]);
  });
});

describe('backfill', () => {
  const since = ['--since', '2000-01-01'] as const;

  test('a new destination hears what was before it, behind what is new, and nobody else hears anything', async () => {
    const [shop, late] = [await receiving(), await receiving()];
    const notifier = await notifying(rules(`shop: ${at(shop)}`, 'shop'));
    await notifier.start();
    await notifier.happen([
      ...captured(...keysOf(12)),
      { kind: 'payment.authorized', key: 'pay_other', status: 'authorized' },
    ]);
    await notifier.until('the shop is told', delivered(12));
    await notifier.stop();
    notifier.rewrite(rules(`shop: ${at(shop)}, late: ${at(late, ', concurrency: 1')}`, 'shop, late'));
    const { answer, held } = holding();
    late.answer(answer);
    await notifier.start();
    const { run, json } = commandsOf(notifier);

    expect(await run('backfill', '--to', 'nobody', ...since)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no destination "nobody"; it has shop, late') as string,
    });
    expect(await json('backfill', '--to', 'shop', ...since)).toMatchObject({ ok: true, count: 0 });
    expect(await run('backfill', '--to', 'late', ...since)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^count +what +rule\n +12 +payment\.captured +captured\n[^]*12 would be told to late\./,
      ) as string,
    });
    expect(await notifier.notifications()).toHaveLength(12);
    expect(await run('backfill', '--to', 'late', ...since, '--yes', '--who', 'asha')).toEqual({
      code: 0,
      stdout: '12 notifications are planned for late\n',
      stderr: '',
    });
    await notifier.queued('late', 12, 10_000);
    // It answers nothing yet. What is new goes before all that waits behind the first.
    await notifier.happen(captured('pay_new'));
    await notifier.queued('late', 13, 10_000);
    late.answer(answers.status(200));
    for (const response of held) response.end();
    await notifier.until('late is told of all', delivered(12 + 12 + 2));
    expect(late.received[1]?.entityId).toBe('pay_new');

    // Numbers are the shop's: the fact's own. In their order, since one goes after the other.
    const history = told(late).filter((_, index) => index !== 1);
    expect(history.map(([, sequence]) => sequence)).toEqual(
      told(shop)
        .map(([, sequence]) => sequence)
        .toSorted((one, other) => Number(one) - Number(other))
        .slice(0, 12),
    );
    expect(shop.received).toHaveLength(13);
    expect(await json('backfill', '--to', 'late', ...since, '--yes')).toMatchObject({ ok: true, count: 0 });
    expect(await notifier.rows("SELECT DISTINCT actor FROM audit_logs WHERE action = 'notification.backfill'")).toEqual(
      [{ actor: 'operator:asha' }],
    );
    expect(await notifier.metrics()).toContain('dakia_notification_seconds_count{destination="late"} 1');
  });

  test('a run that was cut off goes on with the next one, and nothing is told twice', async () => {
    const late = await receiving();
    const notifier = await notifying(rules(`late: ${at(late)}, shop: {type: log}`, 'shop'));
    await notifier.start();
    await notifier.happen(captured(...keysOf(520)));
    await notifier.until('the log is told', delivered(520));
    await notifier.stop();
    const after = rules(`late: ${at(late)}, shop: {type: log}`, 'shop, late');
    notifier.rewrite(after);

    const database = createDatabase({
      url: notifier.environment['DATABASE_URL'] ?? '',
      poolSize: 1,
      applicationName: 'dakia-test',
      role: OPERATOR_ROLE,
    });
    try {
      // The variable of the secret is the notifier's; a plan needs none.
      const scope = { rules: rulesOf(after), destination: 'late', since: new Date(0), until: new Date() };
      const looks = [];
      for await (const look of findUntold(database, scope, now)) looks.push(look);
      expect(looks.map(({ facts, total }) => [facts, total])).toEqual([
        [500, 520],
        [20, 520],
      ]);
      const found = looks.flatMap(({ untold }) => untold);
      for await (const requests of backfill(database, scope, found, { who: 'asha', reason: 'test' }, now)) {
        expect(requests).toHaveLength(500);
        break;
      }
    } finally {
      await database.close();
    }
    expect(await commandsOf(notifier).json('backfill', '--to', 'late', ...since, '--yes')).toMatchObject({
      count: 20,
    });
    // The jobs of the first 500 were never made: the sweep finds their rows.
    notifier.later(60_000);
    await notifier.start();
    await notifier.until('late is told of all', delivered(1_040), 40_000);
    expect(new Set(late.received.map(({ id }) => id)).size).toBe(520);
    expect(late.received).toHaveLength(520);
  });

  test('two operators at once, and a relay that is told of the same, plan each notification once', async () => {
    const late = await receiving();
    const notifier = await notifying(rules(`late: ${at(late)}, shop: {type: log}`, 'shop'));
    await notifier.start();
    await notifier.happen(captured(...keysOf(40)));
    await notifier.until('the log is told', delivered(40));
    await notifier.stop();
    const after = rules(`late: ${at(late)}, shop: {type: log}`, 'shop, late');
    notifier.rewrite(after);
    const scope = { rules: rulesOf(after), destination: 'late', since: new Date(0), until: new Date() };
    const planAll = async (who: string): Promise<readonly string[]> => {
      const database = createDatabase({
        url: notifier.environment['DATABASE_URL'] ?? '',
        poolSize: 1,
        applicationName: 'dakia-test',
        role: OPERATOR_ROLE,
      });
      const planned: string[] = [];
      try {
        for await (const { untold } of findUntold(database, scope, now))
          for await (const requests of backfill(database, scope, untold, { who, reason: 'test' }, now))
            planned.push(...requests.map(({ id }) => id));
        return planned;
      } finally {
        await database.close();
      }
    };
    const [one, two] = await Promise.all([
      planAll('asha'),
      planAll('ravi'),
      notifier.start(),
      notifier.happen(captured('pay_new')),
    ]);
    await notifier.until('the new one is planned', (rows) => rows.length === 2 * 41);
    const both = [...one, ...two];
    expect(new Set(both).size).toBe(both.length);
    expect([40, 41]).toContain(both.length);
    expect(await notifier.rows("SELECT 1 FROM audit_logs WHERE action = 'notification.backfill'")).toHaveLength(
      both.length,
    );
  });

  test('reminders that are still to come are planned for their time; what was cancelled with its rule lives again with it', async () => {
    const late = await receiving();
    const withReminders =
      `destinations: {late: ${at(late)}}\nrules:\n` +
      '  - {name: disputes, when: dispute.opened, to: late, reminders: {before: respond_by, hours: ' +
      `[1], while: open}}\n`;
    const notifier = await notifying(`destinations: {late: ${at(late)}}\nrules: []\n`);
    await notifier.start();
    const respondBy = new Date(Date.now() + 86_400_000);
    await notifier.happen([{ kind: 'dispute.opened', key: 'disp_1', status: 'open', respondBy }]);
    await notifier.rows('SELECT 1');
    await notifier.stop();
    await notifier.rows('UPDATE outbox SET relayed_at = now() WHERE relayed_at IS NULL');
    notifier.rewrite(withReminders);
    const { json } = commandsOf(notifier);
    expect(await json('backfill', '--to', 'late', ...since)).toMatchObject({
      count: 2,
      first: [{ hoursBefore: null }, { hoursBefore: 1 }],
    });
    await json('backfill', '--to', 'late', ...since, '--yes');
    expect(
      await notifier.rows('SELECT priority, status, next_attempt_at FROM notifications ORDER BY priority'),
    ).toMatchObject([
      { priority: 1, status: 'pending', next_attempt_at: new Date(respondBy.getTime() - 3_600_000) },
      { priority: 5, status: 'pending' },
    ]);
    await notifier.rows("UPDATE notifications SET status = 'cancelled', reason = 'the rule is no longer in the file'");
    expect(await json('backfill', '--to', 'late', ...since, '--yes')).toMatchObject({ count: 2 });
    await notifier.start();
    await notifier.until('the fact is told', delivered(1));
    expect(late.received.map(({ entityId }) => entityId)).toEqual(['disp_1']);
  });
});
