import type { FieldValue } from './field.ts';
import type { EntityState, Mark } from './lifecycle.ts';
import { compareStamps } from './stamp.ts';
import type { Stamp } from './stamp.ts';

/**
 * The part of an `EntityState` that its columns do not show: the marks, and which snapshot each value came from. Kept in one
 * `jsonb` column. Snapshots are listed once and referred to by position; a field that is not listed came from the first.
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

/** Equal states give equal records: snapshots stand highest first, names in alphabetical order. */
export const toMergeRecord = (state: EntityState): MergeRecord => {
  const lanes = Object.entries(state.marks).sort(byName);
  const stamped = Object.entries(state.stamps).sort(byName);
  const distinct = new Map([...lanes.map(([, mark]) => mark.stamp), ...stamped.map(([, stamp]) => stamp)].map((stamp) => [stamp.eventId, stamp]));
  const snapshots = [...distinct.values()].sort((a, b) => compareStamps(b, a));
  const positions = new Map(snapshots.map((stamp, position) => [stamp.eventId, position]));
  const positionOf = (stamp: Stamp): number => positions.get(stamp.eventId) ?? 0;
  const cleared = stamped.map(([name]) => name).filter((name) => state.values[name] === null);
  const record = {
    s: snapshots.map((stamp): readonly [...number[], string] => [...stamp.order, stamp.eventId]),
    m: Object.fromEntries(lanes.map(([lane, mark]) => [lane, [positionOf(mark.stamp), mark.status] as const])),
    f: Object.fromEntries(stamped.map(([name, stamp]) => [name, positionOf(stamp)] as const).filter(([, position]) => position !== 0)),
  };
  return cleared.length === 0 ? record : { ...record, n: cleared };
};

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

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
  const snapshots = record.s.map((entry): Stamp => ({ order: entry.slice(0, -1) as number[], eventId: entry.at(-1) as string }));
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
