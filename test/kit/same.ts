import { isDeepStrictEqual } from 'node:util';

/**
 * `toEqual` for loops: jest's own comparison takes longer than
 * what it compares, so it is asked only where something differs.
 */
export const same = (found: unknown, wanted: unknown): void => {
  if (!isDeepStrictEqual(found, wanted)) expect(found).toEqual(wanted);
};
