import { lines, of, perSecond, quantile, spread } from './panels.ts';
import type { Dashboard } from './panels.ts';

const KEPT = 'outcome=~"accepted|quarantined"';

export const ingest: Dashboard = {
  name: 'ingest',
  title: 'Dakia / Ingest',
  says: 'Deliveries of Razorpay until they are durable in Kafka.',
  rows: [
    {
      title: 'Deliveries',
      panels: [
        lines(
          'Deliveries by outcome',
          'ops',
          'Answers per second. Razorpay sends again what is unavailable, never what is refused.',
          [{ expr: `sum by (outcome) (${perSecond('dakia_ingest_deliveries_total')})`, legend: '{{outcome}}' }],
        ),
        lines(
          'Refusals by reason',
          'ops',
          'signature-mismatch beside accepted deliveries: a secret is wrong. Alone: somebody tries the door.',
          [
            {
              expr: `sum by (endpoint, reason) (${perSecond('dakia_ingest_deliveries_total', 'outcome="refused"')})`,
              legend: '{{endpoint}} {{reason}}',
            },
          ],
        ),
        lines('Unavailable by reason', 'ops', 'Answers 503 by what stood in the way.', [
          {
            expr: `sum by (reason) (${perSecond('dakia_ingest_deliveries_total', 'outcome="unavailable"')})`,
            legend: '{{reason}}',
          },
        ]),
        lines(
          'Time to answer',
          's',
          'From the headers to the answer, of acknowledged deliveries. Razorpay gives up after 5 s.',
          [...spread('dakia_ingest_answer_seconds', '', KEPT)],
        ),
        lines('Events by name', 'ops', 'Durable deliveries by event.', [
          { expr: `sum by (event) (${perSecond('dakia_ingest_events_total')})`, legend: '{{event}}' },
        ]),
        lines('In flight', 'short', 'Deliveries that are being read or stored.', [
          { expr: `sum(${of('dakia_ingest_in_flight_requests')})`, legend: 'requests' },
        ]),
        lines('In flight: bytes', 'bytes', 'Bytes of their bodies.', [
          { expr: `sum(${of('dakia_ingest_in_flight_bytes')})`, legend: 'bytes' },
        ]),
        lines('Instances', 'short', 'Ingests that Prometheus sees.', [
          { expr: `count(${of('dakia_ingest_in_flight_requests')})`, legend: 'instances' },
        ]),
      ],
    },
    {
      title: 'Secrets and the door',
      panels: [
        lines(
          'Signatures by position of the secret',
          'ops',
          'Which secret verified: 1 is the newest. The others are out of use when they stay at 0 for a day.',
          [
            {
              expr: `sum by (endpoint, position) (${perSecond('dakia_ingest_signatures_total')})`,
              legend: '{{endpoint}} secret {{position}}',
            },
          ],
        ),
        lines('Secrets in use', 'short', 'More than one: a rotation is under way.', [
          { expr: `max by (endpoint) (${of('dakia_ingest_secrets')})`, legend: '{{endpoint}}' },
        ]),
        lines(
          'Secret reloads',
          'short',
          'Changed files of secrets within the hour. unusable: the old ones stay in use.',
          [
            {
              expr: `sum by (result) (increase(${of('dakia_ingest_secret_reloads_total')}[1h]))`,
              legend: '{{result}}',
            },
          ],
        ),
        lines('Bad connections', 'ops', 'Connections that ended before they carried a request.', [
          { expr: `sum by (status) (${perSecond('dakia_ingest_bad_connections_total')})`, legend: '{{status}}' },
        ]),
        lines(
          'Certificate: time left',
          'dtdurations',
          'Of the certificate that Razorpay connects to. From cert-manager or a blackbox probe ' +
            'whose job is named dakia.',
          [
            {
              expr:
                'min by (name, instance) ' +
                '(certmanager_certificate_expiration_timestamp_seconds{name=~".*dakia.*"} - time() or ' +
                'probe_ssl_earliest_cert_expiry{job=~".*dakia.*"} - time())',
              legend: '{{name}}{{instance}}',
            },
          ],
          { onlyIn: 'the certificate is watched' },
        ),
      ],
    },
    {
      title: 'Producer',
      panels: [
        lines('Time in the batch queue', 's', 'Before a batch is sent.', [
          ...spread('dakia_producer_queue_seconds', 'client'),
        ]),
        lines('Time of a batch', 's', 'From sending a batch to its outcome.', [
          { expr: quantile(0.99, 'dakia_producer_batch_seconds', 'client, result'), legend: '{{client}} {{result}}' },
        ]),
        lines('Records per batch', 'short', 'Large batches under load are good: one write for many.', [
          ...spread('dakia_producer_batch_records', 'client'),
        ]),
        lines('Unanswered records', 'short', 'Taken by the producer and not confirmed by Kafka yet.', [
          { expr: `sum by (client) (${of('dakia_producer_unanswered_records')})`, legend: '{{client}}' },
        ]),
        lines(
          'Kafka taken for down',
          'bool_on_off',
          'While it is on, ingest answers 503 at once and only probes are sent.',
          [{ expr: `max by (client) (${of('dakia_producer_circuit_open')})`, legend: '{{client}}' }],
        ),
        lines(
          'Producer failures',
          'ops',
          'Sends and connections that failed, by kind.',
          [
            {
              expr: `sum by (client, kind) (${perSecond('dakia_producer_failures_total')})`,
              legend: '{{client}} {{kind}}',
            },
          ],
          { onlyIn: 'Kafka does not take a batch' },
        ),
      ],
    },
  ],
};
