import fc from 'fast-check';
import type { FieldValue } from './field.ts';
import type { EntityState } from './lifecycle.ts';
import { fromMergeRecord, toMergeRecord } from './merge-record.ts';
import type { MergeRecord } from './merge-record.ts';
import type { Stamp } from './stamp.ts';

const STAMPED = ['name', 'error', 'notes'] as const;
const COLUMNS = [...STAMPED, 'paid'] as const;

/** One stamp per event, as in life: an event has one place among all. */
const stamps: readonly Stamp[] = ['a', 'b', 'c', 'd'].map((eventId, index) => ({
  order: [index % 2, index === 3 ? -1 : 1_700_000_000_000 + index],
  eventId,
}));

const value: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.constant(null),
  fc.constant({ a: [1, null] }),
);
const mark = fc.record({ stamp: fc.constantFrom(...stamps), status: fc.constantFrom('new', 'done') });

const states: fc.Arbitrary<EntityState> = fc
  .record({
    marks: fc.dictionary(fc.constantFrom('', 'notification', 'chargeback'), mark, {
      minKeys: 1,
      noNullPrototype: true,
    }),
    stamped: fc.dictionary(fc.constantFrom(...STAMPED), fc.tuple(value, fc.constantFrom(...stamps)), {
      noNullPrototype: true,
    }),
    paid: fc.option(fc.nat(), { nil: undefined }),
    status: fc.constantFrom('new', 'done'),
  })
  .map(({ marks, stamped, paid, status }) => ({
    status,
    marks,
    values: {
      ...Object.fromEntries(Object.entries(stamped).map(([name, [held]]) => [name, held])),
      ...(paid === undefined ? {} : { paid }),
    },
    stamps: Object.fromEntries(Object.entries(stamped).map(([name, [, stamp]]) => [name, stamp])),
  }));

const stored = (state: EntityState): EntityState => {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, state.values[name] ?? null]));
  return fromMergeRecord(
    state.status,
    JSON.parse(JSON.stringify(toMergeRecord(state))) as MergeRecord,
    columns,
    new Set(STAMPED),
  );
};

test('columns and record hold the whole state', () => {
  fc.assert(fc.property(states, (state) => expect(stored(state)).toEqual(state)));
});

test('equal states have equal records, to the letter, however their parts were put together', () => {
  const turned = <Item>(record: Readonly<Record<string, Item>>): Record<string, Item> =>
    Object.fromEntries(Object.entries(record).toReversed());
  fc.assert(
    fc.property(states, ({ status, marks, values, stamps: places }) => {
      const again = { status, marks: turned(marks), values: turned(values), stamps: turned(places) };
      expect(JSON.stringify(toMergeRecord(again))).toBe(
        JSON.stringify(toMergeRecord({ status, marks, values, stamps: places })),
      );
    }),
  );
});

test('the highest snapshot stands first, and only what came from another is listed', () => {
  const [low, high] = [
    { order: [0, 5], eventId: 'z' },
    { order: [1, 3], eventId: 'a' },
  ];
  const state: EntityState = {
    status: 'done',
    marks: { '': { stamp: high, status: 'done' } },
    values: { error: 1, name: 2 },
    stamps: { error: low, name: high },
  };
  expect(toMergeRecord(state)).toEqual({
    s: [
      [1, 3, 'a'],
      [0, 5, 'z'],
    ],
    m: { '': [0, 'done'] },
    f: { error: 1 },
  });
});

test('a column that was added later, and is null for old rows, is unknown and not cleared', () => {
  const record: MergeRecord = { s: [[1, 5, 'a']], m: { '': [0, 'done'] }, f: {} };
  expect(fromMergeRecord('done', record, { name: 'x', error: null }, new Set(STAMPED))).toEqual({
    status: 'done',
    marks: { '': { stamp: { order: [1, 5], eventId: 'a' }, status: 'done' } },
    values: { name: 'x' },
    stamps: { name: { order: [1, 5], eventId: 'a' } },
  });
});

test('a record that refers to a snapshot it does not hold is damage, and says so', () => {
  const record: MergeRecord = { s: [], m: { '': [0, 'done'] }, f: {} };
  expect(() => fromMergeRecord('done', record, {}, new Set())).toThrow('merge record refers to snapshot 0 of 0');
});
