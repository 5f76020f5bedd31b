/** Murmur2 as Kafka's clients compute it: org.apache.kafka.common.utils.Utils, `murmur2`. */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** Room for a key: ids of Razorpay have 14 to 30 characters. Safe because hashing never yields. */
let scratch = Buffer.allocUnsafe(256);

/**
 * The partition, from 0, of a key. kafkajs computes the same in objects of 64 bits,
 * which cost ten times the CPU (docs/performance.md "Ingest, cut by cut").
 */
export const partitionOfKey = (key: string, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions;

/** Of the key's UTF-8; a signed integer of 32 bits. */
export const murmur2 = (key: string): number => {
  const length = bytesOf(key);
  const data = scratch;
  let h = SEED ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let k = (data[at] as number) | ((data[at + 1] as number) << 8);
    k |= ((data[at + 2] as number) << 16) | ((data[at + 3] as number) << 24);
    k = Math.imul(k, M);
    k = Math.imul(k ^ (k >>> R), M);
    h = Math.imul(h, M) ^ k;
  }
  const rest = length - whole;
  if (rest > 2) h ^= (data[whole + 2] as number) << 16;
  if (rest > 1) h ^= (data[whole + 1] as number) << 8;
  if (rest > 0) h = Math.imul(h ^ (data[whole] as number), M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
};

/** Writes a key into `scratch`; its length there. A loop is faster than a call out of JavaScript for what is ASCII. */
const bytesOf = (key: string): number => {
  if (key.length * 3 > scratch.length) scratch = Buffer.allocUnsafe(key.length * 3);
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code > 0x7f) return scratch.write(key, 'utf8');
    scratch[at] = code;
  }
  return key.length;
};
