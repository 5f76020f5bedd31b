import type { Group } from '../rules.ts';

const retries = (title: string) => ({ dashboard: 'retries', title });
const NAMESPACE = { namespace: 'payments' };
const OF_FAMILY = { ...NAMESPACE, family: 'refunds' };
const REFUNDS = 'namespace="payments",family="refunds"';

/** Events that are kept and wait: for another event, for a fix, for a decision. */
export const keptAsideCauses: Group = {
  name: 'dakia-kept-aside',
  alerts: [
    {
      name: 'DakiaParkedOld',
      severity: 'ticket',
      expr: 'max by (namespace, family) (dakia_parked_oldest_seconds) > 3600',
      summary:
        'An entity of {{ $labels.family }} has waited for {{ $value | humanizeDuration }} behind an event that fails',
      panel: retries('Age of the oldest parked entity'),
      fires: {
        series: { [`dakia_parked_oldest_seconds{${REFUNDS}}`]: '3600+60x10' },
        at: '5m',
        labels: OF_FAMILY,
        summary: 'An entity of refunds has waited for 1h 5m 0s behind an event that fails',
      },
      quiet: [{ series: { [`dakia_parked_oldest_seconds{${REFUNDS}}`]: '3000+60x10' }, at: '5m' }],
    },
    {
      name: 'DakiaParkedMany',
      severity: 'page',
      expr: 'sum by (namespace) (max by (namespace, family) (dakia_parked_keys)) > 100',
      for: '10m',
      summary: '{{ $value }} entities wait behind events that fail: this is no single bad event',
      panel: retries('Parked entities'),
      fires: {
        series: { [`dakia_parked_keys{${REFUNDS}}`]: '0 300x20' },
        at: '12m',
        labels: NAMESPACE,
        summary: '300 entities wait behind events that fail: this is no single bad event',
      },
      quiet: [
        { series: { [`dakia_parked_keys{${REFUNDS}}`]: '300x5 20x20' }, at: '12m' },
        {
          series: {
            [`dakia_parked_keys{${REFUNDS},pod="a"}`]: '60x20',
            [`dakia_parked_keys{${REFUNDS},pod="b"}`]: '60x20',
          },
          at: '12m',
        },
      ],
    },
    {
      name: 'DakiaDeadLetters',
      severity: 'ticket',
      expr: 'max by (namespace, family) (dakia_dead_letters_open) > 0',
      for: '5m',
      summary: '{{ $value }} events of {{ $labels.family }} were given up and wait for a decision',
      panel: retries('Dead letters'),
      fires: {
        series: { [`dakia_dead_letters_open{${REFUNDS}}`]: '0 3x10' },
        at: '8m',
        labels: OF_FAMILY,
        summary: '3 events of refunds were given up and wait for a decision',
      },
      quiet: [{ series: { [`dakia_dead_letters_open{${REFUNDS}}`]: '0 3 0x10' }, at: '8m' }],
    },
    {
      name: 'DakiaDeadLetterFlood',
      severity: 'page',
      expr: 'sum by (namespace) (increase(dakia_dead_letters_total[15m])) > 50',
      summary: '{{ $value | printf "%.0f" }} events were given up within 15 minutes: something rejects them all',
      panel: retries('Given up'),
      fires: {
        series: { [`dakia_dead_letters_total{${REFUNDS}}`]: '0+10x20' },
        at: '16m',
        labels: NAMESPACE,
        summary: '150 events were given up within 15 minutes: something rejects them all',
      },
      quiet: [{ series: { [`dakia_dead_letters_total{${REFUNDS}}`]: '0+3x20' }, at: '16m' }],
    },
    {
      name: 'DakiaQuarantineGrowing',
      severity: 'ticket',
      expr: 'sum by (namespace, reason) (increase(dakia_ingest_quarantined_total[1h])) > 0',
      summary:
        '{{ $value | printf "%.0f" }} authentic deliveries within an hour were not understood ({{ $labels.reason }})',
      panel: retries('Quarantined'),
      fires: {
        series: { 'dakia_ingest_quarantined_total{namespace="payments",reason="unknown-event"}': '0+1x90' },
        at: '80m',
        labels: { ...NAMESPACE, reason: 'unknown-event' },
        summary: '60 authentic deliveries within an hour were not understood (unknown-event)',
      },
      quiet: [
        {
          series: { 'dakia_ingest_quarantined_total{namespace="payments",reason="unknown-event"}': '7x90' },
          at: '80m',
        },
      ],
    },
    {
      name: 'DakiaQuarantineOld',
      severity: 'ticket',
      expr: 'max by (namespace) (dakia_quarantine_oldest_seconds) > 3 * 86400',
      summary: 'A delivery has been in the quarantine for {{ $value | humanizeDuration }}',
      panel: retries('Age of the oldest in quarantine'),
      fires: {
        series: { 'dakia_quarantine_oldest_seconds{namespace="payments"}': '345600x3' },
        at: '2m',
        labels: NAMESPACE,
        summary: 'A delivery has been in the quarantine for 4d 0h 0m 0s',
      },
      quiet: [{ series: { 'dakia_quarantine_oldest_seconds{namespace="payments"}': '172800x3' }, at: '2m' }],
    },
  ],
};
