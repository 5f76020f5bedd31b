import { counter, gauge, histogram, namedBy, oneOf } from '../declaration.ts';
import {
  deliveryOutcomes,
  deliveryReasons,
  endpoint,
  eventOrQuarantined,
  family,
  producerClient,
  producerFailureKinds,
  quarantineReason,
} from '../label-sets.ts';

const TROUBLE = 'Kafka does not take a batch';

/** Deliveries in, records out. */
export const ingestMetrics = {
  dakia_ingest_deliveries_total: counter(
    'Answered deliveries. Received = all of them; refused and unavailable were answered with no 200, the others ' +
      'are durable in Kafka.',
    { endpoint, outcome: oneOf(deliveryOutcomes), reason: oneOf(deliveryReasons) },
  ),
  dakia_ingest_answer_seconds: histogram(
    'Time from the headers of a delivery to its answer. Razorpay waits for 5 s.',
    { outcome: oneOf(deliveryOutcomes) },
    [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.5, 5],
    { traced: true },
  ),
  dakia_ingest_signatures_total: counter(
    'Authentic deliveries by position of the secret that matched, 1 first. An old secret whose count stands ' +
      'still is out of use.',
    { endpoint, position: namedBy('a number from 1, up to the secrets of the endpoint') },
  ),
  dakia_ingest_secrets: gauge('Webhook secrets in use. More than one: a rotation is under way.', { endpoint }),
  dakia_ingest_secret_reloads_total: counter(
    'Changed files of secrets, by whether they could be used.',
    { result: oneOf(['used', 'unusable']) },
    { movesOnlyWhen: 'a file of secrets changes' },
  ),
  dakia_ingest_events_total: counter('Durable deliveries by event; the quarantined ones together.', {
    event: eventOrQuarantined,
  }),
  dakia_ingest_quarantined_total: counter('Durable deliveries that the catalogue does not understand.', {
    reason: quarantineReason,
  }),
  dakia_ingest_sightings_total: counter(
    'Durable records of snapshots that stood beside the subject of a delivery, by the family of their entity.',
    { family },
  ),
  dakia_ingest_bad_connections_total: counter('Connections closed before they carried a request, by HTTP status.', {
    status: oneOf(['400', '408', '431']),
  }),
  dakia_ingest_in_flight_requests: gauge('Deliveries being read or stored.', {}),
  dakia_ingest_in_flight_bytes: gauge('Bytes of the bodies being read or stored.', {}),

  dakia_producer_unanswered_records: gauge('Records accepted and not answered yet.', { client: producerClient }),
  dakia_producer_unanswered_bytes: gauge('Bytes of the records accepted and not answered yet.', {
    client: producerClient,
  }),
  dakia_producer_batches_in_flight: gauge('Batches on their way to Kafka.', { client: producerClient }),
  dakia_producer_circuit_open: gauge(
    '1 while Kafka is taken for down and only probes are sent.',
    { client: producerClient },
    { movesOnlyWhen: 'four batches in a row fail' },
  ),
  dakia_producer_missing_topics: gauge(
    'Topics that do not exist in Kafka.',
    { client: producerClient },
    { movesOnlyWhen: 'a topic is missing' },
  ),
  dakia_producer_batch_records: histogram(
    'Records per batch sent to Kafka.',
    { client: producerClient },
    [1, 2, 5, 10, 20, 50, 100, 150, 200],
  ),
  dakia_producer_queue_seconds: histogram(
    'Time that the oldest record of a batch waited before the batch was sent.',
    { client: producerClient },
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3.3],
  ),
  dakia_producer_batch_seconds: histogram(
    'Time from sending a batch to its outcome.',
    { client: producerClient, result: oneOf(['durable', 'failed', 'late']) },
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.3],
  ),
  dakia_producer_failures_total: counter(
    'Sends and connection attempts that failed, by kind.',
    { client: producerClient, kind: oneOf(producerFailureKinds) },
    { movesOnlyWhen: TROUBLE },
  ),
  dakia_producer_client_replacements_total: counter(
    'Kafka clients given up because a send did not settle or a topic went away.',
    { client: producerClient },
    { movesOnlyWhen: TROUBLE },
  ),
} as const;
