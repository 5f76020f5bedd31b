import fc from 'fast-check';
import { kafkajsInternal } from '../kafkajs-patch.ts';
import { murmur2 } from './murmur2.ts';

const stock = kafkajsInternal('src/producer/partitioners/default/murmur2.js') as (key: string) => number;

test("any key has the hash that kafkajs' own function computes", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 40 }),
        fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed()),
      ),
      (key) => {
        expect(murmur2(key)).toBe(stock(key));
      },
    ),
    { numRuns: 2_000 },
  );
});
