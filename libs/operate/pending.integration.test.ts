import { aggregatesOf } from '#families';
import { wakeParked } from '#parking';
import { createDatabase, OPERATOR_ROLE, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { openTestStore, testEvent, TODAY_S, undecodableRecord } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { paymentAggregate } from '../domain/families/payment/index.ts';
import { retryDead } from './operate-dead.ts';
import { showDead, showParked, showQuarantined } from './pending-details.ts';
import { exportDead, exportParked, exportQuarantined } from './pending-export.ts';
import { listDead, listParked, listQuarantined } from './pending-lists.ts';
import type { PendingFilter } from './pending-lists.ts';

const HOUR_MS = 3_600_000;
const BUGS: Readonly<Record<string, string>> = {
  upi: 'Cannot read properties of UNDEFINED',
  card: '100% wrong_amount',
};
const aggregates = [
  {
    ...paymentAggregate,
    apply: (...[current, snapshot]: Parameters<typeof paymentAggregate.apply>) => {
      const bug = BUGS[String(snapshot.subject['method'])];
      if (bug !== undefined) throw new TypeError(bug);
      return paymentAggregate.apply(current, snapshot);
    },
  },
  ...aggregatesOf('payments').slice(1),
];
/** The first failure in a wake is the last. */
const policy = { delaysMs: [] };

let store: TestStore;
let operator: Database;
let payments: TestPartition;

const bad = (name: 'payment.captured' | 'payment.failed', id: string, key: string, method: 'upi' | 'card') =>
  testEvent(name, id, key, { status: name.slice(8), method });
const setHours = async (sql: string, key: string, hours: number) =>
  store.rows(`${sql} = now() - $2::int * interval '1 hour' WHERE entity_key = $1`, [key, hours]);
const all = async <Entry>(
  batches: AsyncIterable<readonly Entry[]>,
): Promise<{ readonly sizes: readonly number[]; readonly entries: readonly Entry[] }> => {
  const read: (readonly Entry[])[] = [];
  for await (const batch of batches) read.push(batch);
  return { sizes: read.map(({ length }) => length), entries: read.flat() };
};

beforeAll(async () => {
  store = await openTestStore('payments', aggregates, { role: roleOf('payments') });
  operator = createDatabase({ url: store.url, poolSize: 2, applicationName: 'operator', role: OPERATOR_ROLE });
  payments = await store.partition('rzp.payments.v1', 0);
  const late = (id: string, key: string) => testEvent('payment.authorized', id, key, { status: 'authorized' });
  // Three that stay parked …
  await payments.send(
    bad('payment.captured', 'p1', 'pay_1', 'upi'),
    bad('payment.failed', 'p2', 'pay_2', 'upi'),
    bad('payment.captured', 'p3', 'pay_3', 'card'),
    late('p4', 'pay_1'),
    late('p5', 'pay_1'),
  );
  for (const [key, hours] of [
    ['pay_1', 30],
    ['pay_2', 20],
    ['pay_3', 10],
  ] as const)
    await setHours('UPDATE parked_keys SET parked_at', key, hours);
  // … three that die …
  await payments.send(
    bad('payment.captured', 'd1', 'pay_d1', 'upi'),
    bad('payment.failed', 'd2', 'pay_d2', 'upi'),
    bad('payment.captured', 'd3', 'pay_d3', 'card'),
  );
  await store.rows("UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key LIKE 'pay_d%'");
  for (const key of ['pay_d1', 'pay_d2', 'pay_d3'])
    await wakeParked(
      { database: store.database, aggregates, policy, actor: 'retry:payments' },
      { family: 'payments', key },
    );
  for (const [key, hours] of [
    ['pay_d1', 30],
    ['pay_d2', 20],
    ['pay_d3', 10],
  ] as const)
    await setHours('UPDATE dead_letters SET dead_at', key, hours);
  // … and three in the quarantine.
  const quarantine = await store.partition('rzp.quarantine.v1', 0);
  const odd = (event: string, id: string, reason: string) => {
    const known = testEvent('payment.captured', id, id, {}, TODAY_S);
    return known.ok
      ? {
          ok: true as const,
          value: {
            ...known.value,
            kind: 'quarantine' as const,
            event,
            reason: reason as 'unknown-event',
            rawBody: Buffer.from(`{"event":"${event}"}`),
          },
        }
      : known;
  };
  await quarantine.send(
    odd('payment.new', 'q1', 'unknown-event'),
    odd('payment.captured', 'q2', 'no-subject'),
    undecodableRecord(),
  );
  for (const [id, hours] of [
    ['q1', 30],
    ['q2', 20],
    ['undecodable-rzp.quarantine.v1-0-2', 10],
  ] as const)
    await store.rows(
      "UPDATE webhook_events SET received_at = now() - $2::int * interval '1 hour' WHERE razorpay_event_id = $1",
      [id, hours],
    );
});
afterAll(async () => {
  await operator.close();
  await store.close();
});

const filters: readonly (readonly [string, PendingFilter, readonly number[]])[] = [
  ['nothing', {}, [1, 2, 3]],
  ['its family', { family: 'payments' }, [1, 2, 3]],
  ['another family', { family: 'refunds' }, []],
  ['its event', { event: 'payment.captured' }, [1, 3]],
  ['a part of the cause, in any case', { cause: 'undefined' }, [1, 2]],
  ['a cause that has the signs of a pattern', { cause: '100% wrong_' }, [3]],
  ['what is older', { olderThanMs: 15 * HOUR_MS }, [1, 2]],
  ['what is newer', { newerThanMs: 25 * HOUR_MS }, [2, 3]],
  ['several at once', { event: 'payment.captured', cause: 'undefined', olderThanMs: HOUR_MS }, [1]],
  ['the first', { limit: 2 }, [1, 2]],
];

describe('a list and an export find the same', () => {
  test.each([...filters, ['its key', { key: 'pay_2' }, [2]] as const])(
    'of parked keys, by %s',
    async (_, filter, found) => {
      expect((await listParked(operator, filter)).map(({ key }) => key)).toEqual(found.map((index) => `pay_${index}`));
      const { limit: _limit, ...unlimited } = filter;
      const heads = (await all(exportParked(operator, unlimited))).entries
        .filter(({ reason }) => !reason.startsWith('waits behind'))
        .map(({ key }) => key);
      if (filter.limit === undefined) expect(heads).toEqual(found.map((index) => `pay_${index}`));
    },
  );

  test.each([...filters, ['its key', { key: 'pay_d2' }, [2]] as const])(
    'of dead letters, by %s',
    async (_, filter, found) => {
      const ids = found.map((index) => `d${index}`);
      expect((await listDead(operator, filter)).map(({ eventId }) => eventId)).toEqual(ids);
      expect((await all(exportDead(operator, filter))).entries.map(({ eventId }) => eventId)).toEqual(ids);
    },
  );

  test.each<[string, PendingFilter, readonly string[]]>([
    ['nothing', {}, ['q1', 'q2', 'undecodable-rzp.quarantine.v1-0-2']],
    ['its event', { event: 'payment.new' }, ['q1']],
    ['its cause', { cause: 'framed avro' }, ['undecodable-rzp.quarantine.v1-0-2']],
    ['what is older', { olderThanMs: 15 * HOUR_MS }, ['q1', 'q2']],
    ['what is newer', { newerThanMs: 15 * HOUR_MS }, ['undecodable-rzp.quarantine.v1-0-2']],
    ['the first', { limit: 1 }, ['q1']],
  ])('of the quarantine, by %s', async (_, filter, ids) => {
    expect((await listQuarantined(operator, filter)).map(({ eventId }) => eventId)).toEqual(ids);
    expect((await all(exportQuarantined(operator, filter))).entries.map(({ eventId }) => eventId)).toEqual(ids);
  });
});

describe('what a person is shown', () => {
  test('of a parked key: why, since when, the failing body, what waits behind it, and what was done', async () => {
    const details = await showParked(operator, { family: 'payments', key: 'pay_1' });
    expect(details).toMatchObject({
      family: 'payments',
      key: 'pay_1',
      group: 'payments',
      reason: BUGS['upi'],
      failingEventId: 'p1',
      event: 'payment.captured',
      attempts: 1,
      waiting: 3,
      firstFailedAt: expect.any(Date),
      head: {
        eventId: 'p1',
        event: 'payment.captured',
        reason: BUGS['upi'],
        topic: 'rzp.payments.v1',
        partition: 0,
        offset: 0,
        endpoint: 'default',
      },
      behind: [
        { eventId: 'p4', offset: 3, reason: 'waits behind p1' },
        { eventId: 'p5', offset: 4, reason: 'waits behind p1' },
      ],
      history: [],
    });
    expect(JSON.parse(details!.head!.rawBody.toString())).toMatchObject({ event: 'payment.captured' });
    expect(details!.behind.every((event) => !('rawBody' in event))).toBe(true);
    expect(await showParked(operator, { family: 'payments', key: 'nobody' })).toBeUndefined();
  });

  test('of a dead letter: also when it is dealt with, with what was done to its entity', async () => {
    expect(await showDead(operator, 'd1')).toMatchObject({
      eventId: 'd1',
      key: 'pay_d1',
      attempts: 2,
      reason: BUGS['upi'],
      resolution: null,
      resolvedAt: null,
      endpoint: 'default',
      receivedAt: expect.any(Date),
      rawBody: expect.any(Buffer),
      history: [{ actor: 'retry:payments', action: 'event.dead', eventId: 'd1', verdict: 'dead' }],
    });
    await payments.send(bad('payment.captured', 'd4', 'pay_d4', 'upi'));
    await store.rows("UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key = 'pay_d4'");
    await wakeParked(
      { database: store.database, aggregates, policy, actor: 'retry:payments' },
      { family: 'payments', key: 'pay_d4' },
    );
    await retryDead({ database: operator, aggregates: aggregatesOf('payments'), policy }, 'd4', {
      who: 'asha',
      reason: 'fixed',
    });
    expect(await showDead(operator, 'd4')).toMatchObject({
      resolution: 'retried',
      resolvedBy: 'asha',
      resolvedReason: 'fixed',
      resolvedAt: expect.any(Date),
      history: [
        { action: 'event', verdict: 'applied', actor: 'operator:asha', to: 'captured' },
        { action: 'dead.retry' },
        { action: 'event.dead' },
      ],
    });
    expect(await showDead(operator, 'nobody')).toBeUndefined();
  });

  test('of the quarantine: the body as it came', async () => {
    const details = await showQuarantined(operator, 'q1');
    expect(details).toMatchObject({
      eventId: 'q1',
      event: 'payment.new',
      reason: 'unknown-event',
      topic: 'rzp.quarantine.v1',
    });
    expect(details!.rawBody.toString()).toBe('{"event":"payment.new"}');
    expect(await showQuarantined(operator, 'p1')).toBeUndefined();
  });
});

describe('an export', () => {
  test('has every event once, in batches, with the exact bytes; each key in the order in which it will be applied', async () => {
    const many = await store.partition('rzp.payments.v1', 1);
    const events = Array.from({ length: 120 }, (_, index) =>
      testEvent('payment.captured', `x_${String(index).padStart(3, '0')}`, `pay_x${index % 2}`, {
        status: 'captured',
        method: 'upi',
        note: 'ü'.repeat(index),
      }),
    );
    await many.send(...events);
    const { sizes, entries } = await all(exportParked(operator, { newerThanMs: HOUR_MS }));
    expect(sizes).toEqual([50, 50, 20]);
    const ids = (rest: number) =>
      Array.from({ length: 60 }, (_, index) => `x_${String(index * 2 + rest).padStart(3, '0')}`);
    expect(entries.map(({ eventId }) => eventId)).toEqual([...ids(0), ...ids(1)]);
    const sent = new Map(
      events.flatMap((event) =>
        event.ok ? [[event.value.eventId as string, Buffer.from(event.value.rawBody)] as const] : [],
      ),
    );
    for (const { eventId, rawBody } of entries) expect(rawBody.equals(sent.get(eventId)!)).toBe(true);
    expect((await all(exportParked(operator, { newerThanMs: HOUR_MS, limit: 70 }))).sizes).toEqual([50, 20]);
  });

  test('of dead letters goes on from batch to batch, also when many died in one moment', async () => {
    await store.rows("UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key LIKE 'pay_x%'");
    for (const key of ['pay_x0', 'pay_x1']) await wakeAll(key);
    await store.rows("UPDATE dead_letters SET dead_at = now() WHERE entity_key LIKE 'pay_x%'");
    const { sizes, entries } = await all(exportDead(operator, { newerThanMs: HOUR_MS }));
    expect(sizes).toEqual([50, 50, 20]);
    expect(new Set(entries.map(({ eventId }) => eventId)).size).toBe(120);
  });
});

const wakeAll = async (key: string) =>
  expect(
    await wakeParked(
      { database: store.database, aggregates, policy, actor: 'retry:payments' },
      { family: 'payments', key },
    ),
  ).toEqual({ kind: 'unparked', applied: 0, dead: 60 });
