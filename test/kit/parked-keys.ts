import { readLedger } from '#apply';
import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { accounting, listParked } from '#operate';
import { wakeParked } from '#parking';
import { createDatabase, OPERATOR_ROLE, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { paymentAggregate } from '../../libs/domain/families/payment/index.ts';
import { openTestStore, testEvent, TODAY_S } from './test-store.ts';
import type { TestPartition, TestStore } from './test-store.ts';
import { auditRows } from '../../libs/operate/row-audit.ts';

export const TOPIC = 'rzp.payments.v1';
export const BUG = 'the rule does not know this method';
export const asha = { who: 'asha', reason: 'fixed' };
/** Two further attempts, a minute apart. */
export const policy = { delaysMs: [60_000, 60_000] };

/**
 * The payments' store with a rule that has a bug until the test mends
 * it; a worker and an operator with their own rights.
 */
interface ParkedKeys {
  store: TestStore;
  worker: Database;
  operator: Database;
  /** A new one for each test. */
  partition: TestPartition;
  /** Its number. */
  partitions: number;
  isBugThere: boolean;
}
export const fixture = { isBugThere: true, partitions: 0 } as ParkedKeys;

const buggy: Aggregate = {
  ...paymentAggregate,
  apply: (current, snapshot) => {
    if (fixture.isBugThere && snapshot.subject['method'] === 'buggy') throw new TypeError(BUG);
    return paymentAggregate.apply(current, snapshot);
  },
};
export const aggregates = [buggy, ...aggregatesOf('payments').slice(1)];

export const ref = (key: string) => ({ family: 'payments', key }) as const;
export const wake = async (key: string, database = fixture.worker) =>
  wakeParked({ database, aggregates, policy, random: () => 0.5, actor: 'retry:payments' }, ref(key));
export const byOperator = () => ({ database: fixture.operator, aggregates, policy, random: () => 0.5 });
export const makeDue = async (key: string) =>
  fixture.store.rows("UPDATE parked_keys SET next_attempt_at = now() - interval '1 second' WHERE entity_key = $1", [
    key,
  ]);
export const wakeDue = async (key: string) => {
  await makeDue(key);
  return wake(key);
};
export const poison = (id: string, key: string) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount: 100, method: 'buggy' });
/** What Postgres refuses, see useParkedKeys. */
export const refused = (id: string, key: string) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount: 13 });
export const failed = (id: string, key: string, index = 0) =>
  testEvent('payment.failed', id, key, { status: 'failed', error_code: `E${index}` }, TODAY_S + index);
export const captured = (id: string, key: string) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount: 100 });
export const parked = async (key: string) => (await listParked(fixture.store.database, { key }))[0];
export const verdicts = async (key: string) =>
  Object.fromEntries(
    (
      await fixture.store.rows<{ id: string; verdict: string }>(
        'SELECT razorpay_event_id AS id, verdict FROM webhook_events WHERE entity_key = $1 ORDER BY 1',
        [key],
      )
    ).map(({ id, verdict }) => [id, verdict]),
  );
export const audit = async (key: string, action: string) =>
  fixture.store.rows(
    `SELECT actor, razorpay_event_id AS id, verdict, reason FROM audit_logs WHERE entity_key = $1 AND action = $2
      ORDER BY id`,
    [key, action],
  );

/** What must be true at any time, whatever has just crashed. */
export const expectConsistent = async () => {
  const account = await accounting(fixture.store.database, async () =>
    (await readLedger(fixture.store.database)).map((row) => ({
      ...row,
      startOffset: row.firstOffset,
      endOffset: row.nextOffset,
    })),
  );
  expect(account.partitions.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(account.difference).toBe(0);
  expect(await auditRows(fixture.store.database)).toEqual([]);
  const [sums] = await fixture.store.rows(`SELECT
    (SELECT sum(dead) FROM partition_ledger)::int - (SELECT count(*) FROM webhook_events
      WHERE verdict = 'dead')::int AS counted_dead,
    (SELECT count(*) FROM webhook_events e WHERE verdict = 'dead' AND NOT EXISTS (SELECT 1 FROM dead_letters d
      WHERE d.razorpay_event_id = e.razorpay_event_id AND d.resolution IS DISTINCT
      FROM 'retried'))::int AS dead_without_letter,
    (SELECT count(*) FROM dead_letters d JOIN webhook_events e USING (razorpay_event_id, created_at)
      WHERE d.resolution IS NULL AND e.verdict <> 'dead')::int AS letters_without_dead,
    (SELECT count(*) FROM parked_keys k WHERE NOT EXISTS (SELECT 1 FROM webhook_events e WHERE e.family = k.family
      AND e.entity_key = k.entity_key AND e.verdict = 'parked'))::int AS keys_without_events,
    (SELECT count(*) FROM webhook_events e WHERE e.verdict = 'parked' AND NOT EXISTS (SELECT 1 FROM parked_keys k
      WHERE e.family = k.family AND e.entity_key = k.entity_key))::int AS events_without_key,
    (SELECT count(*) FROM webhook_events WHERE processed AND verdict <> 'sighted')::int - (SELECT count(*)
      FROM audit_logs WHERE action = 'event' AND verdict <> 'sighted')::int AS unaudited,
    (SELECT count(*) - count(DISTINCT razorpay_event_id) FROM audit_logs WHERE action = 'event'
      AND verdict <> 'sighted')::int AS audited_twice`);
  expect(sums).toEqual({
    counted_dead: 0,
    dead_without_letter: 0,
    letters_without_dead: 0,
    keys_without_events: 0,
    events_without_key: 0,
    unaudited: 0,
    audited_twice: 0,
  });
};

/** Opens the store for the tests of a file, and checks after each of them that nothing was left half done. */
export const useParkedKeys = (): void => {
  beforeAll(async () => {
    const store = await openTestStore('payments', aggregates, { role: roleOf('payments') });
    await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
    const open = (applicationName: string, role: string): Database =>
      createDatabase({ url: store.url, poolSize: 3, applicationName, role });
    Object.assign(fixture, {
      store,
      worker: open('worker', roleOf('payments')),
      operator: open('operator', OPERATOR_ROLE),
    });
  });
  afterAll(async () => {
    await Promise.all([fixture.worker.close(), fixture.operator.close()]);
    await fixture.store.close();
  });
  beforeEach(async () => {
    fixture.isBugThere = true;
    fixture.partitions += 1;
    fixture.partition = await fixture.store.partition(TOPIC, fixture.partitions);
  });
  afterEach(expectConsistent);
};
