import fc from 'fast-check';
import { readLedger } from '#apply';
import type { RetryPolicy } from '#apply';
import type { Envelope } from '#envelope';
import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { accounting, listParked } from '#operate';
import { wakeParked } from '#parking';
import { createDatabase, OPERATOR_ROLE, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import type { Parsed } from '#rules';
import { paymentAggregate } from '../../libs/domain/families/payment/index.ts';
import { eventually } from './eventually.ts';
import { openTestStore, testEvent, TODAY_S } from './test-store.ts';
import type { TestPartition, TestStore } from './test-store.ts';

export const TOPIC = 'rzp.payments.v1';
export const QUARANTINE = 'rzp.quarantine.v1';
export const asha = { who: 'asha', reason: 'the bug is fixed' };
/** So often that no event ever dies. */
export const patient: RetryPolicy = { delaysMs: Array.from({ length: 10_000 }, () => 0) };
/** One further attempt, at once. */
export const hasty: RetryPolicy = { delaysMs: [0] };

/**
 * A store where a bug of the payments' rule shows on one method until it is mended, and one where it was never there.
 */
interface Race {
  disturbed: TestStore;
  undisturbed: TestStore;
  workers: readonly Database[];
  operator: Database;
  /** Counts the tests: each has a partition and keys of its own. */
  partitions: number;
  isBugThere: boolean;
}
export const race = { partitions: 0, isBugThere: false } as Race;

const buggy: Aggregate = {
  ...paymentAggregate,
  apply: (current, snapshot) => {
    if (race.isBugThere && snapshot.subject['method'] === 'buggy') throw new TypeError('a bug');
    return paymentAggregate.apply(current, snapshot);
  },
};
export const aggregates = [buggy, ...aggregatesOf('payments').slice(1)];

/** Opens both stores for the tests of a file, and checks after each of them that every event is accounted for. */
export const useRace = (): void => {
  beforeAll(async () => {
    const [disturbed, undisturbed] = await Promise.all([
      openTestStore('payments', aggregates, { role: roleOf('payments'), policy: patient, poolSize: 2 }),
      openTestStore('payments', aggregatesOf('payments'), { poolSize: 2 }),
    ]);
    const open = (applicationName: string, role: string): Database =>
      createDatabase({ url: disturbed.url, poolSize: 2, applicationName, role });
    Object.assign(race, {
      disturbed,
      undisturbed,
      workers: ['first worker', 'second worker'].map((name) => open(name, roleOf('payments'))),
      operator: open('operator', OPERATOR_ROLE),
    });
  });
  afterAll(async () => {
    await Promise.all([...race.workers, race.operator].map(async (database) => database.close()));
    await Promise.all([race.disturbed.close(), race.undisturbed.close()]);
  });
  beforeEach(() => {
    race.isBugThere = false;
    race.partitions += 1;
  });
  afterEach(async () => expectAccounted());
};

export const expectAccounted = async () => {
  const account = await accounting(race.operator, async () =>
    (await readLedger(race.disturbed.database)).map((row) => ({
      ...row,
      startOffset: row.firstOffset,
      endOffset: row.nextOffset,
    })),
  );
  expect(account.partitions.filter(({ problem }) => problem !== null)).toEqual([]);
};

/** The entities' rows, with everything that decides how a later event is taken. */
export const stateOf = async (store: TestStore, keys: string) =>
  store.rows(
    `SELECT to_jsonb(t) - 'first_seen_at' - 'updated_at' AS row FROM payment_transactions t WHERE payment_id LIKE $1
      ORDER BY payment_id`,
    [keys],
  );
/** And all that was decided and told on the way there. */
export const storyOf = async (store: TestStore, keys: string) => ({
  state: await stateOf(store, keys),
  events: await store.rows(
    `SELECT razorpay_event_id AS id, event_type, family, entity_key, verdict, processed, reason FROM webhook_events
      WHERE entity_key LIKE $1 ORDER BY 1`,
    [keys],
  ),
  audit: await store.rows(
    `SELECT entity_key, razorpay_event_id AS id, event_type, verdict, from_status, to_status, reason FROM audit_logs
      WHERE entity_key LIKE $1 AND action = 'event' ORDER BY entity_key, id`,
    [keys],
  ),
  facts: await store.rows(
    'SELECT entity_key, name, dedupe_key, payload FROM outbox WHERE entity_key LIKE $1 ORDER BY entity_key, id',
    [keys],
  ),
});

export interface Sample {
  readonly key: number;
  readonly event: 'payment.authorized' | 'payment.captured' | 'payment.failed';
  readonly isPoison: boolean;
}
export const event = (prefix: string, { key, event: name, isPoison }: Sample, index: number): Parsed<Envelope> =>
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

export const consume = async (partition: TestPartition, batch: readonly Parsed<Envelope>[]) =>
  eventually('the consumer gets its batch through', async () => (await partition.send(...batch)) === 'applied');
export const wakeAll = async (database: Database, keys: string, policy: RetryPolicy) => {
  for (const { family, key } of await listParked(database)) {
    if (key.startsWith(keys))
      await wakeParked({ database, aggregates, policy, actor: 'retry:payments' }, { family, key });
  }
};

/** Runs race.workers until the work is done; they look at a few keys over and over again. */
export const racing = async (keys: string, policy: RetryPolicy, work: () => Promise<void>) => {
  let done = false;
  const worker = async (database: Database) => {
    while (!done) await eventually('a wake gets through', async () => wakeAll(database, keys, policy).then(() => true));
  };
  const auditor = async () => {
    while (!done) await expectAccounted();
  };
  await Promise.all([work().finally(() => (done = true)), ...race.workers.map(worker), auditor()]);
};

export const anySamples = fc.array(
  fc.record({
    key: fc.nat({ max: 2 }),
    event: fc.constantFrom('payment.authorized' as const, 'payment.captured' as const, 'payment.failed' as const),
    isPoison: fc.boolean(),
  }),
  { minLength: 10, maxLength: 40 },
);
export const anyRun = fc.record({
  samples: anySamples,
  batch: fc.integer({ min: 1, max: 7 }),
  bugs: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
});
/**
 * Each run races for about half a second. What a race has found is
 * not found again by a smaller one, so nothing is shrunk.
 */
export const RUNS = { numRuns: 12, endOnFailure: true };

export const batchesOf = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

/** Event ids of a key in the order in which they were applied. */
export const appliedOrder = async (key: string) =>
  (
    await race.disturbed.rows<{ id: string }>(
      `SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = $1 AND action = 'event' ` +
        'ORDER BY audit_logs.id',
      [key],
    )
  ).map(({ id }) => id);
