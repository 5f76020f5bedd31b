import { route } from '#catalogue';
import { allAggregates, aggregateOf } from '#families';
import { wakeParked } from '#parking';
import { createDatabase } from '#platform/postgres';
import { instant } from '#rules';
import { eventually } from '#kit';
import { openTestStore, testEvent, TEST_NOW } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { retryParked } from './operate-parked.ts';
import { indexPartitions } from './partition-indexes.ts';
import { applyPartitions, DAY_MS, RETIRE_DAYS_MIN, retirePartitions } from './partitions.ts';
import { listParked, listQuarantined } from './pending-lists.ts';
import { replayQuarantined } from './quarantine.ts';
import { rebuild } from './rebuild.ts';
import { recountLedger } from './recount.ts';
import { auditRows } from './row-audit.ts';

/**
 * Two who act on one thing at once, an operator and another or an operator and a worker, end as one of the two orders;
 * the other pairs are in cli/commands/shown, ledger-races, erase and the notifications. The machine may be busy.
 */
jest.setTimeout(60_000);

/** Runs of each pair: either may be first. */
const runs = Array.from({ length: 8 }, (_, run) => run);
const asha = { who: 'asha', reason: 'looked at it' };
const ravi = { who: 'ravi', reason: 'looked too' };
const policy = { delaysMs: [60_000, 60_000, 60_000] };

let store: TestStore;
let refunds: TestPartition;
let quarantine: TestPartition;
const options = () => ({ database: store.database, aggregates: allAggregates, policy });

beforeAll(async () => {
  store = await openTestStore('refunds', allAggregates);
  refunds = await store.partition('rzp.refunds.v1', 0);
  quarantine = await store.partition('rzp.quarantine.v1', 0);
});
afterAll(async () => store.close());
// Whoever was first: the rows are those that the ledger counts.
afterEach(async () => expect(await auditRows(store.database)).toEqual([]));

const refund = (id: string, key: string, amount = 9) =>
  testEvent('refund.created', id, key, { payment_id: 'pay_1', amount });
const refOf = (key: string) => ({ family: 'refunds', key }) as const;
const verdicts = async (key: string) =>
  (
    await store.rows<{ id: string; verdict: string }>(
      'SELECT razorpay_event_id AS id, verdict FROM webhook_events WHERE entity_key = $1 ORDER BY 1',
      [key],
    )
  ).map(({ id, verdict }) => `${id} ${verdict}`);
const decided = async (key: string, action: string) =>
  (await store.rows('SELECT 1 FROM audit_logs WHERE entity_key = $1 AND action = $2', [key, action])).length;
/** Parks a key, answers what an operator is shown of it, and mends what refused it. */
const parkedAndMended = async (key: string) => {
  await store.rows('ALTER TABLE payment_refunds ADD CONSTRAINT never_five CHECK (amount_minor <> 5) NOT VALID');
  // Apart: of two events of one batch only the last row is written, which nothing refuses.
  for (const event of [refund(`${key}_1`, key, 5), refund(`${key}_2`, key)])
    expect(await refunds.send(event)).toBe('applied');
  const [shown] = await listParked(store.database, { key });
  await store.rows('ALTER TABLE payment_refunds DROP CONSTRAINT never_five');
  if (shown === undefined) throw new Error(`nothing is parked: ${(await verdicts(key)).join()}`);
  return shown;
};

test.each(runs)('parked: two operators retry what is mended meanwhile (%i)', async (run) => {
  const key = `rfnd_rr_${run}`;
  const shown = await parkedAndMended(key);
  const both = await Promise.all([asha, ravi].map(async (by) => retryParked(options(), refOf(key), by, shown)));
  expect(both.map(({ kind }) => kind).toSorted()).toEqual(['not-parked', 'unparked']);
  expect(await verdicts(key)).toEqual([`${key}_1 applied`, `${key}_2 applied`]);
  expect(await decided(key, 'parked.retry')).toBe(1);
});

test.each(runs)('parked: an operator retries while a worker tries (%i)', async (run) => {
  const key = `rfnd_rw_${run}`;
  const shown = await parkedAndMended(key);
  await store.rows('UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key = $1', [key]);
  const [operator, worker] = await Promise.all([
    retryParked(options(), refOf(key), asha, shown),
    wakeParked({ ...options(), actor: 'worker' }, refOf(key)),
  ]);
  expect([operator.kind, worker.kind].toSorted()).toEqual(['not-parked', 'unparked']);
  expect(await verdicts(key)).toEqual([`${key}_1 applied`, `${key}_2 applied`]);
});

test.each(runs)('quarantine: an operator replays while a copy comes that a service understands (%i)', async (run) => {
  const [id, key] = [`q_${run}`, `rfnd_qc_${run}`];
  const known = refund(id, key);
  if (!known.ok) throw new Error('the event cannot be read');
  await quarantine.send({
    ok: true,
    value: { ...known.value, kind: 'quarantine', event: 'refund.created', reason: 'unknown-event' },
  });
  const shown = (await listQuarantined(store.database)).find(({ eventId }) => eventId === id)!;
  const [operator, service] = await Promise.all([
    replayQuarantined(options(), id, asha, route, shown),
    // Who comes second rolls back, and a consumer brings its batch again.
    eventually('the service gets its copy through', async () => (await refunds.send(known)) === 'applied'),
  ]);
  expect(service).toBe(true);
  expect(['unparked', 'not-quarantined']).toContain(operator.kind);
  // The service hands it to its key, which a worker wakes.
  await store.rows('UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key = $1', [key]);
  await wakeParked({ ...options(), actor: 'worker' }, refOf(key));
  expect(await verdicts(key)).toEqual([`${id} applied`]);
  expect(await decided(key, 'quarantine.replay')).toBe(1);
});

test.each(runs)('an operator recounts while the service goes on (%i)', async (run) => {
  const place = { group: 'refunds', topic: 'rzp.refunds.v1', partition: 100 + run };
  const partition = await store.partition(place.topic, place.partition);
  const key = `rfnd_rc_${run}`;
  await partition.send(refund(`${key}_1`, key), refund(`${key}_2`, key));
  await store.rows('DELETE FROM webhook_events WHERE razorpay_event_id = $1', [`${key}_1`]);
  const [counted, sent] = await Promise.all([
    recountLedger(store.database, place, { ...asha, execute: true, shown: { missing: 1, surplus: 0 } }),
    partition.send(refund(`${key}_3`, key)),
  ]);
  expect([counted, sent]).toEqual([{ kind: 'counted', missing: 1, surplus: 0 }, 'applied']);
  expect(await store.rows('SELECT applied, retired FROM partition_ledger WHERE partition = $1', [100 + run])).toEqual([
    { applied: 3, retired: 1 },
  ]);
});

test.each(runs)('two operators rebuild (%i)', async (run) => {
  const keys = Array.from({ length: 20 }, (_, index) => `rfnd_rb_${run}_${index}`);
  await refunds.send(...keys.map((key) => refund(`${key}_1`, key)));
  const of = "FROM payment_refunds WHERE refund_id LIKE 'rfnd\\_rb\\_%' AND amount_minor IS NULL";
  await store.rows("UPDATE payment_refunds SET amount_minor = NULL WHERE refund_id LIKE 'rfnd\\_rb\\_%'");
  expect(await store.rows(`SELECT 1 ${of}`)).not.toEqual([]);
  const written = await Promise.all(
    [asha, ravi].map(async (by) => {
      const database = createDatabase({ url: store.url, poolSize: 1, applicationName: 'dakia-test' });
      try {
        return (await rebuild(database, aggregateOf('refunds'), { family: 'refunds', by, decide: () => 'write' }))
          .written;
      } finally {
        await database.close();
      }
    }),
  );
  expect(await store.rows(`SELECT 1 ${of}`)).toEqual([]);
  expect(written[0]! + written[1]!).toBe(keys.length * (run + 1));
  expect(
    await store.rows("SELECT 1 FROM audit_logs WHERE action = 'rebuild' AND entity_key LIKE $1", [`rfnd_rb_${run}_%`]),
  ).toHaveLength(keys.length);
});

test.each(runs)('two operators retire, and a service goes on (%i)', async (run) => {
  const day = `2020-01-${10 + run}`;
  const name = `webhook_events_${day.replaceAll('-', '')}`;
  await store.rows(`CREATE TABLE ${name} PARTITION OF webhook_events
    FOR VALUES FROM ('${day}T00:00:00Z') TO ('${day}T24:00:00Z')`);
  const old = (id: string) =>
    testEvent('refund.created', id, `rfnd_${id}`, { payment_id: 'pay_1', amount: 9 }, Date.parse(day) / 1000);
  await refunds.send(old(`old_${run}`));
  await store.rows(`UPDATE ${name} SET received_at = created_at`);
  const request = { keepDays: RETIRE_DAYS_MIN, execute: true, withUnprocessed: false, who: 'asha', reason: 'age' };
  const [one, two, sent] = await Promise.all([
    retirePartitions(store.database, TEST_NOW, request),
    retirePartitions(store.database, TEST_NOW, { ...request, who: 'ravi' }),
    refunds.send(refund(`new_${run}`, `rfnd_new_${run}`)),
  ]);
  expect(sent).toBe('applied');
  const dropped = [...one, ...two].filter((partition) => partition.name === name);
  expect(dropped).toMatchObject([{ rows: 1, kept: null }]);
  expect(await store.rows('SELECT 1 FROM audit_logs WHERE reason LIKE $1', [`${name} with 1 events%`])).toHaveLength(1);
});

test('two runs of the maintenance make partitions and indexes once', async () => {
  await store.rows('DROP INDEX webhook_events_entity');
  await store.rows(
    'CREATE INDEX webhook_events_entity ON ONLY webhook_events (entity_key, received_at) WHERE entity_key IS NOT NULL',
  );
  const later = instant(TEST_NOW + 300 * DAY_MS);
  const made = await Promise.all([applyPartitions(store.database, later), applyPartitions(store.database, later)]);
  const names = made.flat().map(({ name }) => name);
  expect([names.length, new Set(names).size]).toEqual([22, 22]);
  const built = (await Promise.all([indexPartitions(store.database), indexPartitions(store.database)])).flat();
  expect(new Set(built).size).toBe(built.length);
  // Each leaves to the other what that one has begun; the next run finds what is left.
  await indexPartitions(store.database);
  expect(
    await store.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'webhook_events_entity'::regclass"),
  ).toEqual([{ indisvalid: true }]);
});
