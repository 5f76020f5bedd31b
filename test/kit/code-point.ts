import fc from 'fast-check';

const [SURROGATES_FROM, SURROGATES, CODE_POINT_MAX] = [0xd800, 0x800, 0x10ffff] as const;

/**
 * Any code point but halves of pairs, as a unit of `fc.string`. It is what fast-check calls `binary`, without its
 * table of all 1.1 million of them: every test file that asks for that one pays two seconds of CPU for it.
 */
export const codePoint: fc.Arbitrary<string> = fc.nat(CODE_POINT_MAX - SURROGATES).map(
  (place) => String.fromCodePoint(place < SURROGATES_FROM ? place : place + SURROGATES),
  (text) => {
    const point = typeof text === 'string' ? text.codePointAt(0) : undefined;
    if (point === undefined || text !== String.fromCodePoint(point)) throw new Error('not one code point');
    return point < SURROGATES_FROM ? point : point - SURROGATES;
  },
);
