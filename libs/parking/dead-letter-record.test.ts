import { decodeEnvelope } from '#envelope';
import { entityId, eventId, instant } from '#rules';
import { deadLetterRecord } from './dead-letter-record.ts';
import type { UnpublishedDeadLetter } from './dead-letters.ts';

const letter: UnpublishedDeadLetter = {
  family: 'payments',
  key: 'pay_1',
  eventId: 'ev_1',
  created: '2026-11-24 10:00:00+00',
  event: 'payment.captured',
  endpoint: 'default',
  accountId: 'acc_1',
  occurredAt: instant(1_795_600_000_000),
  receivedAt: instant(1_795_600_001_234),
  sighting: null,
  rawBody: Buffer.from('{"a":  1}\u0000\uFFFD', 'utf8'),
  topic: 'rzp.quarantine.v1',
  partition: 7,
  offset: 2n ** 60n,
  group: 'payments',
  reason: 'violates check constraint "poison"',
  attempts: 7,
  firstFailedAt: new Date('2026-11-24T10:00:00.123Z'),
  deadAt: new Date('2026-11-24T17:00:00Z'),
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

test('has the key, the envelope with the very bytes, and says where it came from and why it is there', () => {
  const { key, value, headers } = deadLetterRecord(letter, 42);
  expect(key).toBe('pay_1');
  expect(headers).toEqual({
    'event-id': 'ev_1',
    'event-name': 'payment.captured',
    'schema-version': '2',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'x-original-topic': 'rzp.quarantine.v1',
    'x-original-partition': '7',
    'x-original-offset': '1152921504606846976',
    'x-consumer-group': 'payments',
    'x-exception-message': 'violates check constraint "poison"',
    'x-attempt': '7',
    'x-first-failed-at': '2026-11-24T10:00:00.123Z',
  });
  expect(value.readUInt32BE(1)).toBe(42);
  expect(decodeEnvelope(value, headers)).toEqual({
    ok: true,
    value: {
      kind: 'event',
      event: 'payment.captured',
      family: 'payments',
      key: entityId('pay_1'),
      eventId: eventId('ev_1'),
      endpoint: 'default',
      accountId: 'acc_1',
      occurredAt: letter.occurredAt,
      receivedAt: letter.receivedAt,
      traceparent: letter.traceparent,
      rawBody: letter.rawBody,
    },
  });
});

test('a sighting that died stays one, under the id of its delivery', () => {
  const { value, headers } = deadLetterRecord(
    { ...letter, eventId: 'ev_1.payment.0011223344556677', event: 'refund.processed', sighting: 'payment' },
    42,
  );
  expect(headers).toMatchObject({ 'event-id': 'ev_1', sighting: 'payment', 'event-name': 'refund.processed' });
  expect(decodeEnvelope(value, headers)).toMatchObject({
    ok: true,
    value: { kind: 'event', event: 'refund.processed', family: 'payments', eventId: 'ev_1', sighting: 'payment' },
  });
});

test.each([
  ['1 024 bytes are left whole', 'x'.repeat(1_024), 'x'.repeat(1_024)],
  ['one more is cut', 'x'.repeat(1_025), 'x'.repeat(1_024)],
  ['a character is never cut in two', `x${'₹'.repeat(400)}`, `x${'₹'.repeat(341)}`],
  ['nor one of four bytes', `${'x'.repeat(1_022)}😀`, 'x'.repeat(1_022)],
])('of a long cause: %s', (_case, reason, expected) => {
  expect(deadLetterRecord({ ...letter, reason }, 0).headers['x-exception-message']).toBe(expected);
});
