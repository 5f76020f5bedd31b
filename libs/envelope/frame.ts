/** The Confluent wire format: a zero byte, the schema id as int32 big-endian, the Avro data. */
const MAGIC_BYTE = 0;
export const FRAME_HEADER_BYTES = 5;

/**
 * Written until the registry has told the id. Readers go by the
 * `schema-version` header, so no record waits for the registry.
 */
export const UNKNOWN_SCHEMA_ID = 0;

export const writeFrameHeader = (into: Buffer, schemaId: number): void => {
  into[0] = MAGIC_BYTE;
  into.writeInt32BE(schemaId, 1);
};

export interface Frame {
  readonly schemaId: number;
  readonly data: Buffer;
}

export const readFrame = (value: Buffer): Frame | undefined =>
  value.length > FRAME_HEADER_BYTES && value[0] === MAGIC_BYTE
    ? { schemaId: value.readInt32BE(1), data: value.subarray(FRAME_HEADER_BYTES) }
    : undefined;
