import { entityId, eventId, instant } from '#rules';
import { createEnvelopeDecoder, decodeEnvelope } from './decode.ts';
import { encodeEnvelope } from './encode.ts';
import type { Envelope } from './envelope.ts';
import { redriveDeadLetter, redriveQuarantined } from './redrive.ts';
import type { Stored } from './redrive.ts';

const decoder = createEnvelopeDecoder();
const base = {
  eventId: eventId('evt_1'),
  endpoint: 'shop',
  accountId: 'acc_1',
  occurredAt: instant(1_700_000_000_000),
  receivedAt: instant(1_700_000_001_234),
  traceparent: null,
};
const body = (event: string, subject: string, entity: object): Buffer =>
  Buffer.from(
    JSON.stringify({
      entity: 'event',
      account_id: 'acc_1',
      event,
      created_at: 1_700_000_000,
      payload: { [subject]: { entity } },
    }),
  );
const refund: Envelope = {
  ...base,
  kind: 'event',
  event: 'refund.failed',
  family: 'refunds',
  key: entityId('rfnd_1'),
  rawBody: body('refund.failed', 'refund', { id: 'rfnd_1' }),
};
const quarantined = (rawBody: Buffer): Envelope => ({
  ...base,
  kind: 'quarantine',
  event: 'refund.failed',
  reason: 'unknown-event',
  key: entityId('evt_1'),
  rawBody,
});

/** As it lies in Kafka, with more headers. */
const stored = (envelope: Envelope, more: Readonly<Record<string, string>> = {}): Stored => {
  const { key, value, headers } = encodeEnvelope(envelope, 7);
  return {
    key: Buffer.from(key),
    value,
    headers: Object.fromEntries(
      Object.entries({ ...headers, ...more }).map(([name, text]) => [name, Buffer.from(text)]),
    ),
  };
};

describe('a dead letter', () => {
  test('keeps key, bytes and headers, goes to the topic of its family, and is counted', async () => {
    const given = stored(refund, {
      'x-original-topic': 'rzp.refunds.v1',
      'x-exception-message': 'never_five',
      'x-redrive-count': '2',
    });
    const redrive = await redriveDeadLetter(decoder, given);
    expect(redrive).toMatchObject({
      kind: 'again',
      topic: 'rzp.refunds.v1',
      cause: 'never_five',
      record: {
        key: 'rfnd_1',
        headers: {
          'event-id': 'evt_1',
          'event-name': 'refund.failed',
          'x-original-topic': 'rzp.refunds.v1',
          'x-exception-message': 'never_five',
          'x-redrive-count': '3',
        },
      },
    });
    expect(redrive.kind === 'again' && redrive.record.value.equals(given.value ?? Buffer.alloc(0))).toBe(true);
  });

  test('that once came out of the quarantine goes to the topic of its family too', async () => {
    expect(await redriveDeadLetter(decoder, stored(refund, { 'x-original-topic': 'rzp.quarantine.v1' }))).toMatchObject(
      { topic: 'rzp.refunds.v1', record: { headers: { 'x-redrive-count': '1' } } },
    );
  });

  test('that cannot be read, or that no family applies, is left with the reason', async () => {
    expect(await redriveDeadLetter(decoder, { key: null, value: Buffer.from('nonsense'), headers: {} })).toEqual({
      kind: 'left',
      envelope: null,
      reason: 'the value is not a framed Avro record',
    });
    expect(await redriveDeadLetter(decoder, { key: null, value: null, headers: {} })).toMatchObject({ kind: 'left' });
    expect(await redriveDeadLetter(decoder, stored(quarantined(Buffer.from('{}'))))).toMatchObject({
      kind: 'left',
      reason: 'unknown-event',
    });
  });
});

describe('a quarantined delivery', () => {
  test('goes where the catalogue says today, as the delivery that it was', async () => {
    const redrive = await redriveQuarantined(decoder, stored(quarantined(refund.rawBody as Buffer)));
    expect(redrive).toMatchObject({
      kind: 'again',
      topic: 'rzp.refunds.v1',
      cause: 'unknown-event',
      record: {
        key: 'rfnd_1',
        headers: { 'event-id': 'evt_1', 'event-name': 'refund.failed', 'x-redrive-count': '1' },
      },
    });
    const decoded = redrive.kind === 'again' ? decodeEnvelope(redrive.record.value, redrive.record.headers) : undefined;
    expect(decoded).toEqual({ ok: true, value: refund });
  });

  test('what stands beside its subject goes with it, under the same id', async () => {
    const { rawBody } = refund;
    const whole = JSON.parse(Buffer.from(rawBody).toString()) as { payload: object };
    const both = { ...whole, payload: { ...whole.payload, payment: { entity: { id: 'pay_9', status: 'refunded' } } } };
    const redrive = await redriveQuarantined(decoder, stored(quarantined(Buffer.from(JSON.stringify(both)))));
    expect(redrive).toMatchObject({ kind: 'again', topic: 'rzp.refunds.v1' });
    const [sighting, ...others] = redrive.kind === 'again' ? redrive.beside : [];
    expect(others).toEqual([]);
    expect(sighting).toMatchObject({
      topic: 'rzp.payments.v1',
      record: { key: 'pay_9', headers: { 'event-id': refund.eventId, sighting: 'payment', 'x-redrive-count': '1' } },
    });
  });

  test('keeps an event id that no header could have had', async () => {
    const odd = { ...quarantined(refund.rawBody as Buffer), eventId: eventId('body-sha256-über') };
    expect(await redriveQuarantined(decoder, stored(odd))).toMatchObject({
      kind: 'again',
      envelope: { eventId: 'body-sha256-über' },
    });
  });

  test('that is still not understood, or is no JSON, is left with the reason', async () => {
    expect(
      await redriveQuarantined(decoder, stored(quarantined(body('no.such', 'refund', { id: 'x' })))),
    ).toMatchObject({ kind: 'left', reason: 'unknown-event', envelope: { eventId: 'evt_1' } });
    expect(await redriveQuarantined(decoder, stored(quarantined(Buffer.from('<xml>'))))).toMatchObject({
      kind: 'left',
      reason: 'not-json',
    });
    expect(await redriveQuarantined(decoder, { key: null, value: Buffer.alloc(3), headers: {} })).toMatchObject({
      kind: 'left',
      envelope: null,
    });
  });
});
