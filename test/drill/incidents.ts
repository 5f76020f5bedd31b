import { answers } from '#kit';
import type { Receiver } from '#kit';
import { buildEvent } from '#simulator';
import type { Server } from '#local';
import { allServices } from '../../services/services.ts';
import { newSecret, thisSecond } from '../kit/system-fixture.ts';
import type { System } from '../kit/system.ts';
import type { PostgresProxy } from '../faults/postgres-proxy.ts';
import type { Traffic } from './traffic.ts';

/** What an incident can be made with. */
export interface Scene {
  readonly system: System;
  readonly traffic: Traffic;
  readonly kafka: Server;
  readonly postgres: Server;
  /** Between Dakia and Postgres. */
  readonly wayToPostgres: PostgresProxy;
  /** Is told of every captured payment. */
  readonly receiver: Receiver;
}

export interface Incident {
  readonly name: string;
  /** That must fire; the names of the pages beside it that this cause may bring about, too. */
  readonly alert: string;
  readonly alsoPages?: readonly string[];
  /** Its documented time, shortened, and what it takes to be noticed, in s. */
  readonly firesWithinS: number;
  readonly resolvesWithinS: number;
  readonly happens: (scene: Scene) => Promise<void>;
  readonly repair: (scene: Scene) => Promise<void>;
}

const poison = () =>
  buildEvent('payment.captured', {
    seed: 'poison',
    at: thisSecond(),
    subject: { id: 'pay_Poison00000001', amount: 100, currency: 'INR', order_id: 'order_poison' },
  });
const UNKNOWN_EVENT = JSON.stringify({ entity: 'event', event: 'moon.landed', payload: {} });
const UNKNOWN_EVENTS = 5;
/** What each message to Postgres waits for a slow disk, in ms: several seconds for a transaction. */
const SLOW_MS = 800;
const [UP, DOWN] = [200, 503];
const withoutRefunds = allServices.filter(({ name }) => name !== 'refunds');

export const incidents: readonly Incident[] = [
  {
    name: 'the secret is changed on one side only',
    alert: 'DakiaSignaturesFailing',
    firesWithinS: 60,
    resolvesWithinS: 90,
    happens: async ({ traffic }) => traffic.signWith(newSecret()),
    repair: async ({ traffic }) => traffic.signWith(undefined),
  },
  {
    name: 'an event that Postgres refuses',
    alert: 'DakiaParkedOld',
    firesWithinS: 60,
    resolvesWithinS: 90,
    happens: async ({ system }) => {
      await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (order_id <> 'order_poison')`);
      await system.deliver(poison());
    },
    repair: async ({ system }) => {
      await system.rows('ALTER TABLE payment_transactions DROP CONSTRAINT poison');
      await system.dakia('parked', 'retry', '--all', '--yes');
    },
  },
  {
    name: 'Razorpay sends an event that nobody knows',
    alert: 'DakiaQuarantineGrowing',
    firesWithinS: 30,
    resolvesWithinS: 120,
    happens: async ({ system }) => {
      for (let count = 0; count < UNKNOWN_EVENTS; count += 1)
        await system.post({ body: UNKNOWN_EVENT, eventId: `ev_unknown_${count}` });
    },
    repair: async () => undefined,
  },
  {
    name: 'the receiver of notifications is down',
    alert: 'DakiaDestinationDown',
    firesWithinS: 60,
    resolvesWithinS: 90,
    happens: async ({ receiver }) => receiver.answer(answers.status(DOWN)),
    repair: async ({ receiver }) => receiver.answer(answers.status(UP)),
  },
  {
    name: 'Postgres is down',
    alert: 'DakiaPartitionStalled',
    // What was accepted meanwhile is applied and told late.
    alsoPages: ['DakiaAppliedBudgetBurn', 'DakiaNotifiedBudgetBurn'],
    firesWithinS: 60,
    resolvesWithinS: 90,
    happens: async ({ postgres }) => postgres.stop(),
    repair: async ({ postgres }) => postgres.start(),
  },
  {
    name: 'the disk of Postgres is slow',
    alert: 'DakiaPoolExhausted',
    alsoPages: ['DakiaAppliedBudgetBurn', 'DakiaNotifiedBudgetBurn'],
    firesWithinS: 60,
    resolvesWithinS: 60,
    happens: async ({ wayToPostgres }) => wayToPostgres.slow(SLOW_MS),
    repair: async ({ wayToPostgres }) => wayToPostgres.slow(0),
  },
  {
    name: 'Kafka is frozen',
    alert: 'DakiaAcknowledgementBudgetBurn',
    // What was on its way when it froze is acknowledged late.
    alsoPages: ['DakiaAcknowledgementLatencyBudgetBurn', 'DakiaAnswersNearLimit'],
    firesWithinS: 60,
    resolvesWithinS: 180,
    happens: async ({ kafka }) => kafka.freeze(),
    repair: async ({ kafka }) => kafka.thaw(),
  },
  {
    name: 'a consumer is stopped',
    alert: 'DakiaPartitionsUnassigned',
    firesWithinS: 60,
    resolvesWithinS: 90,
    happens: async ({ system }) => {
      await system.stop();
      await system.start(withoutRefunds);
    },
    repair: async ({ system }) => {
      await system.stop();
      await system.start();
    },
  },
  {
    name: 'an event that was applied is gone from Postgres',
    alert: 'DakiaEventsUnaccounted',
    // The reporter reads all rows once a minute.
    firesWithinS: 120,
    resolvesWithinS: 120,
    happens: async ({ system }) => {
      await system.rows(
        `CREATE TABLE lost AS SELECT * FROM webhook_events WHERE verdict = 'applied' ORDER BY received_at LIMIT 1`,
      );
      await system.rows('DELETE FROM webhook_events WHERE razorpay_event_id IN (SELECT razorpay_event_id FROM lost)');
    },
    repair: async ({ system }) => {
      await system.rows('INSERT INTO webhook_events SELECT * FROM lost');
    },
  },
  {
    name: 'the webhook is switched off',
    alert: 'DakiaNoTraffic',
    firesWithinS: 70,
    resolvesWithinS: 60,
    happens: async ({ traffic }) => traffic.pause(),
    repair: async ({ traffic }) => traffic.resume(),
  },
];

/** Those that `npm test` has time for: one of ingest, one of consumers, one of Postgres itself. */
export const SHORT: readonly string[] = ['DakiaSignaturesFailing', 'DakiaParkedOld', 'DakiaPartitionStalled'];
