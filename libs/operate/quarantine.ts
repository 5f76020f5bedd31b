import { familiesOf, joinSightings, releaseFromQuarantine, operatorActor, transactionAgainst } from '#apply';
import type { KeyRef, OperatorAction, WaitingRow } from '#apply';
import { sightingIn } from '#catalogue';
import type { EventName, Family, Routing } from '#catalogue';
import { readJsonBody, sightedPartOf } from '#envelope';
import { wakeForOperator } from '#parking';
import type { ParkedOptions, RetryOutcome } from '#parking';
import { statement } from '#platform/postgres';
import { isRecord } from '#rules';
import { KEPT_BODY, sightingArrivals } from './kept-body.ts';

/**
 * `not-understood`: it stays where it is, and why. `not-quarantined`:
 * there is no such event in the quarantine (any more).
 */
export type QuarantineOutcome =
  | (RetryOutcome & KeyRef & { readonly event: EventName })
  | { readonly kind: 'not-understood'; readonly reason: string }
  | { readonly kind: 'not-quarantined' };

/** Where a delivery came from, as an operator was shown it: the same event id may have come twice. */
export interface ShownPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | bigint;
}

interface QuarantinedRow extends WaitingRow {
  readonly reason: string;
  /** No envelope schema reads the record: its bytes are no body, so Kafka is where it can be read again. */
  readonly isUndecodable: boolean;
}

const FIND = statement(
  'quarantine_find',
  `SELECT ${KEPT_BODY}, reason, endpoint IS NULL AS "isUndecodable"
     FROM webhook_events WHERE razorpay_event_id = $1 AND verdict = 'quarantined' AND ($2::text IS NULL
       OR (kafka_topic, kafka_partition, kafka_offset) = ($2, $3::integer, $4::bigint))
    ORDER BY created_at LIMIT 1`,
);

/**
 * Reads a quarantined body once more with this release's catalogue. When it is understood now, it is handed to its
 * entity and applied through the same queue as a parked event; what its body shows of other entities is joined at once.
 * It stays counted in the partition that it came from. `shown`: that delivery and no other.
 */
export const replayQuarantined = async (
  options: ParkedOptions,
  eventId: string,
  { who, reason }: OperatorAction,
  route: (body: unknown) => Routing,
  shown?: ShownPlace,
): Promise<QuarantineOutcome> => {
  const handed = await transactionAgainst(options.database, async (tx) => {
    const [row] = await tx.query<QuarantinedRow>(FIND, [
      eventId,
      shown?.topic ?? null,
      shown?.partition ?? null,
      shown?.offset ?? null,
    ]);
    if (row === undefined) return { kind: 'not-quarantined' } as const;
    const sighting = row.sighting ?? sightedPartOf(row.razorpay_event_id) ?? null;
    const routing = row.isUndecodable ? row.reason : routingOf({ ...row, sighting }, route);
    if (typeof routing === 'string') return { kind: 'not-understood', reason: routing } as const;
    const { event, family, key } = routing;
    if (!options.aggregates.some((aggregate) => aggregate.family === family))
      return { kind: 'not-understood', reason: `no handler for ${family}` } as const;

    const { created, kafka_topic: topic, kafka_partition: partition } = row;
    await releaseFromQuarantine(
      tx,
      { eventId, event, sighting, family, key, created, topic, partition },
      { actor: operatorActor(who), reason },
    );
    // Nobody has published them: ingest did not know the event.
    if (sighting === null) {
      const families = familiesOf(options.aggregates, options.searchKey);
      await joinSightings(tx, families, sightingArrivals(row, families), operatorActor(who));
    }
    return { kind: 'handed', event, family, key } as const;
  });
  if (handed.kind !== 'handed') return handed;
  const { event, family, key } = handed;
  return { event, family, key, ...(await wakeForOperator(options, { family, key }, who)) };
};

interface Understood {
  readonly event: EventName;
  readonly family: Family;
  readonly key: string;
}

/** Where the body belongs, or why that is not known. */
const routingOf = ({ payload, sighting }: QuarantinedRow, route: (body: unknown) => Routing): Understood | string => {
  const body = readJsonBody(payload);
  if (body === undefined) return 'not-json';
  const routing = route(body);
  if (routing.kind !== 'routed') return `${routing.reason}${routing.event === null ? '' : ` (${routing.event})`}`;
  if (sighting === null) return routing;
  const found = isRecord(body) ? sightingIn(body, routing.event, sighting) : undefined;
  return found === undefined
    ? `unknown-sighting (${sighting} of ${routing.event})`
    : { event: routing.event, family: found.family, key: found.key };
};
