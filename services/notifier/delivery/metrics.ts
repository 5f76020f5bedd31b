import { beforeScrape, counterOf, gaugeOf, histogramOf } from '#platform/metrics';
import type { LabelsOf, Registry } from '#platform/metrics';
import type { Destination } from '../channels/destinations.ts';

/**
 * What came of one job that had a notification to tell. `deferred` is
 * no attempt: the destination is not to be asked yet.
 */
export type AttemptOutcome = LabelsOf<'dakia_notification_attempts_total'>['outcome'];

export interface DeliveryMetrics {
  readonly count: (destination: Pick<Destination, 'name' | 'type'>, outcome: AttemptOutcome) => void;
  /** `traceId`: of a trace that is kept. */
  readonly observe: (destination: string, seconds: number, traceId: string | undefined) => void;
}

/** Labels are names of the rule file, which are few. */
export const createDeliveryMetrics = (
  registry: Registry,
  destinations: ReadonlyMap<string, Destination>,
): DeliveryMetrics => {
  const attempts = counterOf(registry, 'dakia_notification_attempts_total');
  const seconds = histogramOf(registry, 'dakia_notification_seconds');
  // Shown from the start: Prometheus sees no increase in a series that begins with its first failure.
  for (const { name, type } of destinations.values())
    for (const outcome of ['delivered', 'failed'] as const)
      attempts.inc({ destination: name, channel: type, outcome }, 0);
  const circuits = gaugeOf(registry, 'dakia_notification_circuit_open');
  beforeScrape(registry, ['dakia_notification_circuit_open'], () => {
    for (const { name, circuit } of destinations.values())
      circuits.set({ destination: name }, circuit() === 'closed' ? 0 : 1);
  });
  return {
    count: ({ name, type }, outcome) => attempts.inc({ destination: name, channel: type, outcome }),
    observe: (destination, took, traceId) => seconds.observe({ destination }, Math.max(took, 0), traceId),
  };
};
