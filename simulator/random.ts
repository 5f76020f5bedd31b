import { createHash } from 'node:crypto';

/** Everything random in a simulation. Equal seeds give equal draws, on every machine. */
export interface Random {
  /** A whole number from `min` to `max`, both included. */
  readonly whole: (min: number, max: number) => number;
  readonly pick: <const Items extends readonly [unknown, ...unknown[]]>(items: Items) => Items[number];
  /** True in this share (0 to 1) of all draws. */
  readonly chance: (share: number) => boolean;
  /** As many decimal digits, the first one not 0. */
  readonly digits: (length: number) => string;
  /** An id in Razorpay's form: a prefix and 14 base62 characters. */
  readonly id: (prefix: string) => string;
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/**
 * Razorpay's ids, and its event ids, which have no prefix (docs/reference/razorpay.md "Event id and retry identity").
 */
const ID_LENGTH = 14;
const UINT32 = 2 ** 32;

/**
 * sfc32 (Chris Doty-Humphrey, PractRand), with its 128 bits of state taken from SHA-256 of the seed. `Math.random`
 * cannot be seeded, and a generator with 32 bits of state would repeat ids within one run of 100 000 stories.
 */
export const randomOf = (seed: string): Random => {
  const digest = createHash('sha256').update(seed).digest();
  let [a, b, c, counter] = [
    digest.readInt32LE(0),
    digest.readInt32LE(4),
    digest.readInt32LE(8),
    digest.readInt32LE(12),
  ];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  const whole = (min: number, max: number): number => min + Math.floor((next() / UINT32) * (max - min + 1));
  const pick = <const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number] =>
    items[whole(0, items.length - 1)];
  const letters = (): string =>
    Array.from({ length: ID_LENGTH }, () => BASE62.charAt(whole(0, BASE62.length - 1))).join('');
  return {
    whole,
    pick,
    chance: (share) => next() / UINT32 < share,
    digits: (length) => Array.from({ length }, (_, position) => String(whole(position === 0 ? 1 : 0, 9))).join(''),
    id: (prefix) => prefix + letters(),
  };
};

/** The same items in an order that depends on the seed alone (Fisher–Yates). */
export const shuffled = <Item>(items: readonly Item[], random: Random): readonly Item[] => {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.whole(0, last);
    [result[last], result[other]] = [result[other] as Item, result[last] as Item];
  }
  return result;
};
