import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import type { Envelope } from '#envelope';
import type { Admission } from './admission.ts';
import { answerOf } from './answers.ts';
import type { Reason } from './answers.ts';

const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.5, 5];

/** What ingest counts. Labels: configured endpoints, the reasons of answers.ts, catalogue names, positions in a list of secrets. */
export interface IngestMetrics {
  readonly answered: (endpoint: string, reason: Reason, seconds: number) => void;
  readonly verified: (endpoint: string, position: number) => void;
  readonly routed: (envelope: Envelope) => void;
  /** A connection that Node itself closed: a bad request line, oversize headers, headers that came too slowly. */
  readonly connectionRefused: (status: number) => void;
}

export const createIngestMetrics = (registry: Registry, admission: Admission): IngestMetrics => {
  const registers = [registry];
  const deliveries = new promClient.Counter({
    name: 'dakia_ingest_deliveries_total',
    help: 'Answered deliveries.',
    labelNames: ['endpoint', 'outcome', 'reason'],
    registers,
  });
  const seconds = new promClient.Histogram({
    name: 'dakia_ingest_answer_seconds',
    help: 'Time from the headers of a delivery to its answer.',
    labelNames: ['outcome'],
    buckets: SECONDS_BUCKETS,
    registers,
  });
  const signatures = new promClient.Counter({
    name: 'dakia_ingest_signatures_total',
    help: 'Authentic deliveries by position of the secret that matched, 1 first. An old secret whose count stands still is out of use.',
    labelNames: ['endpoint', 'position'],
    registers,
  });
  const events = new promClient.Counter({
    name: 'dakia_ingest_events_total',
    help: 'Durable deliveries by event; the quarantined ones together.',
    labelNames: ['event'],
    registers,
  });
  const quarantined = new promClient.Counter({
    name: 'dakia_ingest_quarantined_total',
    help: 'Durable deliveries that the catalogue does not understand.',
    labelNames: ['reason'],
    registers,
  });
  const connections = new promClient.Counter({
    name: 'dakia_ingest_bad_connections_total',
    help: 'Connections closed before they carried a request.',
    labelNames: ['status'],
    registers,
  });
  new promClient.Gauge({
    name: 'dakia_ingest_in_flight_requests',
    help: 'Deliveries being read or stored.',
    registers,
    collect() {
      this.set(admission.load().requests);
    },
  });
  new promClient.Gauge({
    name: 'dakia_ingest_in_flight_bytes',
    help: 'Bytes of the bodies being read or stored.',
    registers,
    collect() {
      this.set(admission.load().bytes);
    },
  });
  return {
    answered: (endpoint, reason, took) => {
      const { outcome } = answerOf(reason);
      deliveries.inc({ endpoint, outcome, reason });
      seconds.observe({ outcome }, took);
    },
    verified: (endpoint, position) => signatures.inc({ endpoint, position: position + 1 }),
    routed: (envelope) => {
      events.inc({ event: envelope.kind === 'event' ? envelope.event : 'quarantined' });
      if (envelope.kind === 'quarantine') quarantined.inc({ reason: envelope.reason });
    },
    connectionRefused: (status) => connections.inc({ status }),
  };
};
