import type { Note } from './note.ts';

/** Everything a reducer may answer. An expected case is a member here, never an exception. */
export type Verdict<State, Fact> =
  | { readonly kind: 'applied'; readonly next: State; readonly facts: readonly Fact[]; readonly notes: readonly Note[] }
  /** An event that has no rule of its own: stored as it is, beside what is known already. */
  | { readonly kind: 'kept'; readonly next: State; readonly facts: readonly Fact[]; readonly notes: readonly Note[] }
  /** An older snapshot: it moves nothing forward, but may still fill what no newer one has said. */
  | {
      readonly kind: 'stale';
      readonly next: State;
      readonly facts: readonly Fact[];
      readonly notes: readonly Note[];
      readonly reason: string;
    }
  | { readonly kind: 'rejected'; readonly reason: string };

/**
 * Total and pure. For any multiset of events, any order of arrival ends in an equal state (each family's laws.test.ts).
 */
export type Reducer<State, Observation, Fact> = (current: State | undefined, seen: Observation) => Verdict<State, Fact>;

/** Where an event leads from a status when events arrive in order. */
export type Move<Status extends string> = { readonly to: Status } | 'stale' | 'rejected';

/** Total: `absent` and every status, times every event of the family. A missing cell does not compile. */
export type TransitionTable<Status extends string, Trigger extends string> = {
  readonly [From in Status | 'absent']: { readonly [On in Trigger]: Move<Status> };
};

/**
 * What happened to one record. Counted in the ledger: per partition the counts add
 * up to the offsets passed. `sighted`: a snapshot that stood beside another event's
 * subject was joined into its own entity's row, whether it changed it or not.
 */
export const dispositions = [
  'applied',
  'kept',
  'duplicate',
  'stale',
  'rejected',
  'parked',
  'quarantined',
  'dead',
  'sighted',
] as const;
export type Disposition = (typeof dispositions)[number];
