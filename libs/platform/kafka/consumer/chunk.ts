import type { IHeaders } from 'kafkajs';

/** One record as kafkajs hands it over. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders | undefined;
}

export interface Chunk {
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly messages: readonly FetchedMessage[];
}

/**
 * The next records that are handed over together: those from `expected` on, without a hole, at most `max`, and not past `until`,
 * where a batch that failed ended before. Undefined when the first of them is not the expected one.
 */
export const nextChunk = (
  messages: readonly FetchedMessage[],
  expected: bigint,
  max: number,
  until: bigint | undefined,
): Chunk | undefined => {
  const start = messages.findIndex((message) => BigInt(message.offset) >= expected);
  let next = expected;
  let end = start;
  for (; start >= 0 && end < messages.length && end - start < max && next !== until; end += 1, next += 1n) {
    if (BigInt((messages[end] as FetchedMessage).offset) !== next) break;
  }
  return next === expected
    ? undefined
    : { firstOffset: expected, nextOffset: next, messages: messages.slice(start, end) };
};
