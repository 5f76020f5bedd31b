import fc from 'fast-check';
import { inert } from './inert-json.ts';

/** What begins a formula in a spreadsheet, and the signs at which one may cut a line into cells. */
const FORMULA = /^["'\s]*[=+@\-\uff0b\uff0d\uff1d\uff20]/;
const CUTS = [',', ';', '|', ':', '\t', ' '] as const;
/** Cells of a line that are not numbers. */
const cellsOf = (line: string, cut: string): readonly string[] =>
  line.split(cut).filter((cell) => !/^[\s"]*-?\d+(\.\d+)?(e[+-]\d+)?[\]}"\s]*$/.test(cell));

test.each([
  ['at the beginning of a text', { key: '=1+1' }, '{"key":"\\u003d1+1"}'],
  ['behind a comma of a text', { body: 'a,@SUM(A1),b' }, '{"body":"a,\\u0040SUM(A1),b"}'],
  ['within a body', { body: '{"id":"+1","n":-5}' }, '{"body":"{\\"id\\":\\"\\u002b1\\",\\"n\\":\\u002d5}"}'],
  ['nothing of the kind', { at: '2026-11-28T10:00:00+05:30', to: 'asha@example.com', n: [1, -2] }, undefined],
])('%s', (_what, value, expected) => {
  const json = JSON.stringify(value);
  expect(inert(json)).toBe(expected ?? json);
});

test('a line stays the same value, and no cell of it is a formula, wherever a spreadsheet cuts it', () => {
  const text = fc
    .array(fc.constantFrom('=', '+', '-', '@', '＝', ',', ';', '|', ':', '\t', ' ', '"', "'", '\\', '\n', 'a', '1'), {
      maxLength: 10,
    })
    .map((signs) => signs.join(''));
  const value = fc.record({
    a: text,
    b: fc.oneof(fc.nat(), fc.constant(null), fc.array(text, { maxLength: 3 })),
    c: text,
  });
  fc.assert(
    fc.property(value, (entry) => {
      const line = inert(JSON.stringify(entry));
      expect(JSON.parse(line)).toEqual(entry);
      for (const cut of CUTS) for (const cell of cellsOf(line, cut)) expect(cell).not.toMatch(FORMULA);
    }),
    { numRuns: 2_000 },
  );
});
