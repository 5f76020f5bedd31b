import fc from 'fast-check';
import { readLedger } from '#apply';
import type { RetryPolicy } from '#apply';
import { route } from '#catalogue';
import type { Envelope } from '#envelope';
import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { eventually } from '#kit';
import { wakeParked } from '#parking';
import { createDatabase, OPERATOR_ROLE, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import type { Parsed } from '#rules';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { paymentAggregate } from '../domain/families/payment/index.ts';
import { accounting } from './accounting.ts';
import { retryDead } from './operate-dead.ts';
import { retryParked } from './operate-parked.ts';
import { listDead, listParked, listQuarantined } from './pending-lists.ts';
import { replayQuarantined } from './quarantine.ts';

const TOPIC = 'rzp.payments.v1';
const QUARANTINE = 'rzp.quarantine.v1';
const asha = { who: 'asha', reason: 'the bug is fixed' };
/** So often that no event ever dies. */
const patient: RetryPolicy = { delaysMs: Array.from({ length: 10_000 }, () => 0) };
/** One further attempt, at once. */
const hasty: RetryPolicy = { delaysMs: [0] };

let isBugThere = false;
/** The payments' rule, with a bug that shows on one method until it is mended. */
const buggy: Aggregate = {
  ...paymentAggregate,
  apply: (current, snapshot) => {
    if (isBugThere && snapshot.subject['method'] === 'buggy') throw new TypeError('a bug');
    return paymentAggregate.apply(current, snapshot);
  },
};
const aggregates = [buggy, ...aggregatesOf('payments').slice(1)];

/** Where the bug shows, and where it was never there. */
let disturbed: TestStore;
let undisturbed: TestStore;
let workers: readonly Database[];
let operator: Database;
let partitions = 0;

beforeAll(async () => {
  [disturbed, undisturbed] = await Promise.all([
    openTestStore('payments', aggregates, { role: roleOf('payments'), policy: patient, poolSize: 2 }),
    openTestStore('payments', aggregatesOf('payments'), { poolSize: 2 }),
  ]);
  workers = ['first', 'second'].map((name) =>
    createDatabase({ url: disturbed.url, poolSize: 2, applicationName: `${name} worker`, role: roleOf('payments') }),
  );
  operator = createDatabase({ url: disturbed.url, poolSize: 2, applicationName: 'operator', role: OPERATOR_ROLE });
});
afterAll(async () => {
  await Promise.all([...workers, operator].map(async (database) => database.close()));
  await Promise.all([disturbed.close(), undisturbed.close()]);
});
beforeEach(() => {
  isBugThere = false;
  partitions += 1;
});
afterEach(async () => expectAccounted());

const expectAccounted = async () => {
  const account = await accounting(operator, async () =>
    (await readLedger(disturbed.database)).map((row) => ({
      ...row,
      startOffset: row.firstOffset,
      endOffset: row.nextOffset,
    })),
  );
  expect(account.partitions.filter(({ problem }) => problem !== null)).toEqual([]);
};

/** The entities' rows, with everything that decides how a later event is taken. */
const stateOf = async (store: TestStore, keys: string) =>
  store.rows(
    "SELECT to_jsonb(t) - 'first_seen_at' - 'updated_at' AS row FROM payment_transactions t WHERE payment_id LIKE $1 ORDER BY payment_id",
    [keys],
  );
/** And all that was decided and told on the way there. */
const storyOf = async (store: TestStore, keys: string) => ({
  state: await stateOf(store, keys),
  events: await store.rows(
    'SELECT razorpay_event_id AS id, event_type, family, entity_key, verdict, processed, reason FROM webhook_events WHERE entity_key LIKE $1 ORDER BY 1',
    [keys],
  ),
  audit: await store.rows(
    "SELECT entity_key, razorpay_event_id AS id, event_type, verdict, from_status, to_status, reason FROM audit_logs WHERE entity_key LIKE $1 AND action = 'event' ORDER BY entity_key, id",
    [keys],
  ),
  facts: await store.rows(
    'SELECT entity_key, name, dedupe_key, payload FROM outbox WHERE entity_key LIKE $1 ORDER BY entity_key, id',
    [keys],
  ),
});

interface Sample {
  readonly key: number;
  readonly event: 'payment.authorized' | 'payment.captured' | 'payment.failed';
  readonly isPoison: boolean;
}
const event = (prefix: string, { key, event: name, isPoison }: Sample, index: number): Parsed<Envelope> =>
  testEvent(
    name,
    `${prefix}_${String(index).padStart(3, '0')}`,
    `${prefix}_k${key}`,
    {
      status: name.slice('payment.'.length),
      amount: 100 + index,
      email: `e${index}@example.com`,
      ...(isPoison && { method: 'buggy' }),
    },
    TODAY_S + index,
  );

const consume = async (partition: TestPartition, batch: readonly Parsed<Envelope>[]) =>
  eventually('the consumer gets its batch through', async () => (await partition.send(...batch)) === 'applied');
const wakeAll = async (database: Database, keys: string, policy: RetryPolicy) => {
  for (const { family, key } of await listParked(database)) {
    if (key.startsWith(keys))
      await wakeParked({ database, aggregates, policy, actor: 'retry:payments' }, { family, key });
  }
};

/** Runs workers until the work is done; they look at a few keys over and over again. */
const racing = async (keys: string, policy: RetryPolicy, work: () => Promise<void>) => {
  let done = false;
  const worker = async (database: Database) => {
    while (!done) await eventually('a wake gets through', async () => wakeAll(database, keys, policy).then(() => true));
  };
  const auditor = async () => {
    while (!done) await expectAccounted();
  };
  await Promise.all([work().finally(() => (done = true)), ...workers.map(worker), auditor()]);
};

const anySamples = fc.array(
  fc.record({
    key: fc.nat({ max: 2 }),
    event: fc.constantFrom('payment.authorized' as const, 'payment.captured' as const, 'payment.failed' as const),
    isPoison: fc.boolean(),
  }),
  { minLength: 10, maxLength: 40 },
);
const anyRun = fc.record({
  samples: anySamples,
  batch: fc.integer({ min: 1, max: 7 }),
  bugs: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
});
/** Each run races for about half a second. What a race has found is not found again by a smaller one, so nothing is shrunk. */
const RUNS = { numRuns: 12, endOnFailure: true };

const batchesOf = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

/** Event ids of a key in the order in which they were applied. */
const appliedOrder = async (key: string) =>
  (
    await disturbed.rows<{ id: string }>(
      "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = $1 AND action = 'event' ORDER BY audit_logs.id",
      [key],
    )
  ).map(({ id }) => id);

describe('while the consumer and two workers race', () => {
  test('no event of a key is overtaken, none is applied twice, and everything ends as if there had been no bug', async () => {
    let run = 0;
    let parkedOnce = 0;
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ samples, batch, bugs }) => {
        run += 1;
        const prefix = `r${partitions}_${run}`;
        const events = samples.map((sample, index) => event(prefix, sample, index));
        const [partition, calm] = await Promise.all([
          disturbed.partition(TOPIC, 1_000 + run),
          undisturbed.partition(TOPIC, 1_000 + run),
        ]);
        await racing(`${prefix}_`, patient, async () => {
          for (const [index, part] of batchesOf(events, batch).entries()) {
            isBugThere = bugs[index % bugs.length] ?? false;
            await consume(partition, part);
          }
        });
        parkedOnce += (await listParked(operator)).length;
        isBugThere = false;
        await wakeAll(workers[0]!, `${prefix}_`, patient);
        for (const part of batchesOf(events, batch)) await consume(calm, part);

        for (const key of new Set(samples.map((sample) => sample.key))) {
          const ids = samples.flatMap((sample, index) =>
            sample.key === key ? [`${prefix}_${String(index).padStart(3, '0')}`] : [],
          );
          expect(await appliedOrder(`${prefix}_k${key}`)).toEqual(ids);
        }
        expect(await storyOf(disturbed, `${prefix}\\_%`)).toEqual(await storyOf(undisturbed, `${prefix}\\_%`));
      }),
      RUNS,
    );
    expect(parkedOnce).toBeGreaterThan(0);
  }, 120_000);

  test('dead letters leave the order of the others alone; put back after the fix, they end in the state of an undisturbed run', async () => {
    let run = 0;
    let deadOnce = 0;
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ samples, batch }) => {
        run += 1;
        const prefix = `d${partitions}_${run}`;
        const events = samples.map((sample, index) => event(prefix, sample, index));
        const half = Math.floor(events.length / 2);
        const [partition, calm] = await Promise.all([
          disturbed.partition(TOPIC, 2_000 + run),
          undisturbed.partition(TOPIC, 2_000 + run),
        ]);
        isBugThere = true;
        await racing(`${prefix}_`, hasty, async () => {
          for (const part of batchesOf(events.slice(0, half), batch)) await consume(partition, part);
          await eventually(
            'all that cannot be applied is dead',
            async () => !(await listParked(operator)).some(({ key }) => key.startsWith(prefix)),
          );
        });
        const dead = (await listDead(operator))
          .filter(({ key }) => key.startsWith(prefix))
          .map(({ eventId }) => eventId);
        const poisons = samples
          .slice(0, half)
          .flatMap(({ isPoison }, index) => (isPoison ? [`${prefix}_${String(index).padStart(3, '0')}`] : []));
        expect(dead.toSorted()).toEqual(poisons);
        deadOnce += dead.length;
        for (const key of [0, 1, 2]) {
          const order = await appliedOrder(`${prefix}_k${key}`);
          expect(order).toEqual(order.toSorted());
        }

        isBugThere = false;
        await racing(`${prefix}_`, hasty, async () => {
          await Promise.all([
            (async () => {
              for (const part of batchesOf(events.slice(half), batch)) await consume(partition, part);
            })(),
            (async () => {
              for (const id of dead)
                await eventually(
                  'an operator gets through',
                  async () =>
                    (await retryDead({ database: operator, aggregates, policy: hasty }, id, asha)).kind !== 'not-dead',
                );
            })(),
          ]);
        });
        await wakeAll(workers[0]!, `${prefix}_`, hasty);
        for (const part of batchesOf(events, batch)) await consume(calm, part);
        expect((await listDead(operator)).filter(({ key }) => key.startsWith(prefix))).toEqual([]);
        expect(await stateOf(disturbed, `${prefix}\\_%`)).toEqual(await stateOf(undisturbed, `${prefix}\\_%`));
        const processed = await disturbed.rows<{ id: string }>(
          "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key LIKE $1 AND action = 'event' ORDER BY 1",
          [`${prefix}\\_%`],
        );
        expect(processed.map(({ id }) => id)).toEqual(
          samples.map((_, index) => `${prefix}_${String(index).padStart(3, '0')}`),
        );
      }),
      RUNS,
    );
    expect(deadOnce).toBeGreaterThan(0);
  }, 120_000);
});

describe('the quarantine', () => {
  /** As an ingest sends it whose catalogue does not have the event. */
  const unknown = (known: Parsed<Envelope>): Parsed<Envelope> =>
    known.ok
      ? {
          ok: true,
          value: {
            ...known.value,
            kind: 'quarantine',
            event: known.value.event,
            reason: 'unknown-event',
            key: known.value.eventId as never,
          } as never,
        }
      : known;
  const samples: readonly Sample[] = (
    [
      'payment.authorized',
      'payment.failed',
      'payment.captured',
      'payment.captured',
      'payment.failed',
      'payment.authorized',
    ] as const
  ).map((name, index) => ({ key: index % 2, event: name, isPoison: false }));
  const replay = async (eventId: string, router = route, policy: RetryPolicy = patient) =>
    replayQuarantined({ database: operator, aggregates, policy }, eventId, asha, router);

  test('replayed once the catalogue has the events, ends in the state of an undisturbed run', async () => {
    const prefix = `q${partitions}`;
    const events = samples.map((sample, index) => event(prefix, sample, index));
    const [partition, quarantine, calm] = await Promise.all([
      disturbed.partition(TOPIC, partitions),
      disturbed.partition(QUARANTINE, partitions),
      undisturbed.partition(TOPIC, partitions),
    ]);
    await partition.send(events[0]!, events[1]!);
    await quarantine.send(unknown(events[2]!), unknown(events[3]!), unknown(events[4]!));
    await partition.send(events[5]!);
    await calm.send(...events);
    expect(
      (await listQuarantined(operator, { event: 'payment.captured' })).map(({ eventId, reason, topic }) => [
        eventId,
        reason,
        topic,
      ]),
    ).toEqual([
      [`${prefix}_002`, 'unknown-event', QUARANTINE],
      [`${prefix}_003`, 'unknown-event', QUARANTINE],
    ]);

    expect(
      await replay(`${prefix}_002`, () => ({
        kind: 'quarantined',
        reason: 'unknown-event',
        event: 'payment.captured',
      })),
    ).toEqual({ kind: 'not-understood', reason: 'unknown-event (payment.captured)' });
    expect(await replay(`${prefix}_002`)).toEqual({
      kind: 'unparked',
      applied: 1,
      dead: 0,
      event: 'payment.captured',
      family: 'payments',
      key: `${prefix}_k0`,
    });
    for (const id of ['003', '004'])
      expect(await replay(`${prefix}_${id}`)).toMatchObject({ kind: 'unparked', applied: 1 });
    expect(await replay(`${prefix}_002`)).toEqual({ kind: 'not-quarantined' });
    expect(await stateOf(disturbed, `${prefix}\\_%`)).toEqual(await stateOf(undisturbed, `${prefix}\\_%`));
    expect(
      await disturbed.rows(
        "SELECT actor, verdict, reason FROM audit_logs WHERE action = 'quarantine.replay' AND razorpay_event_id = $1",
        [`${prefix}_002`],
      ),
    ).toEqual([{ actor: 'operator:asha', verdict: 'parked', reason: asha.reason }]);
    const [ledger] = (await readLedger(disturbed.database)).filter(
      (row) => row.topic === QUARANTINE && row.partition === partitions,
    );
    expect(ledger?.counts).toMatchObject({ quarantined: 0, parked: 0, dead: 0 });
    expect((ledger?.counts.applied ?? 0) + (ledger?.counts.stale ?? 0)).toBe(3);
  });

  test('hands events to a key that is parked: they wait for it, are counted where they came from, and one that fails dies like any other', async () => {
    const prefix = `q${partitions}`;
    const bad = { ...samples[2]!, key: 0, isPoison: true };
    const [partition, quarantine] = await Promise.all([
      disturbed.partition(TOPIC, partitions),
      disturbed.partition(QUARANTINE, partitions),
    ]);
    isBugThere = true;
    await partition.send(event(prefix, { ...bad, event: 'payment.authorized' }, 0));
    await quarantine.send(unknown(event(prefix, bad, 1)), unknown(event(prefix, { ...bad, isPoison: false }, 2)));
    expect(await replay(`${prefix}_001`)).toMatchObject({ kind: 'parked', applied: 0, reason: 'a bug' });
    expect(await replay(`${prefix}_002`)).toMatchObject({ kind: 'parked', applied: 0, reason: 'a bug' });
    await expectAccounted();
    expect((await listParked(operator, { key: `${prefix}_k0` }))[0]).toMatchObject({
      waiting: 3,
      failingEventId: `${prefix}_000`,
      group: 'payments',
    });

    const wakeHasty = async () =>
      wakeParked(
        { database: workers[0]!, aggregates, policy: hasty, actor: 'retry:payments' },
        { family: 'payments', key: `${prefix}_k0` },
      );
    expect(await wakeHasty()).toMatchObject({ kind: 'parked', dead: 1 });
    expect(await wakeHasty()).toMatchObject({ kind: 'unparked', applied: 1, dead: 1 });
    expect(
      (await listDead(operator, { key: `${prefix}_k0` })).map(({ eventId, topic, group }) => [eventId, topic, group]),
    ).toEqual([
      [`${prefix}_000`, TOPIC, 'payments'],
      [`${prefix}_001`, QUARANTINE, 'payments'],
    ]);
    isBugThere = false;
    for (const id of ['001', '000'])
      expect(await retryDead({ database: operator, aggregates, policy: hasty }, `${prefix}_${id}`, asha)).toMatchObject(
        { kind: 'unparked', applied: 1 },
      );
    const calm = await undisturbed.partition(TOPIC, partitions);
    await calm.send(
      event(prefix, { ...bad, event: 'payment.authorized' }, 0),
      event(prefix, bad, 1),
      event(prefix, { ...bad, isPoison: false }, 2),
    );
    expect(await stateOf(disturbed, `${prefix}\\_%`)).toEqual(await stateOf(undisturbed, `${prefix}\\_%`));
  });

  test('replays what was kept for a reason of another release, whatever its text, and lists it with that reason', async () => {
    const quarantine = await disturbed.partition(QUARANTINE, partitions);
    const reasons = ['held-for-review', 'undecodable', 'undecodable: by a rule of tomorrow'];
    const odd = (reason: string, index: number): Parsed<Envelope> => {
      const known = unknown(event(`q${partitions}`, samples[index]!, index));
      return known.ok ? { ok: true, value: { ...known.value, reason } as never } : known;
    };
    await quarantine.send(...reasons.map(odd));
    const listed = await listQuarantined(operator, {});
    expect(listed.flatMap(({ eventId, reason }) => (eventId.startsWith(`q${partitions}_`) ? [reason] : []))).toEqual(
      reasons,
    );
    for (const index of reasons.keys())
      expect(await replay(`q${partitions}_00${index}`)).toMatchObject({ kind: 'unparked', applied: 1 });
  });

  test.each([
    ['no JSON', 'no json at all', 'not-json'],
    ['an odd shape', '[1, 2]', 'odd-shape'],
    [
      'an event that the catalogue still does not have',
      '{"event":"payment.brand_new"}',
      'unknown-event (payment.brand_new)',
    ],
    ['an event without its subject', '{"event":"payment.captured","payload":{}}', 'no-subject (payment.captured)'],
  ])('keeps what is still not understood, and says why: %s', async (_, body, reason) => {
    const quarantine = await disturbed.partition(QUARANTINE, partitions);
    const known = event(`q${partitions}`, samples[0]!, 0);
    const odd = known.ok
      ? { ok: true as const, value: { ...known.value, occurredAt: null, rawBody: Buffer.from(body) } }
      : known;
    await quarantine.send(unknown(odd));
    expect(await replay(`q${partitions}_000`)).toEqual({ kind: 'not-understood', reason });
    expect((await listQuarantined(operator, { event: 'payment.authorized' })).map(({ eventId }) => eventId)).toContain(
      `q${partitions}_000`,
    );
  });

  test('keeps what no envelope schema reads, and an event whose family has no rule here', async () => {
    const quarantine = await disturbed.partition(QUARANTINE, partitions);
    await quarantine.send(
      { ok: false, issues: ['the value is not a framed Avro record'] },
      unknown(testEvent('refund.created', `q${partitions}_refund`, 'rfnd_1', { status: 'pending' })),
    );
    expect(await replay(`undecodable-${QUARANTINE}-${partitions}-0`)).toEqual({
      kind: 'not-understood',
      reason: 'undecodable: the value is not a framed Avro record',
    });
    expect(await replay(`q${partitions}_refund`)).toEqual({ kind: 'not-understood', reason: 'no handler for refunds' });
  });
});

test('a parked key, retried after the fix, has the whole story of an undisturbed run', async () => {
  const prefix = `s${partitions}`;
  const events = (['payment.authorized', 'payment.captured', 'payment.failed', 'payment.captured'] as const).map(
    (name, index) => event(prefix, { key: 0, event: name, isPoison: index === 1 }, index),
  );
  const [partition, calm] = await Promise.all([
    disturbed.partition(TOPIC, partitions),
    undisturbed.partition(TOPIC, partitions),
  ]);
  isBugThere = true;
  await partition.send(...events);
  isBugThere = false;
  expect(
    await retryParked(
      { database: operator, aggregates, policy: patient },
      { family: 'payments', key: `${prefix}_k0` },
      asha,
    ),
  ).toEqual({ kind: 'unparked', applied: 3, dead: 0 });
  await calm.send(...events);
  expect(await storyOf(disturbed, `${prefix}\\_%`)).toEqual(await storyOf(undisturbed, `${prefix}\\_%`));
});
