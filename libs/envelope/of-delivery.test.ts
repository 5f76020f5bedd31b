import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { codePoint } from '#kit/code-point';
import { eventNames, quarantineReasons, route } from '#catalogue';
import { publishedBodies } from '#kit/published';
import { instant } from '#rules';
import { buildEvent } from '#simulator';
import { eventIdOf, isDerived } from './event-id.ts';
import { toEnvelopes } from './of-delivery.ts';
import type { Delivery } from './of-delivery.ts';

const delivery = (rawBody: Uint8Array, over: Partial<Delivery> = {}): Delivery => ({
  rawBody,
  eventIdHeader: 'TUoumpUn1znA6u',
  endpoint: 'default',
  receivedAt: instant(1_787_839_420_000),
  traceparent: undefined,
  ...over,
});
const toEnvelope = (given: Delivery) => toEnvelopes(given)[0];
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const captured = {
  entity: 'event',
  account_id: 'acc_1',
  event: 'payment.captured',
  payload: { payment: { entity: { id: 'pay_1' } } },
  created_at: 1_787_839_419,
};

test('an event carries what surrounds it, and its bytes as they were signed', () => {
  const rawBody = Buffer.from(`  ${JSON.stringify(captured)}\n`);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(toEnvelope(delivery(rawBody, { endpoint: 'test-mode', traceparent }))).toEqual({
    kind: 'event',
    event: 'payment.captured',
    family: 'payments',
    key: 'pay_1',
    eventId: 'TUoumpUn1znA6u',
    endpoint: 'test-mode',
    accountId: 'acc_1',
    occurredAt: 1_787_839_419_000,
    receivedAt: 1_787_839_420_000,
    traceparent,
    rawBody,
  });
});

test('what is not understood is quarantined with the reason, under its event id', () => {
  const reasonOf = (rawBody: Buffer) => {
    const envelope = toEnvelope(delivery(rawBody));
    expect(envelope).toMatchObject({ kind: 'quarantine', key: 'TUoumpUn1znA6u', rawBody });
    return envelope.kind === 'quarantine' ? envelope.reason : envelope.kind;
  };
  const { event: _event, ...nameless } = captured;
  expect(['', '{', '\uFEFF\uFEFF{}', 'null\u0000'].map((text) => reasonOf(Buffer.from(text)))).toEqual([
    'not-json',
    'not-json',
    'not-json',
    'not-json',
  ]);
  expect([[], null, 7, 'text', nameless, { ...captured, event: 7 }].map((body) => reasonOf(json(body)))).toEqual(
    Array.from({ length: 6 }, () => 'odd-shape'),
  );
  expect(reasonOf(json({ ...captured, event: 'payment.brand_new' }))).toBe('unknown-event');
  expect(reasonOf(json({ ...captured, payload: {} }))).toBe('no-subject');
  expect(reasonOf(json({ ...captured, payload: { payment: { entity: {} } } }))).toBe('no-entity-id');
});

test('a byte order mark before a body is no part of it, and stays in its bytes', () => {
  const rawBody = Buffer.concat([Buffer.from('\uFEFF'), json(captured)]);
  const { rawBody: _without, ...expected } = toEnvelope(delivery(json(captured)));
  expect(toEnvelope(delivery(rawBody))).toEqual({ ...expected, rawBody });
  expect(expected.kind).toBe('event');
});

test('an envelope agrees with the catalogue for every event and every published body', () => {
  const bodies = [...eventNames.map((event) => buildEvent(event)), ...publishedBodies().map(({ body }) => body)];
  expect(bodies.length).toBeGreaterThanOrEqual(eventNames.length);
  for (const body of bodies) {
    const routed = route(body);
    const { kind, event } = toEnvelope(delivery(json(body)));
    expect([kind, event]).toEqual([routed.kind === 'routed' ? 'event' : 'quarantine', routed.event]);
  }
});

test('no bytes and no headers make it throw', () => {
  const deep = Buffer.from('['.repeat(200_000));
  expect(toEnvelope(delivery(deep))).toMatchObject({ reason: 'not-json' });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(`{"event":"payment.captured","payload":{"payment":${text}}}`)),
  );
  fc.assert(
    fc.property(body, fc.option(fc.string({ unit: codePoint }), { nil: undefined }), (rawBody, header) => {
      const envelope = toEnvelope(delivery(rawBody, { eventIdHeader: header, traceparent: header }));
      if (envelope.kind === 'quarantine') expect(quarantineReasons).toContain(envelope.reason);
      expect(envelope.key).not.toBe('');
    }),
  );
});

test('a trace context that is none is left out', () => {
  for (const traceparent of [
    '',
    'x',
    '00-short-00f067aa0ba902b7-01',
    `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`,
  ]) {
    expect(toEnvelope(delivery(json(captured), { traceparent })).traceparent).toBeNull();
  }
});

describe('event id', () => {
  const body = Buffer.from('{"event":"payment.captured"}');
  const derived = `sha256.${createHash('sha256').update(body).digest('hex')}`;

  test('is the header where that can be used, as the three forms seen live', () => {
    for (const id of ['TUoumpUn1znA6u', 'Rp71ZiqdEWusLa', 'PU86a6M8TtqYOS', 'evt_1', 'a'.repeat(64)]) {
      expect(eventIdOf(id, body)).toBe(id);
      expect(isDerived(eventIdOf(id, body))).toBe(false);
    }
  });

  test('is derived from the body where the header is missing or unusable, the same on every retry', () => {
    const noIds = ['undefined', 'null', 'NULL', 'None', 'nil', 'NaN', 'true', 'false', '0', '-', '[object Object]'];
    for (const header of [
      undefined,
      '',
      ' ',
      'a b',
      'id, id',
      'é',
      'a'.repeat(65),
      'sha256.forged',
      "x'; --",
      ...noIds,
    ])
      expect(eventIdOf(header, body)).toBe(derived);
    expect(eventIdOf(undefined, Buffer.from(body))).toBe(derived);
    expect(eventIdOf(undefined, Buffer.from('{"event":"payment.captured" }'))).not.toBe(derived);
    expect(isDerived(eventIdOf(undefined, body))).toBe(true);
  });

  test('no header can pass for a derived id', () => {
    const forged = fc.constantFrom(derived, derived.toUpperCase(), `${derived} `, derived.replace('.', '_'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), forged), fc.uint8Array(), (header, bytes) => {
        const id = eventIdOf(header, bytes);
        expect(isDerived(id)).toBe(id !== header);
      }),
    );
  });
});
