import type { Family } from '#catalogue';
import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import type { Arrival } from './arrival.ts';
import { handOver } from './hand-over.ts';
import { findKnown, sift } from './inbox.ts';
import type { Understandable } from './inbox.ts';
import { countDispositions, lockLedger } from './ledger.ts';
import type { LedgerKey } from './ledger.ts';
import type { KeyRef } from './parked-queue.ts';
import { consumerActor, recordConflicts, recordDecisions } from './record-decisions.ts';
import { keyName, reduceEvents, waitsBehind } from './reduce-events.ts';
import type { Decision, StatesByFamily } from './reduce-events.ts';
import type { Families } from './state-table.ts';

/** Consecutive records of one partition that are applied together. */
export interface Range {
  readonly ledger: LedgerKey;
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly arrivals: readonly Arrival[];
}

export interface AppliedRange {
  readonly decisions: readonly Decision[];
  readonly parked: readonly WaitingKey[];
}

/** A key that has events to be tried in so many ms. */
export type WaitingKey = KeyRef & { readonly afterMs: number };

export interface RangeOptions {
  /** Offset → why the event there could not be written when it was tried alone. */
  readonly failing: ReadonlyMap<bigint, string>;
  /** How long a key that this range parks waits until it is tried again, in ms; asked once per key. */
  readonly firstWaitMs: () => number;
}

/**
 * The whole of what a range of events does to Postgres, within the caller's transaction: ledger locked → duplicates and
 * conflicts sifted out → parked keys locked → states locked, in key order → rules in memory → rows, events, audit, outbox and ledger written.
 * Answers `moved` when the ledger does not stand at the range's first offset: someone else is the owner now.
 */
export const applyRange = async (
  tx: Transaction,
  families: Families,
  range: Range,
  { failing, firstWaitMs }: RangeOptions,
): Promise<AppliedRange | 'moved'> => {
  const { ledger, firstOffset, nextOffset, arrivals } = range;
  const [position, known, parked] = await Promise.all([
    lockLedger(tx, ledger),
    findKnown(tx, arrivals),
    lockParkedKeys(tx, arrivals),
  ]);
  if (position !== firstOffset) return 'moved';

  const { fresh, duplicates, understood, conflicts } = sift(arrivals, known);
  const states = await loadStates(tx, families, fresh, parked);
  const {
    decisions,
    changed,
    parked: newlyParked,
  } = reduceEvents(fresh, { aggregates: families.aggregates, states, parked, failing });

  const scheduled = newlyParked.map((key) => ({ ...key, afterMs: firstWaitMs() }));
  // Sent together with what follows; each answer is checked, and one that is wrong rolls everything back.
  const saved = saveStates(tx, families, states, changed);
  saved.catch(() => undefined);
  const conflicting = await recordConflicts(tx, ledger, conflicts);
  const repeated = duplicates.map(
    (arrival): Decision => ({ arrival, disposition: 'duplicate', reason: null, from: null, to: null, facts: [] }),
  );
  const all = [...decisions, ...conflicting, ...repeated];
  const counts = countDispositions(all.map(({ disposition }) => disposition));
  await Promise.all([
    saved,
    recordDecisions(tx, {
      ledger,
      firstOffset,
      nextOffset,
      counts,
      decisions,
      conflicts: conflicting,
      parked: scheduled,
    }),
  ]);
  return { decisions: all, parked: [...scheduled, ...(await takeFromQuarantine(tx, ledger, understood))] };
};

/**
 * Copies of events that are in the quarantine, which the catalogue understands now: sent again after an upgrade, or replayed. The kept
 * event joins its entity's queue, to be applied from there; the copy is a duplicate of it. Answers the keys that are to be woken.
 */
const takeFromQuarantine = async (
  tx: Transaction,
  { group, topic, partition }: LedgerKey,
  understood: readonly Understandable[],
): Promise<readonly WaitingKey[]> => {
  const keys: WaitingKey[] = [];
  for (const { eventId, offset, row, task } of understood) {
    const { family, key, snapshot } = task;
    await handOver(
      tx,
      { eventId, event: snapshot.event, family, key, ...row },
      { actor: consumerActor(group), reason: `understood as it came again at ${topic}/${partition}, offset ${offset}` },
    );
    keys.push({ family, key, afterMs: 0 });
  }
  return keys;
};

const LOCK_PARKED = statement(
  'lock_parked',
  `SELECT family, entity_key, failing_event_id FROM parked_keys
    WHERE (family, entity_key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    ORDER BY family, entity_key FOR UPDATE`,
);

interface ParkedRow {
  readonly family: string;
  readonly entity_key: string;
  readonly failing_event_id: string;
}

/** Key name → why a later event of the key waits. Locked, so that a retry of the key and this batch are one after the other. */
const lockParkedKeys = async (tx: Transaction, arrivals: readonly Arrival[]): Promise<ReadonlyMap<string, string>> => {
  const tasks = arrivals.flatMap(({ task }) => (task.kind === 'apply' ? [task] : []));
  if (tasks.length === 0) return new Map();
  const rows = await tx.query<ParkedRow>(LOCK_PARKED, [tasks.map(({ family }) => family), tasks.map(({ key }) => key)]);
  return new Map(rows.map((row) => [keyName(row.family, row.entity_key), waitsBehind(row.failing_event_id)]));
};

/** Reads and locks the rows of all keys that the events touch, family by family in catalogue order. */
export const loadStates = async (
  tx: Transaction,
  { tables }: Families,
  arrivals: readonly Arrival[],
  parked: { has: (name: string) => boolean },
): Promise<StatesByFamily> => {
  const keys = new Map<Family, Set<string>>();
  for (const { task } of arrivals) {
    if (task.kind === 'keep' || parked.has(keyName(task.family, task.key))) continue;
    keys.set(task.family, (keys.get(task.family) ?? new Set()).add(task.key));
  }
  const touched = [...tables].filter(([family]) => keys.has(family));
  const loaded = await Promise.all(
    touched.map(async ([family, table]) => [family, await table.load(tx, [...(keys.get(family) ?? [])])] as const),
  );
  return new Map(loaded);
};

export const saveStates = async (
  tx: Transaction,
  { tables }: Families,
  loaded: StatesByFamily,
  changed: StatesByFamily,
): Promise<void> => {
  await Promise.all(
    [...changed].map(async ([family, states]) => tables.get(family)?.save(tx, states, loaded.get(family) ?? new Map())),
  );
};
