import fc from 'fast-check';
import { layOut, LINE_WIDTH, wrap } from './table.ts';

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');

const cell = fc.oneof(
  fc.nat(),
  fc.array(fc.stringMatching(/^[a-z0-9_]{1,30}$/), { maxLength: 20 }).map((list) => list.join(' ')),
);
const rows = fc
  .integer({ min: 1, max: 14 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }));

test('any table fits, with every word of a row in that row and whole', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 40, max: 120 }), (given, width) => {
      const laidOut = layOut(given, width);
      expect(laidOut.length).toBe(given.length);
      for (const [index, lines] of laidOut.entries()) {
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        expect(lines.flatMap(words).sort()).toEqual(
          (given[index] ?? []).flatMap((value) => words(String(value))).sort(),
        );
      }
    }),
  );
});

test('what fits is one line a row, numbers to the right', () => {
  expect(
    layOut(
      [
        ['name', 'count'],
        ['a b', 7],
        ['long name', 12_345],
      ],
      LINE_WIDTH,
    ),
  ).toEqual([['name       count'], ['a b            7'], ['long name  12345']]);
});

test('sentences are broken at spaces, and columns that are left over go on below, as their headings do', () => {
  const id = 'x'.repeat(30);
  expect(
    layOut(
      [
        ['id', 'why', 'reason'],
        [id, id, 'numeric field overflow, again'],
      ],
      66,
    ),
  ).toEqual([
    [`id${' '.repeat(30)}why`, '    reason'],
    [`${id}  ${id}`, '    numeric field overflow, again'],
  ]);
  expect(
    layOut(
      [
        ['key', 'reason'],
        ['k', 'one two three four five six seven'],
      ],
      30,
    ),
  ).toEqual([['key  reason'], ['k    one two three four five', '     six seven']]);
});

test('a word that is wider than the line stays whole', () => {
  const url = `https://example.com/${'p'.repeat(90)}`;
  expect(wrap(`see ${url} for more`, LINE_WIDTH)).toEqual(['see', url, 'for more']);
  expect(
    layOut(
      [
        ['key', 'where'],
        ['k', url],
      ],
      LINE_WIDTH,
    )[1],
  ).toEqual(['k', `    ${url}`]);
});
