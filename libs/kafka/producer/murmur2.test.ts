import fc from 'fast-check';
import { kafkajsInternal } from '../kafkajs-patch.ts';
import { murmur2 } from './murmur2.ts';

const stock = kafkajsInternal('src/producer/partitioners/default/murmur2.js') as (key: string) => number;

/**
 * Text of any characters. fast-check's own (`unit: 'binary'`) first makes a table of all 1.1 million
 * of them, to be able to shrink what it also tries: that took longer than the whole test.
 */
const textUpTo = (max: number) =>
  fc
    .array(fc.integer({ min: 0, max }), { maxLength: 200 })
    .map((points) => String.fromCodePoint(...points).toWellFormed());
/** The last character that UTF-16 has as one byte and UTF-8 as two. */
const LATIN = 0xff;

test("any key has the hash that kafkajs' own function computes", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 40 }), textUpTo(0x10ffff), textUpTo(LATIN)), (key) => {
      expect(murmur2(key)).toBe(stock(key));
    }),
    { numRuns: 2_000 },
  );
});
