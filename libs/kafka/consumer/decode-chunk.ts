import type { EnvelopeDecoder } from '#envelope';
import { unparsed } from '#rules';
import type { PartitionBatch, ReceivedRecord } from '../contracts.ts';
import type { Chunk } from './buffer.ts';
import { markOf } from './mark.ts';

/**
 * A chunk as a handler takes it. Rejects only while a schema cannot
 * be looked up; what cannot be decoded keeps its bytes.
 */
export const decodeChunk = async (
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { firstOffset, nextOffset, messages }: Chunk,
  decoder: EnvelopeDecoder,
): Promise<PartitionBatch> => {
  const records: ReceivedRecord[] = [];
  for (const message of messages) {
    const { offset, key, value, headers } = message;
    const answer = value === null ? unparsed('the record has no value') : decoder.decode(value, headers);
    records.push({
      offset: BigInt(offset),
      key: key?.toString() ?? null,
      value: value ?? Buffer.alloc(0),
      envelope: answer instanceof Promise ? await answer : answer,
      mark: markOf(message),
    });
  }
  return { topic, partition, firstOffset, nextOffset, records };
};
