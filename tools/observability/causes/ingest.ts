import type { Group } from '../rules.ts';

const ingest = (title: string) => ({ dashboard: 'ingest', title });

/** What keeps Razorpay's deliveries from being taken. */
export const ingestCauses: Group = {
  name: 'dakia-ingest',
  alerts: [
    {
      name: 'DakiaNoTraffic',
      severity: 'page',
      expr: `sum by (namespace) (increase(dakia_ingest_deliveries_total[30m])) == 0
and sum by (namespace) (increase(dakia_ingest_deliveries_total[30m] offset 1w)) > 20`,
      for: '5m',
      summary: 'No delivery came within 30 minutes, and some did at this time a week ago: is the webhook disabled?',
      panel: ingest('Deliveries by outcome'),
      fires: {
        every: '15m',
        series: { 'dakia_ingest_deliveries_total{namespace="payments",outcome="accepted"}': '0+10x690 6900x30' },
        at: '7d6h',
        labels: { namespace: 'payments' },
        summary: 'No delivery came within 30 minutes, and some did at this time a week ago: is the webhook disabled?',
      },
      quiet: [
        {
          every: '15m',
          series: { 'dakia_ingest_deliveries_total{namespace="payments",outcome="accepted"}': '0x730' },
          at: '7d6h',
        },
      ],
    },
  ],
};
