import { receivedIn, unkept } from './received.ts';
import type { Answer } from './received.ts';

const said = (at: string, ...lines: readonly string[]): Answer => ({ at, text: `# HELP x y\n${lines.join('\n')}\n` });
const deliveries = (outcome: string, reason: string, count: number): string =>
  `dakia_ingest_deliveries_total{endpoint="default",outcome="${outcome}",reason="${reason}"} ${count}`;

const one = said(
  '10.0.0.1:9400',
  'process_start_time_seconds 1700000000',
  deliveries('accepted', 'durable', 90),
  deliveries('quarantined', 'quarantined', 3),
  deliveries('refused', 'signature-mismatch', 4),
  deliveries('unavailable', 'kafka-down', 0),
  'dakia_ingest_events_total{event="payment.captured"} 80',
  'dakia_ingest_events_total{event="refund.processed"} 10',
  'dakia_ingest_events_total{event="quarantined"} 3',
  'dakia_ingest_events_total{event="payment.of_a_newer_release"} 7',
  'dakia_ingest_sightings_total{family="payments"} 10',
  'dakia_ingest_sightings_total{family="of_a_newer_release"} 5',
  'dakia_ingest_answer_seconds_count{outcome="accepted"} 90',
);
const other = said(
  '10.0.0.2:9400',
  'process_start_time_seconds 1700000600',
  deliveries('accepted', 'durable', 10),
  deliveries('refused', 'path-unknown', 9),
  deliveries('unavailable', 'kafka-down', 2),
  'dakia_ingest_events_total{event="payment.captured"} 10',
);

test('what all processes received is what they accepted, refused and could not take, since the first started', () => {
  const received = receivedIn([one, other]);
  expect(received).toMatchObject({
    processes: 2,
    silent: [],
    since: '2023-11-14T22:13:20.000Z',
    received: 118,
    accepted: 103,
    quarantined: 3,
    refused: 13,
    unavailable: 2,
    reasons: [
      ['path-unknown', 9],
      ['signature-mismatch', 4],
      ['kafka-down', 2],
    ],
  });
  expect(received.received).toBe(received.accepted + received.refused + received.unavailable);
});

test('records are counted by the topic that they lie in, sightings with the events of their entity', () => {
  expect(receivedIn([one, other]).confirmed).toEqual({
    'rzp.payments.v1': 100,
    'rzp.refunds.v1': 10,
    'rzp.quarantine.v1': 3,
  });
});

test('a process that does not answer, or receives nothing, is named and not counted', () => {
  const received = receivedIn([
    { at: '10.0.0.3:9400', problem: '10.0.0.3:9400 does not answer: timeout' },
    said('10.0.0.4:9400', 'process_start_time_seconds 1600000000', 'dakia_events_total{family="payments"} 5'),
    other,
  ]);
  expect(received).toMatchObject({
    processes: 1,
    silent: ['10.0.0.3:9400 does not answer: timeout', '10.0.0.4:9400 receives no webhooks'],
    since: '2023-11-14T22:23:20.000Z',
    received: 21,
  });
  expect(receivedIn([])).toMatchObject({ processes: 0, since: null, received: 0 });
});

test('a topic that has fewer records than were confirmed has lost some', () => {
  const received = receivedIn([one, other]);
  const logs = (payments: bigint) => [
    { topic: 'rzp.payments.v1', endOffset: payments },
    { topic: 'rzp.payments.v1', endOffset: 40n },
    { topic: 'rzp.refunds.v1', endOffset: 10n },
    { topic: 'rzp.quarantine.v1', endOffset: 4n },
  ];
  expect(unkept(received, logs(60n))).toEqual([]);
  expect(unkept(received, logs(59n))).toEqual([{ topic: 'rzp.payments.v1', confirmed: 100, inKafka: 99 }]);
});
