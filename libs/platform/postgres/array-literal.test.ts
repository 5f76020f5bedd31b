import fc from 'fast-check';
import { codePoint } from '#kit/code-point';
import pg from 'pg';
import { arrayLiteral } from './array-literal.ts';

const TEXT_ARRAY_OID = 1009;
const readArray = (pg.types.getTypeParser as (oid: number, format: 'text') => (text: string) => unknown)(
  TEXT_ARRAY_OID,
  'text',
);

test('any texts and nulls are read again as they were', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constant(null),
          fc.constantFrom('', 'NULL', 'null', '{}', '"', '\\', ',', ' a '),
          fc.string({ unit: codePoint }),
        ),
      ),
      (values) => {
        expect(readArray(arrayLiteral(values))).toEqual(values);
      },
    ),
  );
});

test('numbers, flags and large whole numbers are written plainly, and anything else is refused', () => {
  expect(arrayLiteral([1, -0.5, 9007199254740993n, true, false, null])).toBe('{1,-0.5,9007199254740993,t,f,NULL}');
  expect(() => arrayLiteral([{}])).toThrow('may not hold a object');
});
