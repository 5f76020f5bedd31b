import { familiesOf, operatorActor, reasonOf, saveStates, transactionAgainst } from '#apply';
import type { Families, OperatorAction, SearchKey, StateTable } from '#apply';
import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { classifyError, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import { sourcesOf, toMergeRecord, withExtremesOf } from '#rules';
import type { EntityState, FieldValue } from '#rules';
import { nextKeys, noteSources, sourcesFor, takeOver } from './rebuild-sources.ts';
import type { MovedEvent } from './rebuild-sources.ts';

/** A column of a row that is not what the events that are kept say. */
export interface ColumnChange {
  readonly column: string;
  readonly before: FieldValue;
  readonly after: FieldValue;
}

/** A row as it is and as it would be. */
export interface RowChange {
  readonly key: string;
  /** The entity has no row yet. */
  readonly isNew: boolean;
  readonly columns: readonly ColumnChange[];
}

export interface RebuildRequest {
  readonly family: Family;
  /**
   * Asked for every row that would change, in order of their keys:
   * whether it is written. `stop` ends the pass before this row.
   */
  readonly decide: (change: RowChange) => 'write' | 'leave' | 'stop';
  /** For the audit of each row that is written. */
  readonly by: OperatorAction;
  /** Rows that are written are found by their addresses and numbers, as those that consumers write. */
  readonly searchKey?: SearchKey | undefined;
  /** Told after each chunk how many entities were compared. */
  readonly progress?: (compared: number, entities: number) => void;
}

export interface Rebuilt {
  /** Entities that an event which is kept tells of. */
  readonly entities: number;
  readonly written: number;
  /** Why rows were left as they are, by key; at most LEFT_MAX. */
  readonly left: readonly { readonly key: string; readonly reason: string }[];
}

/** Entities per transaction: their rows are locked meanwhile. */
const CHUNK = 100;
/** Rows left alone that are named; more of them are one trouble. */
const LEFT_MAX = 1_000;
export const ERASED_REASON = 'a body of it was erased';
/** Named as a column where every value stays, and only the snapshot changes that one came from. */
export const MERGE_RECORD = 'merge_record';
/** Named as a column where events that were kept become the family's. */
export const KEPT_BEFORE = 'kept events';

/**
 * Compares every row of a family with what all events say that are kept in `webhook_events`, the snapshots beside other
 * families' subjects included, and writes the rows that `decide` asks for. A row whose every source is still kept is
 * made anew, by the rules of this release; into any other the events are joined, which only adds. Both are fixed
 * points: a second run changes nothing. Consumers may run: a row is locked while it is read and written, last in the
 * order of locks. Nobody is told: facts are about what happens, and this happened before. `database` must be the owner
 * of the tables and have one connection. Throws for infrastructure.
 */
export const rebuild = async (database: Database, aggregate: Aggregate, request: RebuildRequest): Promise<Rebuilt> => {
  const families = familiesOf([aggregate], request.searchKey);
  const table = families.tables.get(aggregate.family);
  if (table === undefined) throw new Error(`there is no table of ${aggregate.family}`);
  const entities = await noteSources(database, request.family);
  const left: { key: string; reason: string }[] = [];
  const tally = { compared: 0, written: 0 };
  const leave = (key: string, reason: string): void => {
    if (left.length < LEFT_MAX) left.push({ key, reason });
  };
  const room: Room = { families, table, aggregate, request, leave };
  for (let after = ''; ; ) {
    const keys = await nextKeys(database, after, CHUNK);
    const last = keys.at(-1);
    if (last === undefined) break;
    const chunk = await rebuildKeys(database, keys, room);
    tally.written += chunk.written;
    tally.compared += keys.length;
    request.progress?.(tally.compared, entities);
    if (chunk.isStopped) break;
    after = last;
  }
  return { entities, written: tally.written, left };
};

interface Room {
  readonly families: Families;
  readonly table: StateTable;
  readonly aggregate: Aggregate;
  readonly request: RebuildRequest;
  readonly leave: (key: string, reason: string) => void;
}

interface Chunk {
  readonly written: number;
  readonly isStopped: boolean;
}

/**
 * One transaction for all; where Postgres refuses it because of what
 * is in it, halves, until the one row is found that it refuses.
 */
const rebuildKeys = async (database: Database, keys: readonly string[], room: Room): Promise<Chunk> => {
  // What was decided and left stands only when the transaction does; a second try asks anew.
  const left: [string, string][] = [];
  try {
    const chunk = await transactionAgainst(database, async (tx) => {
      left.length = 0;
      return rebuildIn(tx, keys, { ...room, leave: (key, reason) => void left.push([key, reason]) });
    });
    for (const [key, reason] of left) room.leave(key, reason);
    return chunk;
  } catch (error) {
    if (classifyError(error) !== 'event') throw error;
    const [only, ...others] = keys;
    if (only !== undefined && others.length === 0) {
      room.leave(only, reasonOf(error));
      return { written: 0, isStopped: false };
    }
    const half = Math.ceil(keys.length / 2);
    const first = await rebuildKeys(database, keys.slice(0, half), room);
    if (first.isStopped) return first;
    const second = await rebuildKeys(database, keys.slice(half), room);
    return { written: first.written + second.written, isStopped: second.isStopped };
  }
};

const rebuildIn = async (tx: Transaction, keys: readonly string[], room: Room): Promise<Chunk> => {
  const { table, aggregate, request, families } = room;
  const { states } = await table.load(tx, keys, 'wait');
  const folds = await foldAll(tx, keys, states, room);
  const changed = new Map<string, EntityState>();
  const changes = new Map<string, RowChange>();
  let isStopped = false;
  for (const [key, fold] of [...folds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const next = nextOf(aggregate, states.get(key), fold);
    if (typeof next === 'string') room.leave(key, next);
    if (next === undefined || typeof next === 'string') continue;
    const change = changeOf(aggregate, key, states.get(key), next, fold.moved.length);
    if (change === undefined) continue;
    const decision = request.decide(change);
    isStopped = decision === 'stop';
    if (isStopped) break;
    if (decision === 'leave') continue;
    changed.set(key, next);
    changes.set(key, change);
  }
  const { family } = aggregate;
  await saveStates(tx, families, new Map([[family, states]]), new Map([[family, changed]]));
  const moved = [...changed.keys()].flatMap((key) => folds.get(key)?.moved ?? []);
  await takeOver(tx, family, [...changed.keys()], moved);
  await auditChanges(tx, room, states, changed, changes);
  return { written: changed.size, isStopped };
};

/** What all sources of an entity make together: by themselves, and joined into its row. */
interface Fold {
  readonly seen: Set<string>;
  /** Sources whose rows stand as kept. */
  readonly moved: MovedEvent[];
  anew: EntityState | undefined;
  joined: EntityState | undefined;
  /** Why the row is left as it is. */
  leave?: string;
}

const foldAll = async (
  tx: Transaction,
  keys: readonly string[],
  states: ReadonlyMap<string, EntityState>,
  { aggregate, families }: Room,
): Promise<ReadonlyMap<string, Fold>> => {
  const folds = new Map<string, Fold>();
  for await (const { key, snapshot, moved } of sourcesFor(tx, families, aggregate.family, keys)) {
    const fold = folds.get(key) ?? { seen: new Set(), moved: [], anew: undefined, joined: states.get(key) };
    folds.set(key, fold);
    if (snapshot === null) fold.leave = ERASED_REASON;
    if (snapshot === undefined || snapshot === null) continue;
    if (moved !== undefined) fold.moved.push(moved);
    try {
      fold.seen.add(snapshot.eventId);
      const [anew, joined] = [aggregate.apply(fold.anew, snapshot), aggregate.apply(fold.joined, snapshot)];
      if (anew.kind !== 'rejected') fold.anew = anew.next;
      if (joined.kind !== 'rejected') fold.joined = joined.next;
    } catch (error) {
      fold.leave = reasonOf(error);
    }
  }
  return folds;
};

/** The row as it should be; a reason where it is left as it is. */
const nextOf = (aggregate: Aggregate, row: EntityState | undefined, fold: Fold): EntityState | string | undefined => {
  if (fold.leave !== undefined) return fold.leave;
  if (row === undefined || fold.anew === undefined) return fold.joined;
  return [...sourcesOf(row)].every((id) => fold.seen.has(id))
    ? withExtremesOf(aggregate.fields, row, fold.anew)
    : fold.joined;
};

const changeOf = (
  { fields }: Aggregate,
  key: string,
  row: EntityState | undefined,
  next: EntityState,
  moved: number,
): RowChange | undefined => {
  const valueIn = (state: EntityState | undefined, name: string): FieldValue =>
    (name === 'status' ? state?.status : state?.values[name]) ?? null;
  const columns = ['status', ...Object.keys(fields)].flatMap((column): ColumnChange[] => {
    const [before, after] = [valueIn(row, column), valueIn(next, column)];
    return canonical(before) === canonical(after) ? [] : [{ column, before, after }];
  });
  if (moved > 0) columns.push({ column: KEPT_BEFORE, before: moved, after: null });
  const isSame = row !== undefined && canonical(toMergeRecord(row)) === canonical(toMergeRecord(next));
  if (columns.length === 0 && isSame) return undefined;
  return {
    key,
    isNew: row === undefined,
    columns: columns.length > 0 ? columns : [{ column: MERGE_RECORD, before: null, after: null }],
  };
};

/** jsonb gives the names of an object back in another order than they came. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

const auditChanges = async (
  tx: Transaction,
  { aggregate, request }: Room,
  before: ReadonlyMap<string, EntityState>,
  changed: ReadonlyMap<string, EntityState>,
  changes: ReadonlyMap<string, RowChange>,
): Promise<void> =>
  writeAudit(
    tx,
    ...[...changed].map(([key, { status }]) => ({
      actor: operatorActor(request.by.who),
      action: 'rebuild',
      family: aggregate.family,
      key,
      from: before.get(key)?.status ?? null,
      to: status,
      reason: reasonOf(
        `${request.by.reason}: ${(changes.get(key)?.columns ?? []).map(({ column }) => column).join(', ')}`,
      ),
    })),
  );
