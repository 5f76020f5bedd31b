import { openTestStore } from '../../../test/kit/test-store.ts';
import type { TestStore } from '../../../test/kit/test-store.ts';
import { auditInsert, writeAudit } from './audit.ts';
import { adHoc } from './statement.ts';

jest.setTimeout(60_000);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore('payments', []);
});
afterAll(async () => store.close());

const written = (action: string) =>
  store.rows(
    `SELECT actor, family, entity_key AS key, razorpay_event_id AS "eventId", event_type AS event, verdict,
      from_status AS "from", to_status AS "to", reason
       FROM audit_logs WHERE action = '${action}' ORDER BY id`,
  );

test('every column of an entry stands in its own, in order; what is left out is null', async () => {
  const full = {
    actor: 'operator:asha',
    family: 'families',
    key: 'pay_1',
    eventId: 'ev_1',
    event: 'payment.captured',
    verdict: 'applied',
    from: 'created',
    to: 'captured',
    reason: 'because',
  };
  await store.database.transaction(async (tx) => {
    await writeAudit(tx);
    await writeAudit(tx, { ...full, action: 'a test' }, { actor: 'payments', action: 'a test', reason: null });
  });
  const nothing = Object.fromEntries(Object.keys(full).map((name) => [name, null]));
  expect(await written('a test')).toEqual([full, { ...nothing, actor: 'payments' }]);
});

test('a statement that writes its own names the columns that it has', async () => {
  const insert = auditInsert({ actor: '$1', action: "'of a statement'", key: 'name', reason: "name || '!'" }, 'given');
  await store.database.query(adHoc(`WITH given (name) AS (VALUES ('pay_1'), ('pay_2')) ${insert}`), ['payments']);
  expect(await written('of a statement')).toMatchObject([
    { actor: 'payments', key: 'pay_1', reason: 'pay_1!' },
    { actor: 'payments', key: 'pay_2', reason: 'pay_2!' },
  ]);
});
