const BYTE_ORDER_MARK = 0xfeff;

/**
 * A body as the JSON value that it is; undefined when it is none. Bytes that are not UTF-8 become U+FFFD. A byte order
 * mark before it is no part of it (RFC 8259 section 8.1 leaves that to the reader).
 */
export const readJsonBody = (bytes: Uint8Array): unknown => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  } catch {
    return undefined;
  }
};
