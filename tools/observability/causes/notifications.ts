import type { Group } from '../rules.ts';

const notifications = (title: string) => ({ dashboard: 'notifications', title });
const NAMESPACE = { namespace: 'payments' };
const TO = { ...NAMESPACE, destination: 'order-system' };
const OF_DESTINATION = 'namespace="payments",destination="order-system"';

/** What keeps people and systems from being told, and the deadline that costs money when they are not. */
export const notificationCauses: Group = {
  name: 'dakia-notifications',
  alerts: [
    {
      name: 'DakiaOutboxOld',
      severity: 'page',
      expr: 'max by (namespace) (dakia_outbox_oldest_seconds) > 300',
      for: '2m',
      summary: 'A fact has waited for {{ $value | humanizeDuration }} to become notifications',
      panel: notifications('Age of the oldest fact'),
      fires: {
        series: { 'dakia_outbox_oldest_seconds{namespace="payments"}': '0+60x20' },
        at: '10m',
        labels: NAMESPACE,
        summary: 'A fact has waited for 10m 0s to become notifications',
      },
      quiet: [{ series: { 'dakia_outbox_oldest_seconds{namespace="payments"}': '0+60x5 10x20' }, at: '10m' }],
    },
    {
      name: 'DakiaQueueOld',
      severity: 'ticket',
      expr: 'max by (namespace, queue) (dakia_queue_oldest_seconds) > 300',
      for: '5m',
      summary: 'A job of {{ $labels.queue }} should have run {{ $value | humanizeDuration }} ago',
      panel: notifications('Age of the oldest job'),
      fires: {
        series: { 'dakia_queue_oldest_seconds{namespace="payments",queue="notify-order-system"}': '0+60x20' },
        at: '12m',
        labels: { ...NAMESPACE, queue: 'notify-order-system' },
        summary: 'A job of notify-order-system should have run 12m 0s ago',
      },
      quiet: [
        {
          series: { 'dakia_queue_oldest_seconds{namespace="payments",queue="notify-order-system"}': '0x12 400' },
          at: '12m',
        },
      ],
    },
    {
      name: 'DakiaDestinationDown',
      severity: 'ticket',
      expr: 'max by (namespace, destination) (dakia_notification_circuit_open) == 1',
      for: '5m',
      summary: '{{ $labels.destination }} does not take notifications and is left alone; they are kept',
      panel: notifications('Destinations left alone'),
      fires: {
        series: { [`dakia_notification_circuit_open{${OF_DESTINATION}}`]: '0 1x10' },
        at: '8m',
        labels: TO,
        summary: 'order-system does not take notifications and is left alone; they are kept',
      },
      quiet: [{ series: { [`dakia_notification_circuit_open{${OF_DESTINATION}}`]: '0 1 1 0x10' }, at: '8m' }],
    },
    {
      name: 'DakiaNotificationsFailed',
      severity: 'ticket',
      expr: 'sum by (namespace, destination) (increase(dakia_notification_attempts_total{outcome="failed"}[1h])) > 0',
      summary: '{{ $value | printf "%.0f" }} notifications to {{ $labels.destination }} were given up within an hour',
      panel: notifications('Attempts by outcome'),
      fires: {
        series: { [`dakia_notification_attempts_total{${OF_DESTINATION},outcome="failed"}`]: '0+1x70' },
        at: '65m',
        labels: TO,
        summary: '60 notifications to order-system were given up within an hour',
      },
      quiet: [
        {
          series: {
            [`dakia_notification_attempts_total{${OF_DESTINATION},outcome="failed"}`]: '4x70',
            [`dakia_notification_attempts_total{${OF_DESTINATION},outcome="delivered"}`]: '0+1x70',
          },
          at: '65m',
        },
      ],
    },
    {
      name: 'DakiaFactsUnusable',
      severity: 'ticket',
      expr: 'sum by (namespace) (increase(dakia_facts_unusable_total[1h])) > 0',
      summary: '{{ $value | printf "%.0f" }} facts within an hour could not be understood, so nobody was told of them',
      panel: notifications('Facts'),
      fires: {
        series: { 'dakia_facts_unusable_total{namespace="payments"}': '0+1x70' },
        at: '65m',
        labels: NAMESPACE,
        summary: '60 facts within an hour could not be understood, so nobody was told of them',
      },
      quiet: [{ series: { 'dakia_facts_unusable_total{namespace="payments"}': '2x70' }, at: '65m' }],
    },
    {
      name: 'DakiaDisputeDeadlineNear',
      severity: 'page',
      expr:
        'sum by (namespace) (max by (namespace, left) ' +
        '(dakia_deadlines_open{family="disputes",left="within-1d"})) > 0',
      summary: '{{ $value }} disputes have less than a day left and nobody has answered: silence loses the money',
      panel: notifications('Disputes by time left'),
      fires: {
        series: { 'dakia_deadlines_open{namespace="payments",family="disputes",left="within-1d"}': '0 2x5' },
        at: '2m',
        labels: NAMESPACE,
        summary: '2 disputes have less than a day left and nobody has answered: silence loses the money',
      },
      quiet: [
        {
          series: {
            'dakia_deadlines_open{namespace="payments",family="disputes",left="within-3d"}': '2x5',
            'dakia_deadlines_open{namespace="payments",family="disputes",left="within-1d"}': '0x5',
          },
          at: '2m',
        },
      ],
    },
  ],
};
