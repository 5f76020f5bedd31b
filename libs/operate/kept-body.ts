import { arrivalOf } from '#apply';
import type { Arrival, Families, WaitingRow } from '#apply';
import { sightedPartOf, toEnvelopes } from '#envelope';
import type { Envelope, EventEnvelope } from '#envelope';
import { now } from '#platform/time';
import { eventId, instant } from '#rules';

/** A row of webhook_events as it came out of Kafka: the columns of a `WaitingRow`. */
export const KEPT_BODY = `razorpay_event_id, created_at::text AS created, event_type, date_part('epoch', received_at) * 1000 AS received_ms,
       coalesce(endpoint, '') AS endpoint, account_id, kafka_topic, kafka_partition, kafka_offset, sighting, payload, traceparent`;

/**
 * What stands beside the subject of a kept body, as ingest would
 * publish it today; nothing where the body is not understood.
 */
export const sightingsOf = (row: WaitingRow): readonly EventEnvelope[] => {
  const [, ...sightings] = toEnvelopes({
    rawBody: row.payload,
    eventIdHeader: row.razorpay_event_id,
    endpoint: row.endpoint,
    receivedAt: instant(Math.round(row.received_ms)),
    traceparent: row.traceparent ?? undefined,
  });
  return sightings.map((one) => ({ ...one, eventId: eventId(row.razorpay_event_id) }));
};

/** The same as they would arrive, of the families that are given. */
export const sightingArrivals = (row: WaitingRow, families: Families): readonly Arrival[] =>
  sightingsOf(row)
    .filter(({ family }) => families.aggregates.has(family))
    .map((envelope) =>
      arrivalOf(
        {
          offset: BigInt(row.kafka_offset),
          key: envelope.key,
          value: row.payload,
          envelope: { ok: true, value: envelope },
        },
        { topic: row.kafka_topic, partition: row.kafka_partition },
        families.aggregates,
        envelope.receivedAt,
      ),
    );

/** What ingest would make of a kept body today: the event, or the sighting of it that its id names. */
export const readAgain = ({
  eventId: id,
  rawBody,
}: {
  readonly eventId: string;
  readonly rawBody: Uint8Array;
}): Envelope => {
  const [event, ...sightings] = toEnvelopes({
    rawBody,
    eventIdHeader: id,
    endpoint: '',
    receivedAt: now(),
    traceparent: undefined,
  });
  const part = sightedPartOf(id);
  if (part === undefined || event.kind === 'quarantine') return event;
  const sighting = sightings.find((one) => one.sighting === part);
  return sighting ?? { ...event, kind: 'quarantine', reason: 'unknown-sighting', sighting: part };
};
