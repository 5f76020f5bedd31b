import type { EventName, Family, QuarantineReason } from '#catalogue';
import type { Envelope, EventEnvelope } from '#envelope';
import { beforeScrape, counterOf, gaugeOf, histogramOf } from '#platform/metrics';
import type { DeliveryReason, Registry } from '#platform/metrics';
import type { Admission } from './admission.ts';
import { answerOf, reasons } from './answers.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';

/**
 * What ingest counts. Labels: configured endpoints, the reasons of
 * answers.ts, catalogue names, positions in a list of secrets.
 */
export interface IngestMetrics {
  /** `traceId`: of a trace that is kept. */
  readonly answered: (endpoint: string, reason: DeliveryReason, seconds: number, traceId?: string) => void;
  readonly verified: (endpoint: string, position: number) => void;
  readonly routed: (envelope: Envelope) => void;
  /** A snapshot that went beside its delivery, as a record of its own. */
  readonly sighted: (envelope: EventEnvelope) => void;
  /** A connection that Node itself closed: a bad request line, oversize headers, headers that came too slowly. */
  readonly connectionRefused: (status: ConnectionStatus) => void;
}
export type ConnectionStatus = 400 | 408 | 431;

export const createIngestMetrics = (registry: Registry, admission: Admission): IngestMetrics => {
  const deliveries = counterOf(registry, 'dakia_ingest_deliveries_total');
  const answers = kept((endpoint: string) =>
    kept((reason: DeliveryReason) => deliveries.tally({ endpoint, outcome: answerOf(reason).outcome, reason })),
  );
  const seconds = histogramOf(registry, 'dakia_ingest_answer_seconds');
  const signatures = counterOf(registry, 'dakia_ingest_signatures_total');
  const events = counterOf(registry, 'dakia_ingest_events_total');
  const quarantined = counterOf(registry, 'dakia_ingest_quarantined_total');
  const sightings = counterOf(registry, 'dakia_ingest_sightings_total');
  const signers = kept((endpoint: string) =>
    kept((position: number) => signatures.tally({ endpoint, position: String(position + 1) })),
  );
  const routed = kept((event: EventName | 'quarantined') => events.tally({ event }));
  const sighted = kept((family: Family) => sightings.tally({ family }));
  const connections = counterOf(registry, 'dakia_ingest_bad_connections_total');
  // Shown from the start: Prometheus sees no increase in a series that begins with its first delivery.
  for (const reason of reasons) answers(DEFAULT_ENDPOINT)(reason);
  const requests = gaugeOf(registry, 'dakia_ingest_in_flight_requests');
  const bytes = gaugeOf(registry, 'dakia_ingest_in_flight_bytes');
  beforeScrape(registry, ['dakia_ingest_in_flight_requests', 'dakia_ingest_in_flight_bytes'], () => {
    const load = admission.load();
    requests.set({}, load.requests);
    bytes.set({}, load.bytes);
  });
  return {
    answered: (endpoint, reason, took, traceId) => {
      answers(endpoint)(reason).inc();
      seconds.observe({ outcome: answerOf(reason).outcome }, took, traceId);
    },
    verified: (endpoint, position) => signers(endpoint)(position).inc(),
    routed: (envelope) => {
      routed(envelope.kind === 'event' ? envelope.event : 'quarantined').inc();
      // This release has made it, so the reason is one of this release.
      if (envelope.kind === 'quarantine') quarantined.inc({ reason: envelope.reason as QuarantineReason });
    },
    sighted: ({ family }) => sighted(family).inc(),
    connectionRefused: (status) => connections.inc({ status: `${status}` }),
  };
};

/** What `make` gave for a key the first time. Keys are values of labels, which are few. */
const kept = <Key extends string | number, Value>(make: (key: Key) => Value): ((key: Key) => Value) => {
  const known = new Map<Key, Value>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    known.set(key, made);
    return made;
  };
};
