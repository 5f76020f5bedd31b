import type { Family } from '#catalogue';
import type { Transaction } from '#platform/postgres';
import type { Arrival } from './arrival.ts';
import type { Locking } from './ledger.ts';
import { keyName } from './reduce-events.ts';
import type { StatesByFamily } from './reduce-events.ts';
import { newlyFindable, recordDigests } from './search-digests.ts';
import type { Families, LoadedRows } from './state-table.ts';

/** The rows that a transaction holds. */
export interface HeldStates {
  readonly states: StatesByFamily;
  /** Names (`keyName`) of the keys that are held: their rows are locked, or there are none yet. */
  readonly held: ReadonlySet<string>;
}

/** Reads and locks the rows of all keys that the events touch, family by family in catalogue order. */
export const holdStates = async (
  tx: Transaction,
  { tables }: Families,
  arrivals: readonly Arrival[],
  locking: Locking,
): Promise<HeldStates> => {
  const keys = new Map<Family, Set<string>>();
  for (const { task } of arrivals) {
    if (task.kind === 'keep') continue;
    keys.set(task.family, (keys.get(task.family) ?? new Set()).add(task.key));
  }
  const touched = [...tables].filter(([family]) => keys.has(family));
  const loaded = await Promise.all(
    touched.map(async ([family, table]): Promise<readonly [Family, LoadedRows]> => {
      const rows = await table.load(tx, [...(keys.get(family) ?? [])], locking);
      return [family, rows];
    }),
  );
  const held = new Set([...keys].flatMap(([family, names]) => [...names].map((key) => keyName(family, key))));
  for (const [family, { busy }] of loaded) for (const key of busy) held.delete(keyName(family, key));
  return { states: new Map(loaded.map(([family, { states }]) => [family, states])), held };
};

/** The same for one transaction that waits for whoever holds a row. */
export const loadStates = async (
  tx: Transaction,
  families: Families,
  arrivals: readonly Arrival[],
): Promise<StatesByFamily> => (await holdStates(tx, families, arrivals, 'wait')).states;

export const saveStates = async (
  tx: Transaction,
  { tables, searchKey }: Families,
  loaded: StatesByFamily,
  changed: StatesByFamily,
): Promise<void> => {
  const found = searchKey === undefined ? [] : newlyFindable(loaded, changed);
  await Promise.all([
    ...[...changed].map(async ([family, states]) =>
      tables.get(family)?.save(tx, states, loaded.get(family) ?? new Map()),
    ),
    ...(searchKey === undefined ? [] : [recordDigests(tx, searchKey, found)]),
  ]);
};
