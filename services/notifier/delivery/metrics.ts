import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import type { Destination } from '../channels/destinations.ts';

/** What came of one job that had a notification to tell. `deferred` is no attempt: the destination is not to be asked yet. */
export type AttemptOutcome = 'delivered' | 'retrying' | 'failed' | 'cancelled' | 'deferred';

/** From the fact to the receiver's answer: milliseconds when all goes well, most of a day when a receiver was away. */
const SECONDS_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 7_200, 86_400];

export interface DeliveryMetrics {
  readonly count: (destination: string, outcome: AttemptOutcome) => void;
  readonly observe: (destination: string, seconds: number) => void;
}

/** Labels are names of the rule file, which are few. */
export const createDeliveryMetrics = (
  registry: Registry,
  destinations: ReadonlyMap<string, Destination>,
): DeliveryMetrics => {
  const registers = [registry];
  const attempts = new promClient.Counter({
    name: 'dakia_notification_attempts_total',
    help: 'Notifications whose time had come, by what came of it.',
    labelNames: ['destination', 'outcome'],
    registers,
  });
  const seconds = new promClient.Histogram({
    name: 'dakia_notification_seconds',
    help: 'Time from a fact to its delivery; reminders are not in it.',
    labelNames: ['destination'],
    buckets: SECONDS_BUCKETS,
    registers,
  });
  new promClient.Gauge({
    name: 'dakia_notification_circuit_open',
    help: '1 while a destination is taken for dead and left alone.',
    labelNames: ['destination'],
    registers,
    collect() {
      for (const { name, circuit } of destinations.values())
        this.set({ destination: name }, circuit() === 'closed' ? 0 : 1);
    },
  });
  return {
    count: (destination, outcome) => attempts.inc({ destination, outcome }),
    observe: (destination, took) => seconds.observe({ destination }, Math.max(took, 0)),
  };
};
