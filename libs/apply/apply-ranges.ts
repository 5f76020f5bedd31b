import type { Transaction } from '#platform/postgres';
import { tellAcrossRows } from './across-rows.ts';
import type { Arrival } from './arrival.ts';
import { releaseFromQuarantine } from './release-from-quarantine.ts';
import { findKnown, lockUndated, classify } from './inbox.ts';
import type { Classified, KnownEvents, Understandable } from './inbox.ts';
import { countDispositions, lockLedgers, placeName } from './ledger.ts';
import type { LedgerKey, Locking } from './ledger.ts';
import { lockParkedKeys } from './parked-keys.ts';
import type { KeyRef } from './parked-queue.ts';
import { consumerActor, recordDecisions } from './record-decisions.ts';
import { recordRedeliveries } from './redeliveries.ts';
import { keyName, reduceEvents } from './reduce-events.ts';
import type { Decision } from './reduce-events.ts';
import type { Families } from './state-table.ts';
import { holdStates, saveStates } from './states.ts';

/** Consecutive records of one partition that are applied together. */
export interface Range {
  readonly ledger: LedgerKey;
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly arrivals: readonly Arrival[];
}

/** A key that has events to be tried in so many ms, and the W3C trace context that this goes on with. */
export type WaitingKey = KeyRef & { readonly afterMs: number; readonly traceparent?: string | null };

/** What one transaction did with the ranges that it was given: each is in one of the three lists. */
export interface AppliedRanges {
  readonly applied: readonly Range[];
  /** The ledger does not stand at the range's first offset: someone else is the owner now. */
  readonly moved: readonly Range[];
  /** What they need another transaction holds, or they lock what is not theirs: to be applied one by one, waiting. */
  readonly alone: readonly Range[];
  readonly decisions: readonly Decision[];
  readonly parked: readonly WaitingKey[];
}

export interface RangesOptions {
  /** `skip` for many ranges; with `wait`, for one alone, nothing drops out. */
  readonly locking: Locking;
  /** Name of a record → why its event could not be written when it was tried alone. */
  readonly failing: ReadonlyMap<string, string>;
  /** How long a key that is parked here waits until it is tried again, in ms; asked once per key. */
  readonly firstWaitMs: () => number;
  /** Told how long each step took, in s. */
  readonly stage?: (stage: 'lock' | 'reduce' | 'write', seconds: number) => void;
}

/**
 * The whole of what events do to Postgres, for ranges of several partitions of one group, within the caller's
 * transaction and with one statement a step for all of them: ledger rows locked → duplicates and conflicts set apart →
 * parked keys locked → states locked, in key order → rules in memory → rows, events, audit, outbox and ledger written.
 * A range that this transaction cannot have at once drops out alone.
 */
export const applyRanges = async (
  tx: Transaction,
  families: Families,
  ranges: readonly Range[],
  { locking, failing, firstWaitMs, stage = () => undefined }: RangesOptions,
): Promise<AppliedRanges> => {
  const since = stopwatch();
  const group = ranges[0]?.ledger.group ?? '';
  const all = ranges.flatMap(({ arrivals }) => arrivals);
  // All in one round trip, and taken in this order. So rows are also locked of events that turn out to be copies.
  const [positions, busyIds, known, keys, { states, held }] = await Promise.all([
    lockLedgers(
      tx,
      group,
      ranges.map(({ ledger }) => ledger),
      locking,
    ),
    lockUndated(tx, all, locking),
    findKnown(tx, all),
    lockParkedKeys(tx, all, locking),
    holdStates(tx, families, all, locking),
  ]);
  const standing = standingOf(ranges, positions, locking);
  const isFree = ({ eventId, task }: Arrival): boolean => {
    if (busyIds.has(eventId)) return false;
    if (task.kind === 'keep') return true;
    const name = keyName(task.family, task.key);
    return keys.parked.has(name) || (held.has(name) && !keys.busy.has(name));
  };
  const { ranges: applied, classified } = withoutLate(standing.there, known, locking, isFree);
  const alone = [...standing.busy, ...standing.there.filter((range) => !applied.includes(range))];
  const result = { applied, moved: standing.moved, alone };
  if (applied.length === 0) return { ...result, decisions: [], parked: [] };

  stage('lock', since());
  const reduced = reduceEvents(classified.fresh, {
    aggregates: families.aggregates,
    states,
    parked: keys.parked,
    failing,
  });
  const scheduled = reduced.parked.map((key) => ({ ...key, afterMs: firstWaitMs() }));
  stage('reduce', since());
  // Sent together with what follows; each answer is checked, and one that is wrong rolls everything back.
  const saved = saveStates(tx, families, states, reduced.changed);
  saved.catch(() => undefined);
  const sighted = new Set(
    reduced.decisions.filter(({ disposition }) => disposition === 'sighted').map(({ arrival }) => arrival.eventId),
  );
  const copies = classified.duplicates.map(({ arrival, of }) => copyOf(arrival, sighted.has(of.eventId)));
  const decisions = [...reduced.decisions, ...copies];
  const moves = movesOf(applied, decisions);
  await Promise.all([
    saved,
    recordDecisions(tx, { group, moves, decisions: reduced.decisions, parked: scheduled }),
    recordRedeliveries(tx, classified.duplicates),
    tellAcrossRows(tx, states, reduced.changed, reduced.decisions),
  ]);
  const released = await takeFromQuarantine(tx, group, classified.understood);
  stage('write', since());
  return { ...result, decisions, parked: [...scheduled, ...released] };
};

/** Each call answers the seconds since the one before. */
const stopwatch = (): (() => number) => {
  let last = performance.now();
  return () => {
    const before = last;
    last = performance.now();
    return (last - before) / 1000;
  };
};

interface Standing {
  /** Those whose ledger row is ours and stands where they begin. */
  readonly there: readonly Range[];
  readonly moved: readonly Range[];
  readonly busy: readonly Range[];
}

const standingOf = (ranges: readonly Range[], positions: ReadonlyMap<string, bigint>, locking: Locking): Standing => {
  const groups = Map.groupBy(ranges, ({ ledger, firstOffset }): keyof Standing => {
    const position = positions.get(placeName(ledger));
    if (position === undefined && locking === 'skip') return 'busy';
    return position === firstOffset ? 'there' : 'moved';
  });
  return { there: groups.get('there') ?? [], moved: groups.get('moved') ?? [], busy: groups.get('busy') ?? [] };
};

interface Selection {
  readonly ranges: readonly Range[];
  readonly classified: Classified;
}

/**
 * The ranges that can be applied together, with their events classified. Those with events that lock what belongs to
 * another topic (conflicts, copies of quarantined events), or that are not `free`, drop out. Then the rest is
 * classified anew: what was the copy of an event that has dropped out is the first one now.
 */
const withoutLate = (
  ranges: readonly Range[],
  known: KnownEvents,
  locking: Locking,
  free: (arrival: Arrival) => boolean,
): Selection => {
  for (let staying = ranges; ; ) {
    const classified = classify(
      staying.flatMap(({ arrivals }) => arrivals),
      known,
    );
    if (locking === 'wait') return { ranges: staying, classified };
    const late = new Set(
      [
        ...classified.fresh.filter((arrival) => arrival.claimedId !== undefined || !free(arrival)),
        ...classified.understood,
      ].map(placeName),
    );
    if (late.size === 0) return { ranges: staying, classified };
    // Every round takes at least one range away.
    staying = staying.filter(({ ledger }) => !late.has(placeName(ledger)));
  }
};

/**
 * A second copy. Of a sighting nothing is kept by which a later copy
 * could be told, so one in the same batch counts like that one.
 */
const copyOf = (arrival: Arrival, isSighted: boolean): Decision => ({
  arrival,
  disposition: isSighted ? 'sighted' : 'duplicate',
  reason: null,
  from: null,
  to: null,
  facts: [],
});

const movesOf = (ranges: readonly Range[], decisions: readonly Decision[]) => {
  const byPlace = Map.groupBy(decisions, ({ arrival }) => placeName(arrival));
  return ranges.map(({ ledger: { topic, partition }, firstOffset, nextOffset, arrivals }) => ({
    topic,
    partition,
    firstOffset,
    nextOffset,
    mark: arrivals.at(-1)?.mark,
    counts: countDispositions(
      (byPlace.get(placeName({ topic, partition })) ?? []).map(({ disposition }) => disposition),
    ),
  }));
};

/**
 * Copies of events that are in the quarantine, which the catalogue understands now: sent
 * again after an upgrade, or replayed. The kept event joins its entity's queue, to be
 * applied from there; the copy is a duplicate of it. Answers the keys that are to be woken.
 */
const takeFromQuarantine = async (
  tx: Transaction,
  group: string,
  understood: readonly Understandable[],
): Promise<readonly WaitingKey[]> => {
  const keys: WaitingKey[] = [];
  for (const { topic, partition, eventId, offset, row, task, sighting, traceparent } of understood) {
    const { family, key, snapshot } = task;
    await releaseFromQuarantine(
      tx,
      { eventId, event: snapshot.event, family, key, sighting, ...row },
      { actor: consumerActor(group), reason: `understood as it came again at ${topic}/${partition}, offset ${offset}` },
    );
    keys.push({ family, key, afterMs: 0, traceparent });
  }
  return keys;
};
