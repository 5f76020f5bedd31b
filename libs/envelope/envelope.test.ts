import avsc from 'avsc';
import fc from 'fast-check';
import { eventNames, eventSpec, quarantineReasons, sightedFamily } from '#catalogue';
import { entityId, eventId, instant } from '#rules';
import { createEnvelopeDecoder, decodeEnvelope } from './decode.ts';
import { encodeEnvelope } from './encode.ts';
import type { Envelope } from './envelope.ts';
import { envelopeSchemaV1 } from './schema-v1.ts';
import { envelopeSchema } from './schema-v2.ts';

const captured = (over: Partial<Envelope> = {}): Envelope =>
  ({
    kind: 'event',
    event: 'payment.captured',
    family: 'payments',
    eventId: eventId('evt_1'),
    key: entityId('pay_1'),
    endpoint: 'default',
    accountId: 'acc_1',
    occurredAt: instant(1_700_000_000_000),
    receivedAt: instant(1_700_000_001_234),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    rawBody: Buffer.from('{"event":"payment.captured"}'),
    ...over,
  }) as Envelope;

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const times = fc.integer({ min: 0, max: 4_102_444_800_000 }).map(instant);
const surroundings = fc.record({
  eventId: text.map(eventId),
  key: text.map(entityId),
  endpoint: text,
  accountId: fc.option(text),
  occurredAt: fc.option(times),
  receivedAt: times,
  traceparent: fc.option(text),
  rawBody: fc.uint8Array({ maxLength: 4096 }),
});
const anyEnvelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.tuple(surroundings, fc.constantFrom(...eventNames)).map(
    ([base, event]): Envelope => ({
      ...base,
      kind: 'event',
      event,
      family: eventSpec(event).family,
    }),
  ),
  fc
    .tuple(surroundings, fc.oneof(fc.constantFrom(...quarantineReasons), text), fc.option(text))
    .map(([base, reason, event]): Envelope => ({ ...base, kind: 'quarantine', reason, event })),
  fc.tuple(surroundings, fc.constantFrom(...eventNames), fc.constantFrom('payment' as const, 'order' as const)).map(
    ([base, event, sighting]): Envelope => ({
      ...base,
      kind: 'event',
      event,
      family: sightedFamily(sighting),
      sighting,
    }),
  ),
);
/** With which secret it was signed, where it is a delivery. */
const anySigned = fc
  .tuple(anyEnvelope, fc.integer({ min: 1, max: 16 }))
  .map(([envelope, secretPosition]) => (envelope.sighting === undefined ? { ...envelope, secretPosition } : envelope));
/** Equal content, whether the bytes are a Buffer or a Uint8Array. */
const comparable = (envelope: Envelope) => ({ ...envelope, rawBody: Buffer.from(envelope.rawBody).toString('hex') });

/** A frame around data that was written with another schema. */
const framed = (schemaId: number, schema: unknown, row: unknown): Buffer => {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  return Buffer.concat([header, avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false }).toBuffer(row)]);
};
const rowOf = (envelope: Envelope) => ({
  reason: null,
  sighting: null,
  ...envelope,
  rawBody: Buffer.from(envelope.rawBody),
});

describe('envelope codec', () => {
  test('every envelope comes back as it was, byte for byte', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyEnvelope, anySigned),
        fc.integer({ min: 0, max: 2_147_483_647 }),
        (envelope, schemaId) => {
          const record = encodeEnvelope(envelope, schemaId);
          const decoded = decodeEnvelope(record.value, record.headers);
          expect(decoded.ok && comparable(decoded.value)).toEqual(comparable(envelope));
          expect(record.key).toBe(envelope.key);
        },
      ),
    );
  });

  test('a body of 1 MiB fits, and the records made before and after it stay as they were', () => {
    const small = encodeEnvelope(captured(), 1);
    const before = Buffer.from(small.value);
    const large = captured({ rawBody: Buffer.alloc(1024 * 1024, 7) });
    const decoded = decodeEnvelope(encodeEnvelope(large, 1).value, small.headers);
    encodeEnvelope(captured({ eventId: eventId('evt_other') }), 2);
    expect(decoded.ok && decoded.value.rawBody.length).toBe(1024 * 1024);
    expect(small.value.equals(before)).toBe(true);
  });

  test('which secret signed it is in a header, of the delivery alone; what is no position there is none', () => {
    const record = encodeEnvelope(captured({ secretPosition: 2 }), 7);
    expect(record.headers['secret-position']).toBe('2');
    expect(encodeEnvelope(captured({ secretPosition: 2, sighting: 'order' }), 7).headers).not.toHaveProperty(
      'secret-position',
    );
    for (const odd of ['0', '-1', '100', 'x', ''])
      expect(decodeEnvelope(record.value, { ...record.headers, 'secret-position': odd })).toEqual({
        ok: true,
        value: captured(),
      });
  });

  test('the value is a Confluent frame; the headers carry id, name, version and trace', () => {
    const record = encodeEnvelope(captured(), 7);
    expect(record.value.subarray(0, 5).toString('hex')).toBe('0000000007');
    expect(record.headers).toEqual({
      'event-id': 'evt_1',
      'event-name': 'payment.captured',
      'schema-version': '2',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
  });

  test.each([
    ['no value', null, 'framed'],
    ['no bytes', Buffer.alloc(0), 'framed'],
    ['another magic byte', Buffer.from('010000000100', 'hex'), 'framed'],
    ['rubbish', Buffer.from('00000000017b226576656e74', 'hex'), 'cannot be read'],
    ['a cut record', encodeEnvelope(captured(), 1).value.subarray(0, -1), 'cannot be read'],
    [
      'a record with a tail',
      Buffer.concat([encodeEnvelope(captured(), 1).value, Buffer.from('00', 'hex')]),
      'cannot be read',
    ],
    ['an empty event id', framed(1, envelopeSchema, rowOf(captured({ eventId: eventId('') }))), 'event id is empty'],
    ['an empty key', framed(1, envelopeSchema, rowOf(captured({ key: entityId('') }))), 'key is empty'],
    ['neither event nor reason', framed(1, envelopeSchema, { ...rowOf(captured()), event: null }), 'neither'],
  ])('what cannot be read is a value with the reason: %s', (_case, value, reason) => {
    expect(decodeEnvelope(value, { 'schema-version': Buffer.from('2') })).toEqual({
      ok: false,
      issues: [expect.stringContaining(reason)],
    });
  });

  test('any bytes at all are answered, never thrown at', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (bytes) => void decodeEnvelope(Buffer.concat([Buffer.alloc(5), bytes]), { 'schema-version': '2' }),
      ),
    );
  });

  test('an event of a newer catalogue is quarantined as unknown with all that is known of it', () => {
    const record = framed(1, envelopeSchema, { ...rowOf(captured()), event: 'payment.teleported' });
    expect(decodeEnvelope(record, { 'schema-version': '2' })).toMatchObject({
      ok: true,
      value: {
        kind: 'quarantine',
        reason: 'unknown-event',
        event: 'payment.teleported',
        eventId: 'evt_1',
        key: 'pay_1',
      },
    });
  });
});

describe('versions 1 and 2, as old and new processes work side by side', () => {
  const typeOf = (schema: unknown) => avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false });
  const [v1, v2] = [typeOf(envelopeSchemaV1), typeOf(envelopeSchema)];

  test('what an old writer has written is read as the event that it is', () => {
    fc.assert(
      fc.property(anyEnvelope, (envelope) => {
        if (envelope.sighting !== undefined) return;
        const value = framed(1, envelopeSchemaV1, rowOf(envelope));
        const decoded = decodeEnvelope(value, { 'schema-version': '1' });
        expect(decoded.ok && comparable(decoded.value)).toEqual(comparable(envelope));
      }),
    );
  });

  test('an old reader reads a new event as it is, and takes a sighting for something that it does not understand, under an id of its own', () => {
    const old = (envelope: Envelope): unknown =>
      v1.fromBuffer(encodeEnvelope(envelope, 1).value.subarray(5), v1.createResolver(v2));
    expect(old(captured())).toMatchObject({ event: 'payment.captured', key: 'pay_1', reason: null });
    expect(old(captured({ event: 'refund.processed', sighting: 'payment' }))).toMatchObject({
      event: 'refund.processed',
      reason: 'sighting of payment',
      eventId: expect.stringMatching(/^evt_1\.payment\.[0-9a-f]{16}$/) as string,
    });
  });

  test('a sighting that only a newer release knows is kept as what it is', () => {
    const row = { ...rowOf(captured()), sighting: 'settlement', reason: 'sighting of settlement' };
    expect(decodeEnvelope(framed(1, envelopeSchema, row), { 'schema-version': '2' })).toMatchObject({
      ok: true,
      value: { kind: 'quarantine', reason: 'unknown-sighting', sighting: 'settlement', eventId: 'evt_1' },
    });
  });
});

describe('an envelope of a newer schema version', () => {
  const newer = {
    ...envelopeSchema,
    fields: [...envelopeSchema.fields, { name: 'region', type: ['null', 'string'], default: null }],
  };
  const value = framed(42, newer, { ...rowOf(captured()), region: 'in-west' });
  const headers = { 'schema-version': Buffer.from('3') };

  test('is read through the registry, which is asked once per id', async () => {
    const asked: number[] = [];
    const decoder = createEnvelopeDecoder({ schemaById: async (id) => (asked.push(id), newer) });
    const decoded = [await decoder.decode(value, headers), await decoder.decode(value, headers)];
    expect(decoded.map((one) => one.ok && comparable(one.value))).toEqual([
      comparable(captured()),
      comparable(captured()),
    ]);
    expect(asked).toEqual([42]);
  });

  test('waits for a registry that is down: the error is thrown, the record is not at fault', async () => {
    const decoder = createEnvelopeDecoder({ schemaById: async () => Promise.reject(new Error('ECONNREFUSED')) });
    await expect(decoder.decode(value, headers)).rejects.toThrow('ECONNREFUSED');
  });

  test.each([
    ['the registry does not know it', async () => undefined, 'has no schema 42'],
    [
      'it is the schema of something else',
      async () => ({ type: 'record', name: 'Other', fields: [] }),
      'cannot be read as an envelope',
    ],
  ])('is not decodable when %s', async (_case, schemaById, reason) => {
    expect(await createEnvelopeDecoder({ schemaById }).decode(value, headers)).toEqual({
      ok: false,
      issues: [expect.stringContaining(reason)],
    });
  });

  test('is not decodable without a registry', () => {
    expect(decodeEnvelope(value, headers)).toEqual({
      ok: false,
      issues: [expect.stringContaining('schema version 3 is not known to this release')],
    });
  });
});
