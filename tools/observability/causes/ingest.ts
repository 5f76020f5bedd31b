import type { Group } from '../rules.ts';

const ingest = (title: string) => ({ dashboard: 'ingest', title });
const NAMESPACE = { namespace: 'payments' };

/** Razorpay gives up after 5 s, so half of it is the last moment to act. */
const NEAR_LIMIT_SECONDS = 2.5;

/** What keeps Razorpay's deliveries from being taken. */
export const ingestCauses: Group = {
  name: 'dakia-ingest',
  alerts: [
    {
      name: 'DakiaNoTraffic',
      severity: 'page',
      expr: `sum by (namespace) (increase(dakia_ingest_deliveries_total[30m] offset 1w)) > 20
unless sum by (namespace) (increase(dakia_ingest_deliveries_total[30m])) > 0`,
      for: '5m',
      summary: 'No delivery within 30 minutes; at this time a week ago there were {{ $value | printf "%.0f" }}',
      panel: ingest('Deliveries by outcome'),
      fires: {
        every: '15m',
        series: { 'dakia_ingest_deliveries_total{namespace="payments",outcome="accepted"}': '0+30x690 20700x30' },
        at: '7d6h',
        labels: NAMESPACE,
        summary: 'No delivery within 30 minutes; at this time a week ago there were 60',
      },
      quiet: [
        {
          every: '15m',
          series: { 'dakia_ingest_deliveries_total{namespace="payments",outcome="accepted"}': '0+30x730' },
          at: '7d6h',
        },
        {
          every: '15m',
          series: { 'dakia_ingest_deliveries_total{namespace="payments",outcome="accepted"}': '0x730' },
          at: '7d6h',
        },
      ],
    },
    {
      name: 'DakiaMetricsMissing',
      severity: 'page',
      expr: 'absent(dakia_ingest_in_flight_requests)',
      for: '5m',
      summary: 'Prometheus has no metric of any ingest since 5 minutes: none runs, or none is scraped',
      panel: ingest('Instances'),
      fires: {
        series: { 'dakia_ingest_in_flight_requests{namespace="payments"}': '0 0 0 stale' },
        at: '10m',
        summary: 'Prometheus has no metric of any ingest since 5 minutes: none runs, or none is scraped',
      },
      quiet: [{ series: { 'dakia_ingest_in_flight_requests{namespace="payments"}': '0x15' }, at: '10m' }],
    },
    {
      name: 'DakiaSignaturesFailing',
      severity: 'page',
      expr: `(
  sum by (namespace, endpoint) (increase(dakia_ingest_deliveries_total{reason="signature-mismatch"}[10m])) > 20
)
/
sum by (namespace, endpoint) (increase(dakia_ingest_deliveries_total[10m]))
> 0.2`,
      summary:
        '{{ $value | humanizePercentage }} of the deliveries to {{ $labels.endpoint }} have a signature ' +
        'of none of its secrets',
      panel: ingest('Refusals by reason'),
      fires: {
        series: {
          'dakia_ingest_deliveries_total{namespace="payments",endpoint="default",reason="signature-mismatch"}':
            '0+5x20',
          'dakia_ingest_deliveries_total{namespace="payments",endpoint="default",reason="durable"}': '0+5x20',
        },
        at: '15m',
        labels: { ...NAMESPACE, endpoint: 'default' },
        summary: '50% of the deliveries to default have a signature of none of its secrets',
      },
      quiet: [
        {
          series: {
            'dakia_ingest_deliveries_total{namespace="payments",endpoint="default",reason="signature-mismatch"}':
              '0+5x20',
            'dakia_ingest_deliveries_total{namespace="payments",endpoint="default",reason="durable"}': '0+50x20',
          },
          at: '15m',
        },
        {
          series: {
            'dakia_ingest_deliveries_total{namespace="payments",endpoint="default",reason="signature-mismatch"}':
              '0+1x20',
          },
          at: '15m',
        },
      ],
    },
    {
      name: 'DakiaOldSecretInUse',
      severity: 'ticket',
      expr: 'sum by (namespace, endpoint) (increase(dakia_ingest_signatures_total{position!="1"}[1h])) > 0',
      for: '25h',
      summary:
        'For more than a day deliveries to {{ $labels.endpoint }} have been signed with an old secret, {{ $value ' +
        '| printf "%.0f" }} in the last hour',
      panel: ingest('Signatures by position of the secret'),
      fires: {
        every: '15m',
        series: {
          'dakia_ingest_signatures_total{namespace="payments",endpoint="default",position="2"}': '0+3x120',
        },
        at: '27h',
        labels: { ...NAMESPACE, endpoint: 'default' },
        summary: 'For more than a day deliveries to default have been signed with an old secret, 12 in the last hour',
      },
      quiet: [
        {
          every: '15m',
          series: {
            'dakia_ingest_signatures_total{namespace="payments",endpoint="default",position="1"}': '0+3x120',
            'dakia_ingest_signatures_total{namespace="payments",endpoint="default",position="2"}': '0+3x80 240x40',
          },
          at: '27h',
        },
      ],
    },
    {
      name: 'DakiaSecretsUnusable',
      severity: 'page',
      expr: 'sum by (namespace) (increase(dakia_ingest_secret_reloads_total{result="unusable"}[15m])) > 0',
      summary: 'A changed file of webhook secrets cannot be used; ingest goes on with those it had',
      panel: ingest('Secret reloads'),
      fires: {
        series: { 'dakia_ingest_secret_reloads_total{namespace="payments",result="unusable"}': '0 0 1x10' },
        at: '5m',
        labels: NAMESPACE,
        summary: 'A changed file of webhook secrets cannot be used; ingest goes on with those it had',
      },
      quiet: [
        {
          series: {
            'dakia_ingest_secret_reloads_total{namespace="payments",result="unusable"}': '0x12',
            'dakia_ingest_secret_reloads_total{namespace="payments",result="used"}': '0 0 1x10',
          },
          at: '5m',
        },
      ],
    },
    {
      name: 'DakiaAnswersNearLimit',
      severity: 'page',
      expr:
        'histogram_quantile(0.99, sum by (namespace, le) ' +
        `(rate(dakia_ingest_answer_seconds_bucket{outcome=~"accepted|quarantined"}[5m]))) > ${NEAR_LIMIT_SECONDS}`,
      for: '5m',
      summary:
        'One in a hundred acknowledgements takes {{ $value | printf "%.1f" }} s or longer; Razorpay gives up after 5 s',
      panel: ingest('Time to answer'),
      fires: {
        series: {
          'dakia_ingest_answer_seconds_bucket{namespace="payments",outcome="accepted",le="2"}': '0+90x20',
          'dakia_ingest_answer_seconds_bucket{namespace="payments",outcome="accepted",le="3.5"}': '0+100x20',
          'dakia_ingest_answer_seconds_bucket{namespace="payments",outcome="accepted",le="+Inf"}': '0+100x20',
        },
        at: '12m',
        labels: NAMESPACE,
        summary: 'One in a hundred acknowledgements takes 3.4 s or longer; Razorpay gives up after 5 s',
      },
      quiet: [
        {
          series: {
            'dakia_ingest_answer_seconds_bucket{namespace="payments",outcome="accepted",le="2"}': '0+99x20',
            'dakia_ingest_answer_seconds_bucket{namespace="payments",outcome="accepted",le="+Inf"}': '0+100x20',
          },
          at: '12m',
        },
      ],
    },
    {
      name: 'DakiaCertificateExpiring',
      severity: 'page',
      expr: `min by (namespace, name, instance) (
  certmanager_certificate_expiration_timestamp_seconds{name=~".*dakia.*"} - time()
  or probe_ssl_earliest_cert_expiry{job=~".*dakia.*"} - time()
) < 3 * 86400`,
      summary: 'The certificate that Razorpay connects to ends in {{ $value | humanizeDuration }}',
      panel: ingest('Certificate: time left'),
      fires: {
        series: { 'probe_ssl_earliest_cert_expiry{job="dakia-webhook",instance="hooks.example.com"}': '172800x5' },
        at: '0m',
        labels: { instance: 'hooks.example.com' },
        summary: 'The certificate that Razorpay connects to ends in 2d 0h 0m 0s',
      },
      quiet: [
        {
          series: { 'probe_ssl_earliest_cert_expiry{job="dakia-webhook",instance="hooks.example.com"}': '345600x5' },
          at: '0m',
        },
      ],
    },
  ],
};
