import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

/**
 * Signatures and sizes of the ZIP format (PKWARE APPNOTE 4.3): end of
 * central directory, its entries, a file's own header.
 */
const [END, ENTRY, END_BYTES, ENTRY_BYTES, HEADER_BYTES] = [0x06054b50, 0x02014b50, 22, 46, 30];
const DEFLATED = 8;

/** The files of a zip archive by name; each is unpacked when it is asked for. */
export const readZip = (file: string): ReadonlyMap<string, () => Buffer> => {
  const bytes = readFileSync(file);
  let end = bytes.length - END_BYTES;
  while (end >= 0 && bytes.readUInt32LE(end) !== END) end -= 1;
  if (end < 0) throw new Error(`${file} is no zip archive`);
  const files = new Map<string, () => Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (bytes.readUInt32LE(at) !== ENTRY) throw new Error(`${file} has a broken list of files`);
    const [method, packed, offset] = [
      bytes.readUInt16LE(at + 10),
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 42),
    ];
    const [nameBytes, extraBytes, commentBytes] = [
      bytes.readUInt16LE(at + 28),
      bytes.readUInt16LE(at + 30),
      bytes.readUInt16LE(at + 32),
    ];
    files.set(bytes.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes), () => {
      const begin = offset + HEADER_BYTES + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
      const data = bytes.subarray(begin, begin + packed);
      return method === DEFLATED ? inflateRawSync(data) : data;
    });
    at += ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
  }
  return files;
};
