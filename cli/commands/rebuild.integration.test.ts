import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allAggregates } from '#families';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

/** The machine may be busy with others. */
jest.setTimeout(30_000);

let store: TestStore;
let folder: string;
let commands: Dakia;
const rebuild = (...args: readonly string[]) =>
  commands.run('--data-dir', folder, 'rebuild', '--family', 'payments', '--reason', 'upgrade', ...args);
const blank = async (...keys: readonly string[]) =>
  store.rows('UPDATE payment_transactions SET email = NULL, fee_minor = NULL WHERE payment_id = ANY($1)', [
    `{${keys.join(',')}}`,
  ]);
const filled = async () =>
  (
    await store.rows<{ key: string }>(
      'SELECT payment_id AS key FROM payment_transactions WHERE email IS NOT NULL ORDER BY 1',
    )
  ).map(({ key }) => key);

beforeAll(async () => {
  store = await openTestStore('payments', allAggregates);
  folder = mkdtempSync(join(tmpdir(), 'dakia-rebuild-'));
  commands = openDakia({ DATABASE_URL: store.url });
  const payments = await store.partition('rzp.payments.v1');
  await payments.send(
    ...['pay_1', 'pay_2', 'pay_3'].map((key) =>
      testEvent('payment.captured', `ev_${key}`, key, { status: 'captured', fee: 2, email: 'asha@example.com' }),
    ),
  );
});
afterAll(async () => {
  await commands.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

test('a dry run shows what would change, without personal data; --yes does that and nothing else', async () => {
  await blank('pay_1', 'pay_2');
  const dry = await rebuild();
  expect(dry.stdout).toMatch(/pay_1 +fee_minor +2\n/);
  expect(dry.stdout).toMatch(/email +\(personal\)/);
  expect(dry.stdout).not.toContain('asha@');
  expect(dry.stdout).toContain('2 of 3 rows of payments would change. Nothing was changed; give --yes to do it.');
  expect([dry.code, await filled()]).toEqual([0, ['pay_3']]);

  // Nobody has looked at this one.
  await blank('pay_3');
  const done = await rebuild('--yes');
  expect(done.stdout).toContain('2 of 3 rows of payments that differ were rebuilt');
  expect(done.stdout).toContain('1 new and left alone: pay_3');
  expect([done.code, await filled()]).toEqual([1, ['pay_1', 'pay_2']]);

  // The same line once more is no look at it.
  expect((await rebuild('--yes')).stdout).toContain('1 new and left alone: pay_3');
  expect(await filled()).toEqual(['pay_1', 'pay_2']);
  await rebuild();
  const rest = await rebuild('--yes', '--json');
  expect(JSON.parse(rest.stdout)).toMatchObject({ ok: true, executed: true, entities: 3, differing: 1, written: 1 });
  expect((await rebuild()).stdout).toBe('all rows of payments are as the events say that are kept (3 entities)\n');
});

test('the family is named, and one that there is none of is a mistake of use', async () => {
  const { code, stderr } = await commands.run('--data-dir', folder, 'rebuild', '--family', 'cheques', '--reason', 'x');
  expect([code, stderr]).toEqual([2, expect.stringContaining('payments')]);
});
