import confluent from '@kafkajs/confluent-schema-registry';
import { envelopeSchema } from '#runtime/envelope';

/** Bound of each request to the registry, and how often one is repeated. */
const CLIENT = { retry: { initialRetryTimeInSecs: 0.2, maxRetryTimeInSecs: 2, retries: 5 } };

/**
 * The envelope's schema under the subject of every topic's values (the default naming of Confluent's serialisers), with
 * compatibility FULL: old and new readers and writers work together during an upgrade. Registering it again changes nothing.
 * Answers the schema's id.
 */
export const registerSchemas = async (url: string, topics: readonly string[]): Promise<number> => {
  const registry = new confluent.SchemaRegistry({ host: url, ...CLIENT });
  const schema = { type: confluent.SchemaType.AVRO as const, schema: JSON.stringify(envelopeSchema) };
  let id = 0;
  for (const topic of topics) {
    ({ id } = await registry.register(schema, { subject: `${topic}-value`, compatibility: confluent.COMPATIBILITY.FULL }));
  }
  return id;
};
