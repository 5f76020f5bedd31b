import { aggregatesOf } from '#families';
import { eventually } from '#kit';
import { wakeParked } from '#parking';
import { adHoc } from '#platform/postgres';
import { instant } from '#rules';
import { openTestStore, TEST_NOW, testEvent, undecodableRecord } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { maintain } from './maintain.ts';
import { indexPartitions } from './partition-indexes.ts';
import { applyPartitions, dayOf, daysWanted, RETIRE_DAYS_MIN, retirePartitions } from './partitions.ts';
import { auditRows } from './row-audit.ts';

const DAY_MS = 86_400_000;
let store: TestStore;
let partition: TestPartition;
const at = (day: string): number => Date.parse(`${day}T10:00:00Z`) / 1000;
const captured = (id: string, day: string) =>
  testEvent('payment.captured', id, `pay_${id}`, { status: 'captured', amount: 100 }, at(day));
const holding = async (id: string) =>
  (
    await store.rows<{ name: string }>(
      'SELECT tableoid::regclass::text AS name FROM webhook_events WHERE razorpay_event_id = $1',
      [id],
    )
  )[0]?.name;

beforeEach(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
  partition = await store.partition('rzp.payments.v1');
});
afterEach(async () => store.close());

test('days wanted: a week back, two weeks ahead, in UTC', () => {
  const days = daysWanted(instant(Date.UTC(2026, 0, 1, 23, 59))).map((day) => new Date(day).toISOString());
  expect([days.length, days[0], days.at(-1)]).toEqual([22, '2025-12-25T00:00:00.000Z', '2026-01-15T00:00:00.000Z']);
  expect([dayOf('webhook_events_20251225'), dayOf('webhook_events_default'), dayOf('webhook_events_2025')]).toEqual([
    Date.UTC(2025, 11, 25),
    undefined,
    undefined,
  ]);
});

test('partitions are made ahead once; rows of their days come out of the default one, odd dates stay there', async () => {
  await partition.send(captured('today', '2026-11-24'), captured('late', '2026-11-30'), captured('odd', '2001-02-03'));
  expect(await holding('today')).toBe('webhook_events_default');
  const made = await applyPartitions(store.database, TEST_NOW);
  expect(made).toHaveLength(22);
  expect(made.filter(({ moved }) => moved > 0)).toEqual([
    { name: 'webhook_events_20261124', moved: 1 },
    { name: 'webhook_events_20261130', moved: 1 },
  ]);
  expect([await holding('today'), await holding('late'), await holding('odd')]).toEqual([
    'webhook_events_20261124',
    'webhook_events_20261130',
    'webhook_events_default',
  ]);
  await partition.send(captured('today', '2026-11-24'), captured('new', '2026-11-24'), captured('odd', '2001-02-03'));
  expect(await holding('new')).toBe('webhook_events_20261124');
  expect(await store.rows('SELECT duplicate, applied FROM partition_ledger')).toEqual([{ duplicate: 2, applied: 4 }]);
  expect(await applyPartitions(store.database, TEST_NOW)).toEqual([]);
  const indexesOf = async (table: string) =>
    store.rows(`SELECT count(*) AS indexes FROM pg_indexes WHERE tablename = '${table}'`);
  expect(await indexesOf('webhook_events_20261124')).toEqual(await indexesOf('webhook_events'));
});

test('partitions are made while events come in', async () => {
  let going = true;
  const consume = async () => {
    for (let index = 0; going; index++)
      expect(await partition.send(captured(`c${index}`, `2026-11-${String(18 + (index % 12)).padStart(2, '0')}`))).toBe(
        'applied',
      );
  };
  const make = async () => {
    const made = await applyPartitions(store.database, TEST_NOW);
    going = false;
    return made;
  };
  const [, made] = await Promise.all([consume(), make()]);
  expect(made).toHaveLength(22);
  const [row] = await store.rows<{ applied: number; kept: number }>(
    'SELECT sum(applied)::bigint AS applied, (SELECT count(*) FROM webhook_events) AS kept FROM partition_ledger',
  );
  expect(row?.kept).toBe(row?.applied);
  expect(row?.applied).toBeGreaterThan(0);
});

test('while the rows of a day move, events of that day come in; only the last of it locks', async () => {
  await applyPartitions(store.database, TEST_NOW);
  await store.rows('DROP TABLE webhook_events_20261124');
  await partition.send(captured('first', '2026-11-24'));
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  // Somebody reads one of the rows that are to move, for long.
  const holder = store.database.transaction(async (tx) => {
    await tx.query(adHoc("SELECT 1 FROM webhook_events WHERE razorpay_event_id = 'first' FOR SHARE"));
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  const made = applyPartitions(store.database, TEST_NOW);
  await eventually(
    'the move waits for the row',
    async () =>
      (await store.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'WITH gone%'"))
        .length > 0,
  );
  expect(await partition.send(captured('second', '2026-11-24'))).toBe('applied');
  held.resolve();
  await holder;
  expect((await made).find(({ name }) => name === 'webhook_events_20261124')).toMatchObject({ moved: 2 });
  expect([await holding('first'), await holding('second')]).toEqual([
    'webhook_events_20261124',
    'webhook_events_20261124',
  ]);
});

test('after 15 days without it the next run brings everything into its day, in chunks', async () => {
  await applyPartitions(store.database, instant(TEST_NOW - 15 * DAY_MS));
  await store.rows(
    `INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, processed, verdict, received_at,
      kafka_topic, kafka_partition, kafka_offset, payload)
     SELECT 'many_' || n, '2026-11-24 10:00Z', 'payment.captured', true, 'applied', now(), 't', 0, n, ''
       FROM generate_series(1, 5000) AS n`,
  );
  await partition.send(captured('today', '2026-11-24'), captured('tomorrow', '2026-11-25'));
  const made = await applyPartitions(store.database, TEST_NOW);
  expect(made.filter(({ moved }) => moved > 0)).toEqual([
    { name: 'webhook_events_20261124', moved: 5001 },
    { name: 'webhook_events_20261125', moved: 1 },
  ]);
  expect(await store.rows('SELECT 1 FROM webhook_events_default')).toEqual([]);
});

test('nothing is retired before it has been here for as long as it is kept, whatever its own date says', async () => {
  await applyPartitions(store.database, TEST_NOW);
  // A payment link that was made on the 18th and paid today: the body has the day of its making.
  await partition.send(captured('link', '2026-11-18'));
  const request = { keepDays: RETIRE_DAYS_MIN, execute: true, withUnprocessed: true, who: 'asha', reason: 'age' };
  const linkDay = 'webhook_events_20261118';
  const retiredAt = async (at: number) =>
    (await retirePartitions(store.database, instant(at), request)).find(({ name }) => name === linkDay);
  // Its day was long ago; its reception, at TEST_NOW, was not.
  expect(await retiredAt(Date.UTC(2026, 10, 23) + RETIRE_DAYS_MIN * DAY_MS)).toMatchObject({
    rows: 1,
    young: 1,
    kept: '1 events in it have not been here for as long as they are kept',
  });
  expect(await holding('link')).toBe(linkDay);
  await partition.send(captured('link', '2026-11-18'));
  expect(await store.rows('SELECT applied, duplicate FROM partition_ledger')).toEqual([{ applied: 1, duplicate: 1 }]);
  expect(await retiredAt(TEST_NOW + (RETIRE_DAYS_MIN + 1) * DAY_MS)).toMatchObject({ kept: null });
  expect(await holding('link')).toBeUndefined();
});

test('conflicts, audit and what was told end when their time is over, and by default never', async () => {
  await partition.send(captured('one', '2026-11-24'), captured('two', '2026-11-24'));
  await partition.send(captured('two', '2026-11-25'));
  await store.rows(
    `INSERT INTO redeliveries VALUES ('one', '2026-11-24', '', 1, now(), '[]'), ('two', '2026-11-24', '', 1,
      now() + interval '180 days', '[]')`,
  );
  await store.rows('UPDATE outbox SET relayed_at = now() WHERE id = (SELECT min(id) FROM outbox)');
  const later = instant(Date.now() + 200 * DAY_MS);
  const keep = (conflicts: number, outbox = conflicts) => ({
    keepConflictsDays: conflicts,
    keepRedeliveriesDays: conflicts,
    keepAuditDays: conflicts,
    keepOutboxDays: outbox,
    keepNotificationsDays: 0,
  });
  expect((await maintain(store.database, later, keep(0))).deleted).toEqual({});
  expect((await maintain(store.database, later, keep(201))).deleted).toEqual({});
  const facts = await store.rows('SELECT 1 FROM outbox');
  expect((await maintain(store.database, later, keep(30, 110))).deleted).toEqual({
    event_conflicts: 1,
    redeliveries: 1,
    audit_logs: 3,
    outbox: 1,
  });
  expect(await store.rows('SELECT 1 FROM outbox')).toHaveLength(facts.length - 1);
  expect(await store.rows("SELECT reason FROM audit_logs WHERE action = 'retention' ORDER BY 1")).toHaveLength(4);
});

test('of what was told, answers and reasons end when their time is over, and a row that has lost its fact goes', async () => {
  await partition.send(captured('one', '2026-11-24'));
  const [fact] = await store.rows<{ id: number }>('SELECT id FROM outbox LIMIT 1');
  const told = async (id: string, factId: number, status: string, response: string | null, reason: string | null) =>
    store.rows(
      `INSERT INTO notifications (id, fact_id, kind, occurrence, family, entity_key, fact_at, rule, destination,
         priority, status, next_attempt_at, delivered_at, response, reason)
       VALUES ($1, $2, 'payment.captured', '', 'payments', 'pay_one', now(), 'all', 'shop', 4, $3, now(),
         CASE WHEN $3 = 'delivered' THEN now() END, $4, $5)`,
      [id, factId, status, response, reason],
    );
  const gone = -1;
  await told('kept', fact!.id, 'delivered', '200 asha is welcome', null);
  await told('failed', fact!.id, 'failed', null, '500 no asha here');
  await told('erased', fact!.id, 'failed', null, 'erased');
  await told('waits', fact!.id, 'retrying', null, '503 asha, later');
  await told('lost', gone, 'delivered', '200 asha', null);
  await told('lost but waits', gone, 'retrying', null, '503 asha');
  const later = instant(Date.now() + 200 * DAY_MS);
  const keep = (days: number) =>
    maintain(store.database, later, {
      keepConflictsDays: 0,
      keepRedeliveriesDays: 0,
      keepAuditDays: 0,
      keepOutboxDays: 0,
      keepNotificationsDays: days,
    });
  const before = await store.rows('SELECT * FROM notifications ORDER BY id');
  for (const days of [0, 201]) expect(await keep(days)).toMatchObject({ deleted: {}, blanked: {} });
  expect(await store.rows('SELECT * FROM notifications ORDER BY id')).toEqual(before);
  expect(await keep(30)).toMatchObject({ deleted: { notifications: 1 }, blanked: { notifications: 2 } });
  expect(await store.rows('SELECT id, response, reason FROM notifications ORDER BY id')).toEqual([
    { id: 'erased', response: null, reason: 'erased' },
    { id: 'failed', response: null, reason: 'no longer kept' },
    { id: 'kept', response: 'no longer kept', reason: null },
    { id: 'lost but waits', response: null, reason: '503 asha' },
    { id: 'waits', response: null, reason: '503 asha, later' },
  ]);
  expect(await store.rows("SELECT reason FROM audit_logs WHERE action = 'retention' ORDER BY 1")).toEqual([
    { reason: '1 rows of notifications' },
    { reason: 'texts of 2 rows of notifications' },
  ]);
  expect(await keep(30)).toMatchObject({ deleted: {}, blanked: {} });
});

test('why a letter was given up ends with the audit of the decision, and what is not decided stays whole', async () => {
  const letter = (id: string, decided: string | null, reason: string) =>
    store.rows(
      `INSERT INTO dead_letters (razorpay_event_id, created_at, event_type, family, entity_key, consumer_group, reason,
         attempts, first_failed_at, kafka_topic, kafka_partition, kafka_offset, resolution, resolved_at, resolved_by,
         resolved_reason)
       VALUES ($1, now(), 'payment.captured', 'payments', 'pay_1', 'payments', $3, 1, now(), 't', 0, 0, $2::text,
         CASE WHEN $2 IS NOT NULL THEN now() END, $2, CASE WHEN $2 IS NOT NULL THEN $3 END)`,
      [id, decided, reason],
    );
  await letter('decided', 'discarded', 'asha is not a number');
  await letter('erased', 'retried', 'erased');
  await letter('open', null, 'asha is no amount');
  const later = instant(Date.now() + 200 * DAY_MS);
  const none = { keepConflictsDays: 0, keepRedeliveriesDays: 0, keepOutboxDays: 0, keepNotificationsDays: 0 };
  const keep = async (days: number) =>
    (await maintain(store.database, later, { ...none, keepAuditDays: days })).blanked;
  expect([await keep(0), await keep(201)]).toEqual([{}, {}]);
  expect([await keep(30), await keep(30)]).toEqual([{ dead_letters: 1 }, {}]);
  expect(
    await store.rows('SELECT razorpay_event_id AS id, reason, resolved_reason AS why FROM dead_letters ORDER BY 1'),
  ).toEqual([
    { id: 'decided', reason: 'no longer kept', why: 'no longer kept' },
    { id: 'erased', reason: 'erased', why: 'erased' },
    { id: 'open', reason: 'asha is no amount', why: null },
  ]);
});

test('retires by age: says first, keeps what waits or was not understood, and leaves a trace', async () => {
  await applyPartitions(store.database, TEST_NOW);
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
  await partition.send(
    captured('done', '2026-11-18'),
    captured('waits', '2026-11-19'),
    testEvent('payment.captured', 'parked', 'pay_parked', { amount: 13 }, at('2026-11-19')),
    captured('odd', '2001-02-03'),
    undecodableRecord(),
  );
  await store.rows("UPDATE webhook_events SET created_at = '2026-11-20' WHERE verdict = 'quarantined'");
  await store.rows("UPDATE webhook_events SET received_at = created_at WHERE razorpay_event_id <> 'odd'");
  const request = { keepDays: RETIRE_DAYS_MIN, execute: false, withUnprocessed: false, who: 'asha', reason: 'age' };
  const later = instant(Date.UTC(2026, 10, 21) + RETIRE_DAYS_MIN * DAY_MS);
  const planned = await retirePartitions(store.database, later, request);
  const names = async () =>
    (
      await store.rows<{ name: string }>(
        `SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
          WHERE inhparent = 'webhook_events'::regclass ORDER BY 1`,
      )
    ).map(({ name }) => name);
  expect(planned).toMatchObject([
    { name: 'webhook_events_20261117', rows: 0, kept: null },
    { name: 'webhook_events_20261118', rows: 1, kept: null },
    {
      name: 'webhook_events_20261119',
      rows: 2,
      parked: 1,
      kept: '1 parked events wait in it: see npx dakia parked list',
    },
    {
      name: 'webhook_events_20261120',
      rows: 1,
      unprocessed: 1,
      kept: '1 events in it are quarantined or dead: give them up with --with-unprocessed',
    },
  ]);
  expect(await names()).toContain('webhook_events_20261118');

  await retirePartitions(store.database, later, { ...request, execute: true });
  const left = await names();
  expect(left).not.toContain('webhook_events_20261118');
  expect(left).toEqual(
    expect.arrayContaining([
      'webhook_events_20261119',
      'webhook_events_20261120',
      'webhook_events_20261121',
      'webhook_events_default',
    ]),
  );
  expect(await holding('odd')).toBe('webhook_events_default');
  await retirePartitions(store.database, instant(later + 20 * DAY_MS), {
    ...request,
    execute: true,
    withUnprocessed: true,
  });
  expect((await names()).filter((name) => name < 'webhook_events_20261121')).toEqual(['webhook_events_20261119']);
  expect(await holding('odd')).toBeUndefined();
  expect(await auditRows(store.database)).toEqual([]);
  const trace = await store.rows<{ reason: string }>(
    "SELECT reason FROM audit_logs WHERE action = 'partitions.retire' ORDER BY id",
  );
  expect(trace.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining([
      'webhook_events_20261118 with 1 events (0 unprocessed): age',
      'webhook_events_20261120 with 1 events (1 unprocessed): age',
    ]),
  );
});

test('closes the dead letters whose events it drops, on record, and leaves the others', async () => {
  await applyPartitions(store.database, TEST_NOW);
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
  const dead = (id: string, day: string) => testEvent('payment.captured', id, `pay_${id}`, { amount: 13 }, at(day));
  await partition.send(dead('dead_old', '2026-11-22'), dead('dead_new', '2026-11-25'));
  const options = {
    database: store.database,
    aggregates: aggregatesOf('payments'),
    policy: { delaysMs: [] },
    actor: 'retry:payments',
  };
  await store.rows("UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key LIKE 'pay_dead%'");
  for (const id of ['dead_old', 'dead_new'])
    expect(await wakeParked(options, { family: 'payments', key: `pay_${id}` })).toMatchObject({ dead: 1 });
  await store.rows('UPDATE webhook_events SET received_at = created_at');
  const request = { keepDays: RETIRE_DAYS_MIN, execute: true, withUnprocessed: true, who: 'asha', reason: 'age' };
  await retirePartitions(store.database, instant(Date.UTC(2026, 10, 24) + RETIRE_DAYS_MIN * DAY_MS), request);
  expect(await holding('dead_old')).toBeUndefined();
  expect(
    await store.rows(
      'SELECT razorpay_event_id AS id, resolution, resolved_by, resolved_reason FROM dead_letters ORDER BY 1',
    ),
  ).toEqual([
    { id: 'dead_new', resolution: null, resolved_by: null, resolved_reason: null },
    {
      id: 'dead_old',
      resolution: 'discarded',
      resolved_by: 'asha',
      resolved_reason: 'its event was retired with webhook_events_20261122: age',
    },
  ]);
});

test('keeps at least as many days as Kafka may replay', async () => {
  const request = { keepDays: RETIRE_DAYS_MIN - 1, execute: true, withUnprocessed: false, who: 'asha', reason: 'age' };
  await expect(retirePartitions(store.database, TEST_NOW, request)).rejects.toThrow(
    `give a whole number from ${RETIRE_DAYS_MIN}`,
  );
});

test('a large partition gets the index of a migration beside the traffic, and a build that was cut off is begun anew', async () => {
  await partition.send(captured('one', '2026-11-24'));
  // As the migration leaves a database whose partitions are large; one build was cut off.
  await store.rows('DROP INDEX webhook_events_entity');
  await store.rows(
    'CREATE INDEX webhook_events_entity ON ONLY webhook_events (entity_key, received_at) WHERE entity_key IS NOT NULL',
  );
  await store.rows('CREATE INDEX webhook_events_default_entity ON webhook_events_default (entity_key)');
  await store.rows(
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'webhook_events_default_entity'::regclass",
  );
  expect(await indexPartitions(store.database)).toEqual(['webhook_events_default_entity']);
  expect(
    await store.rows(
      `SELECT indisvalid, pg_get_indexdef(indexrelid) AS how FROM pg_index
        WHERE indexrelid IN ('webhook_events_entity'::regclass, 'webhook_events_default_entity'::regclass) ORDER BY 2`,
    ),
  ).toEqual(
    ['webhook_events_default_entity ON public', 'webhook_events_entity ON ONLY public'].map((name) => ({
      indisvalid: true,
      how: expect.stringMatching(`INDEX ${name}.*\\(entity_key, received_at\\) WHERE \\(entity_key IS NOT NULL\\)`),
    })),
  );
  expect(await indexPartitions(store.database)).toEqual([]);
});
