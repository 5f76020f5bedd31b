import crc32 from '@node-rs/crc32';

/** A record as kafkajs hands it to the encoder of a Produce request. */
export interface OutgoingRecord {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** The records of one request, grouped by topic and partition as kafkajs does it. */
export type TopicData = readonly {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number | string; readonly messages: readonly OutgoingRecord[] }[];
}[];

/** Upper bounds, in bytes, of what a request, a topic, a partition, a record and a header need beside their content. */
const REQUEST_OVERHEAD = 64;
const TOPIC_OVERHEAD = 16;
const PARTITION_OVERHEAD = 100;
const RECORD_OVERHEAD = 40;
const HEADER_OVERHEAD = 10;
/** UTF-8 needs at most 3 bytes per UTF-16 unit, so that no text is measured before it is written. */
const BYTES_PER_UNIT = 3;
const MAGIC = 2;

/**
 * The body of a Produce request, versions 3 to 7, written into one buffer: no transaction,
 * no idempotence, no compression, all records with the time of this call. kafkajs builds a
 * tree of growing buffers and computes CRC-32C in JavaScript, which costs four times the CPU
 * (docs/reference/clients.md). Wire format: Kafka protocol guide, "Record Batch", magic 2.
 */
export const encodeProduce = (acks: number, timeoutMs: number, topicData: TopicData): Buffer => {
  const buffer = Buffer.allocUnsafe(boundOf(topicData));
  const now = BigInt(Date.now());
  let at = buffer.writeInt16BE(-1, 0); // transactional id: null
  at = buffer.writeInt16BE(acks, at);
  at = buffer.writeInt32BE(timeoutMs, at);
  at = buffer.writeInt32BE(topicData.length, at);
  for (const { topic, partitions } of topicData) {
    at = buffer.writeInt16BE(Buffer.byteLength(topic), at);
    at += buffer.write(topic, at);
    at = buffer.writeInt32BE(partitions.length, at);
    for (const { partition, messages } of partitions) {
      at = buffer.writeInt32BE(Number(partition), at);
      at = writeRecordBatch(buffer, at, messages, now);
    }
  }
  return buffer.subarray(0, at);
};

const boundOf = (topicData: TopicData): number => {
  let bytes = REQUEST_OVERHEAD;
  for (const { topic, partitions } of topicData) {
    bytes += TOPIC_OVERHEAD + topic.length * BYTES_PER_UNIT;
    for (const { messages } of partitions) {
      bytes += PARTITION_OVERHEAD;
      for (const message of messages) bytes += boundOfRecord(message);
    }
  }
  return bytes;
};

/** Upper bound of a record's size on the wire, in bytes. */
export const boundOfRecord = ({ key, value, headers }: OutgoingRecord): number => {
  let bytes = RECORD_OVERHEAD + key.length * BYTES_PER_UNIT + value.length;
  for (const name in headers)
    bytes += HEADER_OVERHEAD + (name.length + (headers[name] as string).length) * BYTES_PER_UNIT;
  return bytes;
};

const writeRecordBatch = (buffer: Buffer, start: number, records: readonly OutgoingRecord[], now: bigint): number => {
  let at = buffer.writeBigInt64BE(0n, start + 4); // size of the set: below; base offset
  const lengthAt = at;
  at = buffer.writeInt32BE(0, at + 4); // length: below; leader epoch
  buffer[at++] = MAGIC;
  const crcAt = at;
  const bodyAt = (at += 4);
  at = buffer.writeInt16BE(0, at); // attributes: no compression, time of creation
  at = buffer.writeInt32BE(records.length - 1, at); // last offset delta
  at = buffer.writeBigInt64BE(now, at); // first and greatest time, in ms
  at = buffer.writeBigInt64BE(now, at);
  at = buffer.writeBigInt64BE(-1n, at); // producer id, epoch and sequence: none
  at = buffer.writeInt16BE(-1, at);
  at = buffer.writeInt32BE(-1, at);
  at = buffer.writeInt32BE(records.length, at);
  for (let delta = 0; delta < records.length; delta++)
    at = writeRecord(buffer, at, records[delta] as OutgoingRecord, delta);
  buffer.writeUInt32BE(crc32.crc32c(buffer.subarray(bodyAt, at)), crcAt);
  buffer.writeInt32BE(at - lengthAt - 4, lengthAt);
  buffer.writeInt32BE(at - start - 4, start);
  return at;
};

/** Bytes of one record's header texts in their order: measured for the length, used again for writing. Never yields. */
const sizes: number[] = [];

const writeRecord = (
  buffer: Buffer,
  start: number,
  { key, value, headers }: OutgoingRecord,
  offsetDelta: number,
): number => {
  const keyBytes = sizeOfText(key);
  let texts = 0;
  let headerBytes = 0;
  for (const name in headers) {
    const nameBytes = sizeOfText(name);
    const textBytes = sizeOfText(headers[name] as string);
    sizes[texts++] = nameBytes;
    sizes[texts++] = textBytes;
    headerBytes += sizeOfBytes(nameBytes) + sizeOfBytes(textBytes);
  }
  const count = texts >> 1;
  const length =
    2 +
    sizeOfVarint(offsetDelta) +
    sizeOfBytes(keyBytes) +
    sizeOfBytes(value.length) +
    sizeOfVarint(count) +
    headerBytes;
  let at = writeVarint(buffer, start, length);
  buffer[at++] = 0; // attributes
  buffer[at++] = 0; // time delta
  at = writeVarint(buffer, at, offsetDelta);
  at = writeText(buffer, at, key, keyBytes);
  at = writeVarint(buffer, at, value.length);
  buffer.set(value, at);
  at = writeVarint(buffer, at + value.length, count);
  let index = 0;
  for (const name in headers) {
    at = writeText(buffer, at, name, sizes[index++] as number);
    at = writeText(buffer, at, headers[name] as string, sizes[index++] as number);
  }
  return at;
};

/** Up to so many characters a loop is faster than a call out of JavaScript; keys, ids, names of headers are shorter. */
const LOOP_LENGTH_MAX = 64;

/** Bytes of a text in UTF-8. */
const sizeOfText = (text: string): number => {
  if (text.length > LOOP_LENGTH_MAX) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text);
  return text.length;
};

/** `bytes`: what sizeOfText says of it. */
const writeText = (buffer: Buffer, start: number, text: string, bytes: number): number => {
  const at = writeVarint(buffer, start, bytes);
  if (bytes !== text.length || bytes > LOOP_LENGTH_MAX) return at + buffer.write(text, at, bytes, 'utf8');
  for (let index = 0; index < bytes; index++) buffer[at + index] = text.charCodeAt(index);
  return at + bytes;
};

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;

const writeVarint = (buffer: Buffer, start: number, value: number): number => {
  let rest = zigzag(value);
  let at = start;
  while (rest > 127) {
    buffer[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
};

const sizeOfVarint = (value: number): number => {
  let rest = zigzag(value);
  let bytes = 1;
  while (rest > 127) {
    rest >>>= 7;
    bytes++;
  }
  return bytes;
};

const sizeOfBytes = (length: number): number => sizeOfVarint(length) + length;
