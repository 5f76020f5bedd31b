/**
 * A message of protobuf's wire format (https://protobuf.dev/programming-guides/encoding),
 * by numbers of fields. What is not there is empty, or 0.
 */
export interface Message {
  readonly has: (field: number) => boolean;
  readonly messages: (field: number) => readonly Message[];
  readonly message: (field: number) => Message;
  readonly bytes: (field: number) => Buffer;
  readonly text: (field: number) => string;
  readonly number: (field: number) => bigint;
  readonly double: (field: number) => number;
}

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const FIXED_32 = 5;

type Value = bigint | Buffer;

/** Throws for what is no protobuf. */
export const readMessage = (bytes: Buffer): Message => {
  const fields = new Map<number, Value[]>();
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = varint(bytes, at);
    const [value, next] = valueAt(bytes, afterTag, Number(tag & 7n));
    const field = Number(tag >> 3n);
    fields.set(field, [...(fields.get(field) ?? []), value]);
    at = next;
  }
  const last = (field: number): Value | undefined => fields.get(field)?.at(-1);
  const bytesOf = (value: Value | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));
  return {
    has: (field) => fields.has(field),
    messages: (field) => (fields.get(field) ?? []).map((value) => readMessage(bytesOf(value))),
    message: (field) => readMessage(bytesOf(last(field))),
    bytes: (field) => bytesOf(last(field)),
    text: (field) => bytesOf(last(field)).toString('utf8'),
    number: (field) => {
      const value = last(field);
      return typeof value === 'bigint' ? value : value === undefined ? 0n : value.readBigUInt64LE();
    },
    double: (field) => bytesOf(last(field)).readDoubleLE(),
  };
};

const valueAt = (bytes: Buffer, at: number, type: number): readonly [Value, number] => {
  switch (type) {
    case VARINT:
      return varint(bytes, at);
    case FIXED_64:
      return [bytes.subarray(at, at + 8), at + 8];
    case FIXED_32:
      return [bytes.subarray(at, at + 4), at + 4];
    case LENGTH: {
      const [length, from] = varint(bytes, at);
      const to = from + Number(length);
      if (to > bytes.length) throw new RangeError(`a field ends at ${to}, the message at ${bytes.length}`);
      return [bytes.subarray(from, to), to];
    }
    default:
      throw new RangeError(`there is no wire type ${type}`);
  }
};

const varint = (bytes: Buffer, from: number): readonly [bigint, number] => {
  let value = 0n;
  for (let at = from, shift = 0n; ; at++, shift += 7n) {
    const byte = bytes[at];
    if (byte === undefined) throw new RangeError('a number does not end');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at + 1];
  }
};
