import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { eventually } from '#kit';
import { metrics } from '#platform/metrics';
import type { AnyDeclaration } from '#platform/metrics';
import { buildEvent } from '#simulator';
import { samplesIn, surprisesIn } from '../kit/metric-samples.ts';
import { newSecret, thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

/**
 * Everything that moves a metric happens within this time, in ms: consumers
 * look at their lag, and the reporter at everybody's, every few seconds.
 */
const MOVED_WITHIN_MS = 120_000;
const declared: Readonly<Record<string, AnyDeclaration>> = metrics;

let system: System;
let folder: string;
const it = testsOf(() => system);
const liveSecrets = (...secrets: readonly string[]): void =>
  writeFileSync(join(folder, 'endpoints'), secrets.map((secret) => `live: ${secret}\n`).join(''));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-metrics-'));
  liveSecrets(newSecret());
  system = await startSystem({
    settings: {
      DAKIA_RETRY_DELAYS: '3s,3s',
      RAZORPAY_WEBHOOK_ENDPOINTS_FILE: join(folder, 'endpoints'),
    },
  });
}, 30_000);
afterAll(async () => {
  await system.close();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

const payment = (key: string, event: string, entity: Readonly<Record<string, unknown>> = {}) => ({
  eventId: `ev_${key}_${event}`,
  body: JSON.stringify({
    entity: 'event',
    event,
    payload: {
      payment: {
        entity: {
          id: key,
          amount: 100,
          currency: 'INR',
          status: event.slice('payment.'.length),
          method: 'upi',
          ...entity,
        },
      },
    },
    created_at: Math.floor(Date.now() / 1000),
  }),
});

/** Keeps what `sql` locks from everybody until `work` is done. */
const whileLocked = async (sql: readonly string[], work: () => Promise<void>): Promise<void> => {
  const client = new pg.Client({ connectionString: system.databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    for (const one of sql) await client.query(one);
    await work();
  } finally {
    await client.end();
  }
};

const sendGarbage = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(Number(system.environment['DAKIA_WEBHOOK_PORT']), '127.0.0.1', () =>
      socket.write('no HTTP\r\n\r\n'),
    );
    socket
      .on('error', reject)
      .on('close', () => resolve())
      .resume();
  });

/** Every kind of thing that can happen to deliveries, in no trouble but what a sender makes. */
const sendOfEverything = async (): Promise<void> => {
  await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (order_id <> 'order_poison')`);
  await system.simulate({ count: 300, duplicates: 0.2, tamper: 0.05, shuffle: true });
  await system.post(payment('pay_poison', 'payment.captured', { order_id: 'order_poison' }));
  await system.post(payment('pay_note', 'payment.captured', { status: 'teleported' }));
  await system.post({ eventId: 'ev_quarantined', body: '["payment.captured"]' });
  await system.post({ ...payment('pay_twice', 'payment.captured'), eventId: 'ev_twice' });
  await system.post({ ...payment('pay_twice', 'payment.captured', { amount: 200 }), eventId: 'ev_twice' });
  await system.deliver(buildEvent('payment.dispute.created', { seed: 'a deadline', at: thisSecond() }));
  await sendGarbage();
};

it('every declared metric moves, unless only trouble moves it, and nothing else is told', async () => {
  const moved = new Set<string>();
  const surprises = new Set<string>();
  const scrape = async (): Promise<void> => {
    for (const sample of samplesIn(await system.metrics())) {
      if (sample.value !== 0) moved.add(sample.name);
      for (const surprise of surprisesIn(sample)) surprises.add(surprise);
    }
  };
  const stillIn = (names: readonly string[]): readonly string[] => names.filter((name) => !moved.has(name));
  const seen = async (names: readonly string[]): Promise<void> =>
    void (await eventually(
      `${names.length} metrics move`,
      async () => {
        await scrape();
        const still = stillIn(names);
        if (still.length > 0) throw new Error(`not yet: ${still.join(', ')}`);
        return true;
      },
      MOVED_WITHIN_MS,
    ));

  await sendOfEverything();
  await seen(['dakia_parked_keys', 'dakia_parked_oldest_seconds', 'dakia_dead_letters_oldest_seconds']);
  await system.post(payment('pay_waits', 'payment.captured', { order_id: 'order_poison' }));
  await eventually('another one is parked', async () => (await system.rows('SELECT 1 FROM parked_keys')).length > 0);
  // Two services cannot apply, parked keys cannot be woken, the relay cannot plan: what comes now waits.
  await whileLocked(
    [
      `SELECT 1 FROM partition_ledger WHERE topic IN ('rzp.refunds.v1', 'rzp.payments.v1') FOR UPDATE`,
      'LOCK TABLE notifications IN SHARE MODE',
    ],
    async () => {
      const load = system.load({ count: 1_500, concurrency: 64 });
      await seen([
        'dakia_ingest_in_flight_requests',
        'dakia_ingest_in_flight_bytes',
        'dakia_producer_unanswered_records',
        'dakia_producer_unanswered_bytes',
        'dakia_producer_batches_in_flight',
      ]);
      await load.done;
      await seen([
        'dakia_partition_lag',
        'dakia_ledger_lag_records',
        'dakia_ledger_lag_seconds',
        'dakia_ledger_stalled_seconds',
        'dakia_outbox_unrelayed',
        'dakia_outbox_oldest_seconds',
        'dakia_queue_oldest_seconds',
      ]);
    },
  );
  await system.drained();
  const always = Object.entries(declared).flatMap(([name, { movesOnlyWhen }]) =>
    movesOnlyWhen === undefined ? [name] : [],
  );
  await seen(always);
  // Nothing was lost: poison, a second body under a taken id and repetitions are all accounted for.
  expect(moved).not.toContain('dakia_account_difference');
  // What only trouble moves, where the trouble is cheap.
  liveSecrets(newSecret(), newSecret());
  await seen(['dakia_ingest_secret_reloads_total']);
  expect([...surprises]).toEqual([]);
}, 200_000);
