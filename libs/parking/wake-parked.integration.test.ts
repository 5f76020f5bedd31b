import { discardDead, discardParked, listDead, retryDead, retryParked } from '#operate';
import type { Database } from '#platform/postgres';
import {
  aggregates,
  asha,
  audit,
  BUG,
  byOperator,
  captured,
  expectConsistent,
  failed,
  makeDue,
  parked,
  poison,
  policy,
  ref,
  refused,
  useParkedKeys,
  verdicts,
  wake,
  wakeDue,
  fixture,
  TOPIC,
} from '../../test/kit/parked-keys.ts';
import { testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import { markPublished, unpublishedDeadLetters } from './dead-letters.ts';
import { dueParked } from './due-parked.ts';
import { wakeParked } from './wake-parked.ts';

useParkedKeys();

describe('the schedule of a parked key', () => {
  test('begins with the first wait, a fifth more or less', async () => {
    await fixture.partition.send(poison('a1', 'a'));
    const { nextAttemptAt, parkedAt, attempts } = (await parked('a'))!;
    expect(attempts).toBe(1);
    const wait = nextAttemptAt.getTime() - parkedAt.getTime();
    expect(wait).toBeGreaterThanOrEqual(4_000);
    expect(wait).toBeLessThan(6_500);
  });

  test('is kept: who wakes early tries nothing and is told how long to wait', async () => {
    await fixture.partition.send(poison('b1', 'b'));
    fixture.isBugThere = false;
    const early = await wake('b');
    expect(early).toEqual({ kind: 'early', afterMs: expect.any(Number) });
    expect((early as { afterMs: number }).afterMs).toBeGreaterThan(3_000);
    expect(await parked('b')).toMatchObject({ attempts: 1, waiting: 1 });
    expect(await wakeDue('b')).toEqual({ kind: 'unparked', applied: 1, dead: 0 });
    expect(await wake('b')).toEqual({ kind: 'not-parked' });
  });

  test('goes on with each failure, and begins again when another event comes to the head', async () => {
    await fixture.partition.send(poison('c1', 'c'), failed('c2', 'c'));
    expect(await wakeDue('c')).toEqual({ kind: 'parked', applied: 0, dead: 0, reason: BUG, afterMs: 60_000 });
    expect(await wake('c')).toMatchObject({ kind: 'early' });
    expect(await parked('c')).toMatchObject({ attempts: 2, failingEventId: 'c1', waiting: 2 });
    await fixture.partition.send(refused('c3', 'c'));
    fixture.isBugThere = false;
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
    await fixture.partition.send(poison('d1', 'd1'), poison('d2', 'd2'), poison('d3', 'd3'), poison('d4', 'd4'));
    for (const [key, seconds] of [
      ['d1', 300],
      ['d2', 200],
      ['d3', 100],
    ] as const)
      await fixture.store.rows(
        `UPDATE parked_keys SET next_attempt_at = now() - $2::int * interval '1 second' WHERE entity_key = $1`,
        [key, seconds],
      );
    const first = await dueParked(fixture.worker, 'payments', { overdueMs: 30_000, limit: 2 });
    expect(first.map(({ family, key, afterMs }) => [family, key, afterMs])).toEqual([
      ['payments', 'd1', 0],
      ['payments', 'd2', 0],
    ]);
    const second = await dueParked(fixture.worker, 'payments', { overdueMs: 30_000, limit: 2, after: first[1]! });
    expect(second.map(({ key }) => key)).toEqual(['d3']);
    const soon = (await dueParked(fixture.worker, 'payments', { overdueMs: -60_000, limit: 100 })).find(
      ({ key }) => key === 'd4',
    );
    expect(soon?.afterMs).toBeGreaterThan(3_000);
    expect(await dueParked(fixture.worker, 'refunds', { overdueMs: 0, limit: 2 })).toEqual([]);
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
    await fixture.partition.send(refused('s1', 's'), failed('s2', 's'));
    await makeDue('s');
    // Tried with what is behind it, then alone; what is noted comes third.
    expect(
      await wake(
        's',
        interruptedAt(fixture.worker, 3, async () => expect(await wake('s')).toMatchObject({ kind: 'parked' })),
      ),
    ).toMatchObject({ kind: 'early' });
    expect(await parked('s')).toMatchObject({ attempts: 2, failingEventId: 's1' });
  });

  test('never note the refusal against an event that has come to the head since', async () => {
    await fixture.partition.send(refused('t1', 't'), failed('t2', 't'), poison('t3', 't'));
    await makeDue('t');
    const outcome = await wake(
      't',
      interruptedAt(fixture.worker, 4, async () => discardParked(byOperator(), ref('t'), asha)),
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
      await fixture.partition.send(
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
      const order = await fixture.store.rows<{ id: string }>(
        "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = $1 AND action = 'event' ORDER BY id",
        [key],
      );
      expect(order.map((row) => row.id)).toEqual([0, ...Array.from({ length: 100 }, (_, index) => index + 2)].map(id));
      const [letter] = await listDead(fixture.operator, { key });
      expect(letter).toMatchObject({
        family: 'payments',
        key,
        eventId: id(1),
        event: 'payment.captured',
        group: 'payments',
        reason: expect.stringContaining(why),
        attempts: 3,
        topic: TOPIC,
        partition: fixture.partitions,
        offset: 1,
        publishedAt: null,
      });
      expect(Math.abs((letter?.firstFailedAt.getTime() ?? 0) - parkedAt.getTime())).toBeLessThan(5);
      expect(await audit(key, 'event.dead')).toEqual([
        { actor: 'retry:payments', id: id(1), verdict: 'dead', reason: expect.stringContaining(why) },
      ]);
      expect(await fixture.store.rows('SELECT kind, reason FROM pending_events WHERE entity_key = $1', [key])).toEqual([
        { kind: 'dead', reason: expect.stringMatching(/^given up after 3 attempts: /) },
      ]);
      await fixture.partition.send(captured(`${key}_late`, key));
      expect((await verdicts(key))[`${key}_late`]).not.toBe('parked');
    },
  );

  test('the next event that fails has all its attempts', async () => {
    await fixture.partition.send(poison('f1', 'f'), poison('f2', 'f'), failed('f3', 'f'));
    await wakeDue('f');
    expect(await wakeDue('f')).toEqual({ kind: 'parked', applied: 0, dead: 1, reason: BUG, afterMs: 60_000 });
    expect(await parked('f')).toMatchObject({ failingEventId: 'f2', attempts: 1, waiting: 2 });
    await wakeDue('f');
    expect(await wakeDue('f')).toEqual({ kind: 'unparked', applied: 1, dead: 1 });
    expect(
      (await listDead(fixture.operator, { key: 'f' })).map(({ eventId, attempts }) => [eventId, attempts]),
    ).toEqual([
      ['f1', 3],
      ['f2', 3],
    ]);
  });

  test('Kafka gets a copy of each, once, with all that its envelope needs', async () => {
    await fixture.store.rows('UPDATE dead_letters SET published_at = now()');
    await fixture.partition.send(poison('g1', 'g'), failed('g2', 'g'), poison('h1', 'h'));
    for (const key of ['g', 'h']) await wakeDue(key).then(() => wakeDue(key));
    await discardDead({ database: fixture.operator }, 'h1', asha);
    const taken = await fixture.worker.transaction(async (tx) => {
      const letters = await unpublishedDeadLetters(tx, 'payments', 10);
      // Another process looks at the same time, and finds none that it may publish.
      expect(await unpublishedDeadLetters(fixture.operator, 'payments', 10)).toEqual([]);
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
        partition: fixture.partitions,
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
    expect(await unpublishedDeadLetters(fixture.worker, 'payments', 10)).toEqual([]);
    expect((await listDead(fixture.operator, { key: 'g' }))[0]?.publishedAt).toBeInstanceOf(Date);
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
  await fixture.partition.send(poison('o_00', 'o'), ...Array.from({ length: 20 }, (_, index) => large(index + 1)));
  fixture.isBugThere = false;
  await makeDue('o');
  const { database, weights } = weighing(fixture.worker);
  expect(await wake('o', database)).toEqual({ kind: 'unparked', applied: 21, dead: 0 });
  expect(Math.max(...weights)).toBeLessThan(18 * 1024 * 1024);
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThan(21 * 1_001_000);
  const order = await fixture.store.rows<{ id: string }>(
    "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = 'o' AND action = 'event' ORDER BY id",
  );
  expect(order.map(({ id }) => id)).toEqual(
    Array.from({ length: 21 }, (_, index) => `o_${String(index).padStart(2, '0')}`),
  );
}, 30_000);

/**
 * A database whose connection breaks at the n-th statement that
 * transactions send; the next transaction has another connection.
 */
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
      const database = name === 'of a wake' ? fixture.worker : fixture.operator;
      let completed = 0;
      for (let at = 1; at <= STATEMENTS_MAX && completed === 0; at++) {
        fixture.isBugThere = true;
        const key = `n_${name.length}_${at}`;
        await fixture.partition.send(poison(`${key}_dead`, key));
        await wakeDue(key).then(() => wakeDue(key));
        // The head has one attempt left, so that a wake gives it up.
        await fixture.partition.send(poison(`${key}_1`, key), failed(`${key}_2`, key), captured(`${key}_3`, key));
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
        fixture.isBugThere = false;
        await makeDue(key);
        await wake(key);
        expect(await parked(key)).toBeUndefined();
      }
      expect(completed).toBeGreaterThan(5);
    },
    60_000,
  );
});
