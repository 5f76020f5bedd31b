import { envelopeSchemaV1 } from './schema-v1.ts';

/**
 * The envelope as it lies in Kafka, version 2: one delivery may carry several snapshots,
 * each in a record of its own. A reader of version 1 sees a `reason` on a sighting and
 * so takes it for a quarantined copy of the delivery: it applies nothing wrong.
 */
const envelopeSchemaV2 = {
  ...envelopeSchemaV1,
  fields: [
    ...envelopeSchemaV1.fields,
    {
      name: 'sighting',
      type: ['null', 'string'],
      default: null,
      doc: 'null: the record is the delivery. Otherwise the key below `payload` of the snapshot that it stands for.',
    },
  ],
} as const;

/** What ingest writes; the value of the header `schema-version`. */
export const ENVELOPE_SCHEMA_VERSION = '2';
export const envelopeSchema = envelopeSchemaV2;
/** Every version that this release reads without asking the registry. */
export const bundledSchemas: Readonly<Record<string, unknown>> = { '1': envelopeSchemaV1, '2': envelopeSchemaV2 };
