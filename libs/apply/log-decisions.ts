import type { Logger } from '#platform/log';
import { traceIdOf } from '#platform/trace';
import type { Disposition } from '#rules';
import type { Arrival } from './arrival.ts';
import { placeName } from './ledger.ts';
import type { Decision } from './reduce-events.ts';

/** Somebody has to look at it, sooner or later. */
const FOR_PEOPLE: ReadonlySet<Disposition> = new Set(['parked', 'quarantined', 'dead']);
/**
 * Of a batch so many ids are in its line, which container runtimes cut at 16 KiB: more than one has but after a stop.
 * Each event has its own line at `debug`.
 */
const IDS_MAX = 100;

/** A line for each event that needs a person, and at `debug` for every one. */
export const logDecisions = (log: Logger, decisions: readonly Decision[]): void => {
  const isDetailed = log.isLevelEnabled('debug');
  for (const { arrival, disposition, reason } of decisions) {
    const isForPeople = FOR_PEOPLE.has(disposition) || arrival.claimedId !== undefined;
    if (!isForPeople && !isDetailed) continue;
    const line = { ...aboutEvent(arrival), ...(reason !== null && { reason }) };
    if (isForPeople) log.warn(line, `an event is ${disposition}`);
    else log.debug(line, `an event is ${disposition}`);
  }
};

/** The wide line of one transaction. `ms`: what it took; `traceId`: of its own span. */
export const logTransaction = (
  log: Logger,
  decisions: readonly Decision[],
  about: { readonly partitions: number; readonly ms: number; readonly traceId: string | undefined },
): void => {
  const counts: Partial<Record<Disposition, number>> = {};
  for (const { disposition } of decisions) counts[disposition] = (counts[disposition] ?? 0) + 1;
  const [first, ...others] = decisions;
  log.info(
    {
      ...about,
      events: decisions.length,
      ...counts,
      ...(first !== undefined && others.length === 0
        ? aboutEvent(first.arrival)
        : { eventIds: decisions.slice(0, IDS_MAX).map(({ arrival }) => arrival.eventId) }),
    },
    'a batch is applied',
  );
};

const aboutEvent = (arrival: Arrival) => ({
  eventId: arrival.eventId,
  ...(arrival.claimedId !== undefined && { claimedId: arrival.claimedId }),
  event: arrival.eventType,
  ...(arrival.task.kind === 'apply' && { family: arrival.task.family, key: arrival.task.key }),
  traceId: arrival.span?.traceId ?? traceIdOf(arrival.traceparent),
  partition: placeName(arrival),
  offset: String(arrival.offset),
});
