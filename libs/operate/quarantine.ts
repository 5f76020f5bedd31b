import { handOver, operatorActor, transactionAgainst } from '#apply';
import type { KeyRef, OperatorAction } from '#apply';
import type { EventName, Family, Routing } from '#catalogue';
import { readJsonBody } from '#envelope';
import { wakeForOperator } from '#parking';
import type { ParkedOptions, RetryOutcome } from '#parking';
import { statement } from '#platform/postgres';

/** `not-understood`: it stays where it is, and why. `not-quarantined`: there is no such event in the quarantine (any more). */
export type QuarantineOutcome =
  | (RetryOutcome & KeyRef & { readonly event: EventName })
  | { readonly kind: 'not-understood'; readonly reason: string }
  | { readonly kind: 'not-quarantined' };

interface QuarantinedRow {
  readonly created: string;
  readonly topic: string;
  readonly partition: number;
  readonly reason: string;
  readonly payload: Buffer;
}

const FIND = statement(
  'quarantine_find',
  `SELECT created_at::text AS created, kafka_topic AS topic, kafka_partition AS partition, reason, payload
     FROM webhook_events WHERE razorpay_event_id = $1 AND verdict = 'quarantined' ORDER BY created_at LIMIT 1`,
);
/** What a record that no envelope schema reads was kept for: its bytes are no body, so Kafka is where it can be read again. */
const UNDECODABLE = /^undecodable\b/;

/**
 * Reads a quarantined body once more with this release's catalogue. When it is understood now, it is handed to its entity and applied
 * through the same queue as a parked event. It stays counted in the partition that it came from.
 */
export const replayQuarantined = async (
  options: ParkedOptions,
  eventId: string,
  { who, reason }: OperatorAction,
  route: (body: unknown) => Routing,
): Promise<QuarantineOutcome> => {
  const handed = await transactionAgainst(options.database, async (tx) => {
    const [row] = await tx.query<QuarantinedRow>(FIND, [eventId]);
    if (row === undefined) return { kind: 'not-quarantined' } as const;
    const routing = UNDECODABLE.test(row.reason) ? row.reason : routingOf(row.payload, route);
    if (typeof routing === 'string') return { kind: 'not-understood', reason: routing } as const;
    const { event, family, key } = routing;
    if (!options.aggregates.some((aggregate) => aggregate.family === family))
      return { kind: 'not-understood', reason: `no handler for ${family}` } as const;

    const { created, topic, partition } = row;
    await handOver(
      tx,
      { eventId, event, family, key, created, topic, partition },
      { actor: operatorActor(who), reason },
    );
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
const routingOf = (payload: Buffer, route: (body: unknown) => Routing): Understood | string => {
  const body = readJsonBody(payload);
  if (body === undefined) return 'not-json';
  const routing = route(body);
  return routing.kind === 'routed'
    ? routing
    : `${routing.reason}${routing.event === null ? '' : ` (${routing.event})`}`;
};
