import type { IHeaders } from 'kafkajs';

/** One record as kafkajs hands it over. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders | undefined;
  /** ms since 1970, as text. */
  readonly timestamp: string;
  /** Of the batch that the record came in; not in the client's types. */
  readonly batchContext?: { readonly partitionLeaderEpoch?: number };
}

/** Consecutive records that are handed over together. */
export interface Chunk {
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly messages: readonly FetchedMessage[];
}

export interface BufferBounds {
  readonly bufferBytesMax: number;
  readonly bufferRecordsMax: number;
}

/** Fetched records of one partition that wait to be handed over, in the order of their offsets. */
export interface RecordBuffer {
  /** Takes the records from offset `from` on; earlier ones were taken before. Answers how many it took. */
  readonly add: (messages: readonly FetchedMessage[], from: bigint) => number;
  /**
   * The next records from `position` on without a hole, at most `max`;
   * undefined when the first one here is another, or there is none.
   */
  readonly take: (position: bigint, max: number) => Chunk | undefined;
  readonly isEmpty: () => boolean;
  /** No more is to be fetched until there is room. What a fetch under way brings is still taken. */
  readonly isFull: () => boolean;
  /** Half of the room is free again. */
  readonly hasRoom: () => boolean;
  readonly clear: () => void;
}

const bytesOf = ({ key, value }: FetchedMessage): number => (key?.length ?? 0) + (value?.length ?? 0);

export const createBuffer = ({ bufferBytesMax, bufferRecordsMax }: BufferBounds): RecordBuffer => {
  let records: FetchedMessage[] = [];
  let bytes = 0;

  return {
    add: (messages, from) => {
      let taken = 0;
      for (const message of messages) {
        if (BigInt(message.offset) < from) continue;
        records.push(message);
        bytes += bytesOf(message);
        taken += 1;
      }
      return taken;
    },
    take: (position, max) => {
      let end = 0;
      for (; end < records.length && end < max; end += 1)
        if (BigInt((records[end] as FetchedMessage).offset) !== position + BigInt(end)) break;
      if (end === 0) return undefined;
      const messages = records.slice(0, end);
      records = records.slice(end);
      bytes = records.reduce((sum, message) => sum + bytesOf(message), 0);
      return { firstOffset: position, nextOffset: position + BigInt(end), messages };
    },
    isEmpty: () => records.length === 0,
    isFull: () => bytes >= bufferBytesMax || records.length >= bufferRecordsMax,
    hasRoom: () => bytes <= bufferBytesMax / 2 && records.length <= bufferRecordsMax / 2,
    clear: () => {
      records = [];
      bytes = 0;
    },
  };
};
