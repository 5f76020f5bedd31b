/**
 * The envelope as it lies in Kafka, version 1. Compatibility is FULL: a later version may only add fields with a
 * default and drop fields that have one, and is a new file beside this one; this one never changes. `reason` is text
 * and not an enum, because a new symbol of an enum breaks the readers that are already running.
 */
export const envelopeSchemaV1 = {
  type: 'record',
  name: 'Envelope',
  namespace: 'dakia',
  doc: 'One authentic Razorpay delivery. reason = null: an event of the catalogue; otherwise why it is quarantined.',
  fields: [
    {
      name: 'eventId',
      type: 'string',
      doc: 'X-Razorpay-Event-Id, or the id derived from the body when the header is missing.',
    },
    {
      name: 'event',
      type: ['null', 'string'],
      default: null,
      doc: 'Name of the event in the catalogue, or for a quarantined delivery what its body says.',
    },
    { name: 'key', type: 'string', doc: 'The Kafka key: the entity id; for a quarantined delivery the event id.' },
    { name: 'reason', type: ['null', 'string'], default: null, doc: 'Why the delivery is quarantined.' },
    { name: 'endpoint', type: 'string', default: 'default', doc: 'Configured endpoint that received the delivery.' },
    { name: 'accountId', type: ['null', 'string'], default: null },
    {
      name: 'occurredAt',
      type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
      default: null,
      doc: "The body's created_at.",
    },
    { name: 'receivedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'traceparent', type: ['null', 'string'], default: null, doc: 'W3C trace context.' },
    { name: 'rawBody', type: 'bytes', doc: 'Exactly the bytes that were signed.' },
  ],
} as const;
