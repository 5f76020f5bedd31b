import { readLedger } from '#apply';
import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { accounting, discardDead, discardParked, listDead, listParked, retryDead, retryParked } from '#operate';
import { createDatabase, OPERATOR_ROLE, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { paymentAggregate } from '../domain/families/payment/index.ts';
import { markPublished, unpublishedDeadLetters } from './dead-letters.ts';
import { dueParked } from './due-parked.ts';
import { wakeParked } from './wake-parked.ts';

const TOPIC = 'rzp.payments.v1';
const BUG = 'the rule does not know this method';
const asha = { who: 'asha', reason: 'fixed' };
/** Two further attempts, a minute apart. */
const policy = { delaysMs: [60_000, 60_000] };

let isBugThere = true;
const buggy: Aggregate = {
  ...paymentAggregate,
  apply: (current, snapshot) => {
    if (isBugThere && snapshot.subject['method'] === 'buggy') throw new TypeError(BUG);
    return paymentAggregate.apply(current, snapshot);
  },
};
const aggregates = [buggy, ...aggregatesOf('payments').slice(1)];

let store: TestStore;
let worker: Database;
let operator: Database;
let partition: TestPartition;
let partitions = 0;

const ref = (key: string) => ({ family: 'payments', key }) as const;
const wake = async (key: string, database = worker) =>
  wakeParked({ database, aggregates, policy, random: () => 0.5, actor: 'retry:payments' }, ref(key));
const byOperator = () => ({ database: operator, aggregates, policy, random: () => 0.5 });
const makeDue = async (key: string) =>
  store.rows("UPDATE parked_keys SET next_attempt_at = now() - interval '1 second' WHERE entity_key = $1", [key]);
const wakeDue = async (key: string) => {
  await makeDue(key);
  return wake(key);
};
const poison = (id: string, key: string) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount: 100, method: 'buggy' });
/** What Postgres refuses, see beforeAll. */
const refused = (id: string, key: string) => testEvent('payment.captured', id, key, { status: 'captured', amount: 13 });
const failed = (id: string, key: string, index = 0) =>
  testEvent('payment.failed', id, key, { status: 'failed', error_code: `E${index}` }, TODAY_S + index);
const captured = (id: string, key: string) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount: 100 });
const parked = async (key: string) => (await listParked(store.database, { key }))[0];
const verdicts = async (key: string) =>
  Object.fromEntries(
    (
      await store.rows<{ id: string; verdict: string }>(
        'SELECT razorpay_event_id AS id, verdict FROM webhook_events WHERE entity_key = $1',
        [key],
      )
    ).map(({ id, verdict }) => [id, verdict]),
  );
const audit = async (key: string, action: string) =>
  store.rows(
    'SELECT actor, razorpay_event_id AS id, verdict, reason FROM audit_logs WHERE entity_key = $1 AND action = $2 ORDER BY id',
    [key, action],
  );

/** What must be true at any time, whatever has just crashed. */
const expectConsistent = async () => {
  const account = await accounting(store.database, async () =>
    (await readLedger(store.database)).map((row) => ({
      ...row,
      startOffset: row.firstOffset,
      endOffset: row.nextOffset,
    })),
  );
  expect(account.partitions.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(account.difference).toBe(0);
  const [sums] = await store.rows(`SELECT
    (SELECT sum(dead) FROM partition_ledger)::int - (SELECT count(*) FROM webhook_events WHERE verdict = 'dead')::int AS counted_dead,
    (SELECT count(*) FROM webhook_events e WHERE verdict = 'dead' AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.razorpay_event_id = e.razorpay_event_id AND d.resolution IS DISTINCT FROM 'retried'))::int AS dead_without_letter,
    (SELECT count(*) FROM dead_letters d JOIN webhook_events e USING (razorpay_event_id, created_at) WHERE d.resolution IS NULL AND e.verdict <> 'dead')::int AS letters_without_dead,
    (SELECT count(*) FROM parked_keys k WHERE NOT EXISTS (SELECT 1 FROM webhook_events e WHERE e.family = k.family AND e.entity_key = k.entity_key AND e.verdict = 'parked'))::int AS keys_without_events,
    (SELECT count(*) FROM webhook_events e WHERE e.verdict = 'parked' AND NOT EXISTS (SELECT 1 FROM parked_keys k WHERE e.family = k.family AND e.entity_key = k.entity_key))::int AS events_without_key,
    (SELECT count(*) FROM webhook_events WHERE processed)::int - (SELECT count(*) FROM audit_logs WHERE action = 'event')::int AS unaudited,
    (SELECT count(*) - count(DISTINCT razorpay_event_id) FROM audit_logs WHERE action = 'event')::int AS audited_twice`);
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

beforeAll(async () => {
  store = await openTestStore('payments', aggregates, { role: roleOf('payments') });
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
  worker = createDatabase({ url: store.url, poolSize: 3, applicationName: 'worker', role: roleOf('payments') });
  operator = createDatabase({ url: store.url, poolSize: 3, applicationName: 'operator', role: OPERATOR_ROLE });
});
afterAll(async () => {
  await Promise.all([worker.close(), operator.close()]);
  await store.close();
});
beforeEach(async () => {
  isBugThere = true;
  partitions += 1;
  partition = await store.partition(TOPIC, partitions);
});
afterEach(expectConsistent);

describe('the schedule of a parked key', () => {
  test('begins with the first wait, a fifth more or less', async () => {
    await partition.send(poison('a1', 'a'));
    const { nextAttemptAt, parkedAt, attempts } = (await parked('a'))!;
    expect(attempts).toBe(1);
    const wait = nextAttemptAt.getTime() - parkedAt.getTime();
    expect(wait).toBeGreaterThanOrEqual(4_000);
    expect(wait).toBeLessThan(6_500);
  });

  test('is kept: who wakes early tries nothing and is told how long to wait', async () => {
    await partition.send(poison('b1', 'b'));
    isBugThere = false;
    const early = await wake('b');
    expect(early).toEqual({ kind: 'early', afterMs: expect.any(Number) });
    expect((early as { afterMs: number }).afterMs).toBeGreaterThan(3_000);
    expect(await parked('b')).toMatchObject({ attempts: 1, waiting: 1 });
    expect(await wakeDue('b')).toEqual({ kind: 'unparked', applied: 1, dead: 0 });
    expect(await wake('b')).toEqual({ kind: 'not-parked' });
  });

  test('goes on with each failure, and begins again when another event comes to the head', async () => {
    await partition.send(poison('c1', 'c'), failed('c2', 'c'));
    expect(await wakeDue('c')).toEqual({ kind: 'parked', applied: 0, dead: 0, reason: BUG, afterMs: 60_000 });
    expect(await wake('c')).toMatchObject({ kind: 'early' });
    expect(await parked('c')).toMatchObject({ attempts: 2, failingEventId: 'c1', waiting: 2 });
    await partition.send(refused('c3', 'c'));
    isBugThere = false;
    expect(await wakeDue('c')).toMatchObject({
      kind: 'parked',
      applied: 2,
      dead: 0,
      reason: expect.stringContaining('no_thirteen'),
      afterMs: 60_000,
    });
    expect(await parked('c')).toMatchObject({ attempts: 1, failingEventId: 'c3', waiting: 1 });
  });

  test('is for the sweeper to look up: overdue keys of a group, the longest overdue first, page by page', async () => {
    await partition.send(poison('d1', 'd1'), poison('d2', 'd2'), poison('d3', 'd3'), poison('d4', 'd4'));
    for (const [key, seconds] of [
      ['d1', 300],
      ['d2', 200],
      ['d3', 100],
    ] as const)
      await store.rows(
        `UPDATE parked_keys SET next_attempt_at = now() - $2::int * interval '1 second' WHERE entity_key = $1`,
        [key, seconds],
      );
    const first = await dueParked(worker, 'payments', { overdueMs: 30_000, limit: 2 });
    expect(first.map(({ family, key, afterMs }) => [family, key, afterMs])).toEqual([
      ['payments', 'd1', 0],
      ['payments', 'd2', 0],
    ]);
    const second = await dueParked(worker, 'payments', { overdueMs: 30_000, limit: 2, after: first[1]! });
    expect(second.map(({ key }) => key)).toEqual(['d3']);
    const soon = (await dueParked(worker, 'payments', { overdueMs: -60_000, limit: 100 })).find(
      ({ key }) => key === 'd4',
    );
    expect(soon?.afterMs).toBeGreaterThan(3_000);
    expect(await dueParked(worker, 'refunds', { overdueMs: 0, limit: 2 })).toEqual([]);
  });
});

/** A database in which somebody else does something just before the n-th transaction. */
const interruptedAt = (database: Database, at: number, act: () => Promise<unknown>): Database => {
  let begun = 0;
  return {
    ...database,
    transaction: async (work) => {
      begun += 1;
      if (begun === at) await act();
      return database.transaction(work);
    },
  };
};

describe('two who wake a key at the same time', () => {
  test('count one attempt when Postgres refuses the head to both', async () => {
    await partition.send(refused('s1', 's'), failed('s2', 's'));
    await makeDue('s');
    // Tried with what is behind it, then alone; what is noted comes third.
    expect(
      await wake(
        's',
        interruptedAt(worker, 3, async () => expect(await wake('s')).toMatchObject({ kind: 'parked' })),
      ),
    ).toMatchObject({ kind: 'early' });
    expect(await parked('s')).toMatchObject({ attempts: 2, failingEventId: 's1' });
  });

  test('never note the refusal against an event that has come to the head since', async () => {
    await partition.send(refused('t1', 't'), failed('t2', 't'), poison('t3', 't'));
    await makeDue('t');
    const outcome = await wake(
      't',
      interruptedAt(worker, 4, async () => discardParked(byOperator(), ref('t'), asha)),
    );
    expect(outcome).toMatchObject({ kind: 'early' });
    expect(await parked('t')).toMatchObject({ attempts: 1, failingEventId: 't3', reason: BUG });
  });
});

describe('when the attempts are used up', () => {
  test.each([
    ['met by a bug in the rule', poison, BUG],
    ['refused by Postgres', refused, 'no_thirteen'],
  ])(
    'an event in the middle of a hot key, %s, is given up alone; the 100 behind it flow in the same wake',
    async (name, bad, why) => {
      const key = `e_${name.length}`;
      const id = (index: number) => `${key}_${String(index).padStart(3, '0')}`;
      await partition.send(
        captured(id(0), key),
        bad(id(1), key),
        ...Array.from({ length: 100 }, (_, index) => failed(id(index + 2), key, index)),
      );
      const { parkedAt } = (await parked(key))!;
      expect(await wakeDue(key)).toMatchObject({ kind: 'parked', applied: 0, dead: 0 });
      expect(await wakeDue(key)).toEqual({ kind: 'unparked', applied: 100, dead: 1 });

      expect(Object.entries(await verdicts(key)).filter(([, verdict]) => verdict !== 'stale')).toEqual([
        [id(0), 'applied'],
        [id(1), 'dead'],
      ]);
      const order = await store.rows<{ id: string }>(
        "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = $1 AND action = 'event' ORDER BY id",
        [key],
      );
      expect(order.map((row) => row.id)).toEqual([0, ...Array.from({ length: 100 }, (_, index) => index + 2)].map(id));
      const [letter] = await listDead(operator, { key });
      expect(letter).toMatchObject({
        family: 'payments',
        key,
        eventId: id(1),
        event: 'payment.captured',
        group: 'payments',
        reason: expect.stringContaining(why),
        attempts: 3,
        topic: TOPIC,
        partition: partitions,
        offset: 1,
        publishedAt: null,
      });
      expect(Math.abs((letter?.firstFailedAt.getTime() ?? 0) - parkedAt.getTime())).toBeLessThan(5);
      expect(await audit(key, 'event.dead')).toEqual([
        { actor: 'retry:payments', id: id(1), verdict: 'dead', reason: expect.stringContaining(why) },
      ]);
      expect(await store.rows('SELECT kind, reason FROM pending_events WHERE entity_key = $1', [key])).toEqual([
        { kind: 'dead', reason: expect.stringMatching(/^given up after 3 attempts: /) },
      ]);
      await partition.send(captured(`${key}_late`, key));
      expect((await verdicts(key))[`${key}_late`]).not.toBe('parked');
    },
  );

  test('the next event that fails has all its attempts', async () => {
    await partition.send(poison('f1', 'f'), poison('f2', 'f'), failed('f3', 'f'));
    await wakeDue('f');
    expect(await wakeDue('f')).toEqual({ kind: 'parked', applied: 0, dead: 1, reason: BUG, afterMs: 60_000 });
    expect(await parked('f')).toMatchObject({ failingEventId: 'f2', attempts: 1, waiting: 2 });
    await wakeDue('f');
    expect(await wakeDue('f')).toEqual({ kind: 'unparked', applied: 1, dead: 1 });
    expect((await listDead(operator, { key: 'f' })).map(({ eventId, attempts }) => [eventId, attempts])).toEqual([
      ['f1', 3],
      ['f2', 3],
    ]);
  });

  test('Kafka gets a copy of each, once, with all that its envelope needs', async () => {
    await store.rows('UPDATE dead_letters SET published_at = now()');
    await partition.send(poison('g1', 'g'), failed('g2', 'g'), poison('h1', 'h'));
    for (const key of ['g', 'h']) await wakeDue(key).then(() => wakeDue(key));
    await discardDead({ database: operator }, 'h1', asha);
    const taken = await worker.transaction(async (tx) => {
      const letters = await unpublishedDeadLetters(tx, 'payments', 10);
      // Another process looks at the same time, and finds none that it may publish.
      expect(await unpublishedDeadLetters(operator, 'payments', 10)).toEqual([]);
      await markPublished(tx, letters);
      return letters;
    });
    expect(taken).toEqual([
      expect.objectContaining({
        family: 'payments',
        key: 'g',
        eventId: 'g1',
        event: 'payment.captured',
        endpoint: 'default',
        occurredAt: TODAY_S * 1_000,
        topic: TOPIC,
        partition: partitions,
        offset: 0n,
        group: 'payments',
        reason: BUG,
        attempts: 3,
      }),
    ]);
    expect(JSON.parse(taken[0]!.rawBody.toString())).toMatchObject({
      event: 'payment.captured',
      payload: { payment: { entity: { id: 'g' } } },
    });
    expect(await unpublishedDeadLetters(worker, 'payments', 10)).toEqual([]);
    expect((await listDead(operator, { key: 'g' }))[0]?.publishedAt).toBeInstanceOf(Date);
  });
});

describe('an operator', () => {
  test('tries a key at once and gives it its whole schedule again', async () => {
    await partition.send(poison('i1', 'i'));
    await wakeDue('i');
    expect(await parked('i')).toMatchObject({ attempts: 2 });
    expect(await retryParked(byOperator(), ref('i'), asha)).toEqual({
      kind: 'parked',
      applied: 0,
      dead: 0,
      reason: BUG,
      afterMs: 60_000,
    });
    expect(await parked('i')).toMatchObject({ attempts: 1 });
    expect(await audit('i', 'parked.retry')).toEqual([
      { actor: 'operator:asha', id: 'i1', verdict: 'parked', reason: 'fixed' },
    ]);
  });

  test('gives an event up before its time; it is no dead letter that anybody has to look at', async () => {
    await partition.send(poison('j1', 'j'), failed('j2', 'j'));
    expect(await discardParked(byOperator(), ref('j'), { who: 'asha', reason: 'test data' })).toEqual({
      kind: 'unparked',
      applied: 1,
      dead: 1,
    });
    expect(await verdicts('j')).toEqual({ j1: 'dead', j2: 'applied' });
    expect(await listDead(operator, { key: 'j' })).toEqual([]);
    expect(
      await store.rows(
        "SELECT attempts, reason, resolution, resolved_by, resolved_reason FROM dead_letters WHERE entity_key = 'j'",
      ),
    ).toEqual([
      { attempts: 1, reason: BUG, resolution: 'discarded', resolved_by: 'asha', resolved_reason: 'test data' },
    ]);
    expect(await audit('j', 'parked.discard')).toEqual([
      { actor: 'operator:asha', id: 'j1', verdict: 'dead', reason: 'test data' },
    ]);
    expect(await unpublishedDeadLetters(worker, 'payments', 100)).not.toContainEqual(
      expect.objectContaining({ eventId: 'j1' }),
    );
  });

  test('puts a dead letter back: applied at once when the reason is gone', async () => {
    await partition.send(poison('k1', 'k'), failed('k2', 'k'));
    await wakeDue('k').then(() => wakeDue('k'));
    isBugThere = false;
    expect(await retryDead(byOperator(), 'k1', asha)).toEqual({
      kind: 'unparked',
      applied: 1,
      dead: 0,
      family: 'payments',
      key: 'k',
    });
    expect(await verdicts('k')).toEqual({ k1: 'applied', k2: 'applied' });
    expect(
      await store.rows("SELECT resolution, resolved_by, resolved_reason FROM dead_letters WHERE entity_key = 'k'"),
    ).toEqual([{ resolution: 'retried', resolved_by: 'asha', resolved_reason: 'fixed' }]);
    expect(await audit('k', 'dead.retry')).toEqual([
      { actor: 'operator:asha', id: 'k1', verdict: 'parked', reason: 'fixed' },
    ]);
    expect(await retryDead(byOperator(), 'k1', asha)).toEqual({ kind: 'not-dead' });
    expect(await discardDead(byOperator(), 'k1', asha)).toEqual({ kind: 'not-dead' });
  });

  test('puts a dead letter back too early: it goes through the schedule again, before those that wait, and dies again with its first failure known', async () => {
    await partition.send(poison('l1', 'l'), poison('l2', 'l'));
    await wakeDue('l').then(() => wakeDue('l'));
    const [first] = await listDead(operator, { key: 'l' });
    await worker.transaction(async (tx) => markPublished(tx, await unpublishedDeadLetters(tx, 'payments', 100)));
    expect(await retryDead(byOperator(), 'l1', asha)).toEqual({
      kind: 'parked',
      applied: 0,
      dead: 0,
      reason: BUG,
      afterMs: 60_000,
      family: 'payments',
      key: 'l',
    });
    expect(await parked('l')).toMatchObject({ failingEventId: 'l1', attempts: 1, waiting: 2 });
    expect(await listDead(operator, { key: 'l' })).toEqual([]);
    await wakeDue('l');
    expect(await wakeDue('l')).toMatchObject({ kind: 'parked', dead: 1 });
    const [again] = await listDead(operator, { key: 'l' });
    expect(again).toMatchObject({ eventId: 'l1', attempts: 3, publishedAt: null, firstFailedAt: first!.firstFailedAt });
    expect(again!.deadAt.getTime()).toBeGreaterThan(first!.deadAt.getTime());
  });

  test('closes a dead letter for good; its event may still be put back', async () => {
    await partition.send(poison('m1', 'm'));
    await wakeDue('m').then(() => wakeDue('m'));
    expect(await discardDead({ database: operator }, 'm1', { who: 'asha', reason: 'test data' })).toEqual({
      kind: 'discarded',
    });
    expect(await discardDead({ database: operator }, 'm1', asha)).toEqual({ kind: 'not-dead' });
    expect(await audit('m', 'dead.discard')).toEqual([
      { actor: 'operator:asha', id: 'm1', verdict: 'dead', reason: 'test data' },
    ]);
    isBugThere = false;
    expect(await retryDead(byOperator(), 'm1', asha)).toMatchObject({ kind: 'unparked', applied: 1 });
  });

  test('is told when there is no such dead letter', async () => {
    expect(await retryDead(byOperator(), 'nobody', asha)).toEqual({ kind: 'not-dead' });
    expect(await discardDead(byOperator(), 'nobody', asha)).toEqual({ kind: 'not-dead' });
  });
});

/** A database that notes how many bytes of bodies each answer has brought. */
const weighing = (database: Database): { readonly database: Database; readonly weights: number[] } => {
  const weights: number[] = [];
  return {
    weights,
    database: {
      ...database,
      transaction: async (work) =>
        database.transaction(async (tx) =>
          work({
            query: async <Row>(...asked: Parameters<typeof tx.query>) => {
              const rows = await tx.query<Row & { readonly payload?: Buffer }>(...asked);
              weights.push(rows.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0));
              return rows;
            },
          }),
        ),
    },
  };
};

test('a queue of large bodies is applied in order without holding all of them in memory', async () => {
  const large = (index: number) =>
    testEvent(
      'payment.failed',
      `o_${String(index).padStart(2, '0')}`,
      'o',
      { status: 'failed', description: 'x'.repeat(1_000_000) },
      TODAY_S + index,
    );
  await partition.send(poison('o_00', 'o'), ...Array.from({ length: 20 }, (_, index) => large(index + 1)));
  isBugThere = false;
  await makeDue('o');
  const { database, weights } = weighing(worker);
  expect(await wake('o', database)).toEqual({ kind: 'unparked', applied: 21, dead: 0 });
  expect(Math.max(...weights)).toBeLessThan(18 * 1024 * 1024);
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThan(21 * 1_001_000);
  const order = await store.rows<{ id: string }>(
    "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = 'o' AND action = 'event' ORDER BY id",
  );
  expect(order.map(({ id }) => id)).toEqual(
    Array.from({ length: 21 }, (_, index) => `o_${String(index).padStart(2, '0')}`),
  );
}, 30_000);

/** A database whose connection breaks at the n-th statement that transactions send; the next transaction has another connection. */
const breakingAt = (database: Database, at: number): { readonly database: Database; readonly broke: () => boolean } => {
  let sent = 0;
  return {
    broke: () => sent >= at,
    database: {
      ...database,
      transaction: async (work) => {
        let isBroken = false;
        return database.transaction(async (tx) =>
          work({
            query: async (sql, values) => {
              sent += 1;
              isBroken ||= sent === at;
              if (isBroken)
                throw Object.assign(new Error('connection terminated unexpectedly'), { code: 'ECONNRESET' });
              return tx.query(sql, values);
            },
          }),
        );
      },
    },
  };
};
/** More statements than any of the acts below sends. */
const STATEMENTS_MAX = 60;

describe('a connection that breaks at any statement', () => {
  test.each<[string, (database: Database, key: string) => Promise<unknown>]>([
    [
      'of a wake',
      async (database: Database, key: string) =>
        wakeParked({ database, aggregates, policy, actor: 'retry:payments' }, ref(key)),
    ],
    [
      'of a retry',
      async (database: Database, key: string) => retryParked({ database, aggregates, policy }, ref(key), asha),
    ],
    [
      'of a discard',
      async (database: Database, key: string) => discardParked({ database, aggregates, policy }, ref(key), asha),
    ],
    [
      'of a dead letter put back',
      async (database: Database, key: string) => retryDead({ database, aggregates, policy }, `${key}_dead`, asha),
    ],
  ])(
    '%s leaves nothing half done, and uses up no attempt',
    async (name, act) => {
      const database = name === 'of a wake' ? worker : operator;
      let completed = 0;
      for (let at = 1; at <= STATEMENTS_MAX && completed === 0; at++) {
        isBugThere = true;
        const key = `n_${name.length}_${at}`;
        await partition.send(poison(`${key}_dead`, key));
        await wakeDue(key).then(() => wakeDue(key));
        // The head has one attempt left, so that a wake gives it up.
        await partition.send(poison(`${key}_1`, key), failed(`${key}_2`, key), captured(`${key}_3`, key));
        await wakeDue(key);
        await makeDue(key);
        const before = await parked(key);
        const breaking = breakingAt(database, at);
        const outcome = await act(breaking.database, key).catch((error: unknown) => error);
        if (breaking.broke()) expect(outcome).toMatchObject({ code: 'ECONNRESET' });
        else completed = at;
        await expectConsistent();
        const after = await parked(key);
        if (breaking.broke() && after?.failingEventId === before?.failingEventId)
          expect(after?.attempts ?? 0).toBeLessThanOrEqual(before?.attempts ?? 0);
        // It goes on from there.
        isBugThere = false;
        await makeDue(key);
        await wake(key);
        expect(await parked(key)).toBeUndefined();
      }
      expect(completed).toBeGreaterThan(5);
    },
    60_000,
  );
});
