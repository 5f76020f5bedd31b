import type { FieldValue } from './field.ts';
import type { EntityState, Mark } from './lifecycle.ts';
import { compareStamps } from './stamp.ts';
import type { Stamp } from './stamp.ts';

/**
 * The part of an `EntityState` that its columns do not show: the marks, and which
 * snapshot each value came from. Kept in one `jsonb` column. Stamps are listed once
 * and referred to by position; a field that is not listed came from the first.
 */
export interface MergeRecord {
  /** Snapshots, highest first: the numbers of the order, then the event id. */
  readonly s: readonly (readonly [...number[], string])[];
  /** Lane → [position of the snapshot, status]. */
  readonly m: Readonly<Record<string, readonly [number, string]>>;
  /** Field → position, where it is not 0. */
  readonly f: Readonly<Record<string, number>>;
  /** Fields that a snapshot cleared: their value is null, and that is known. */
  readonly n?: readonly string[];
}

/**
 * Equal states give equal records: snapshots stand highest first,
 * names in alphabetical order. Called for every row written.
 */
export const toMergeRecord = (state: EntityState): MergeRecord => {
  const lanes = Object.keys(state.marks).sort();
  const snapshots = distinctStamps(state).sort((a, b) => compareStamps(b, a));
  const positionOf = (stamp: Stamp): number => snapshots.findIndex((other) => compareStamps(other, stamp) === 0);
  const later: (readonly [string, number])[] = [];
  const cleared: string[] = [];
  for (const name in state.stamps) {
    const position = positionOf(state.stamps[name] as Stamp);
    if (position !== 0) later.push([name, position]);
    if (state.values[name] === null) cleared.push(name);
  }
  const record = {
    s: snapshots.map((stamp): readonly [...number[], string] => [...stamp.order, stamp.eventId]),
    m: Object.fromEntries(
      lanes.map((lane) => [
        lane,
        [positionOf((state.marks[lane] as Mark).stamp), (state.marks[lane] as Mark).status] as const,
      ]),
    ),
    f: Object.fromEntries(later.sort(byName)),
  };
  return cleared.length === 0 ? record : { ...record, n: cleared.sort() };
};

/** A row comes from few snapshots, most often from one: a list is faster than a set. */
const distinctStamps = ({ marks, stamps }: EntityState): Stamp[] => {
  const distinct: Stamp[] = [];
  const add = (stamp: Stamp): void => {
    if (!distinct.some((other) => other === stamp || compareStamps(other, stamp) === 0)) distinct.push(stamp);
  };
  for (const lane in marks) add((marks[lane] as Mark).stamp);
  for (const name in stamps) add(stamps[name] as Stamp);
  return distinct;
};

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * `values` holds what the columns hold; null columns are dropped unless the record says that they were cleared.
 * `stamped` names the fields whose rule keeps a stamp.
 */
export const fromMergeRecord = <Status extends string>(
  status: Status,
  record: MergeRecord,
  columns: Readonly<Record<string, FieldValue>>,
  stamped: ReadonlySet<string>,
): EntityState<Status> => {
  const snapshots = record.s.map(
    (entry): Stamp => ({ order: entry.slice(0, -1) as number[], eventId: entry.at(-1) as string }),
  );
  const stampAt = (position: number): Stamp => {
    const stamp = snapshots[position];
    if (stamp === undefined) throw new Error(`merge record refers to snapshot ${position} of ${snapshots.length}`);
    return stamp;
  };
  const cleared = new Set(record.n);
  const values: Record<string, FieldValue> = {};
  const stamps: Record<string, Stamp> = {};
  for (const [name, value] of Object.entries(columns)) {
    if (value === null && !cleared.has(name)) continue;
    values[name] = value;
    if (stamped.has(name)) stamps[name] = stampAt(record.f[name] ?? 0);
  }
  const marks = Object.entries(record.m).map(([lane, [position, was]]): [string, Mark<Status>] => [
    lane,
    { stamp: stampAt(position), status: was as Status },
  ]);
  return { status, marks: Object.fromEntries(marks), values, stamps };
};
