import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BatchOutcome } from '#kafka';
import type { AppliedRanges, Range } from './apply-ranges.ts';
import { placeName } from './ledger.ts';

/** Bounds of one transaction, and of those that run beside it. */
export interface GroupBounds {
  /** A range is never cut: a transaction of one range may be larger. */
  readonly events: number;
  readonly bytes: number;
  /** Ranges that are applied alone at the same time, each on a connection of its own. */
  readonly lanes: number;
  /** So many events must wait before a second transaction begins beside the first; Infinity: never. */
  readonly besideFrom: number;
}

/**
 * Beyond 500 events a transaction hardly gains (docs/performance.md);
 * twice that bounds how long one may hold the others up.
 */
export const GROUP_EVENTS_MAX = 1_000;
export const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/**
 * While Postgres writes one transaction Node computes the next: it takes as long for it. Where less waits, what gathers
 * meanwhile is cheaper in one transaction than what begins at once.
 */
export const BESIDE_EVENTS_MIN = 250;
/** Transactions of many partitions at once. */
const GROUPS_MAX = 2;

export interface GroupCommitOptions {
  readonly bounds: GroupBounds;
  /** Applies ranges of different partitions in one transaction. Rejects when it was refused, or could not be made. */
  readonly together: (ranges: readonly Range[]) => Promise<Pick<AppliedRanges, 'applied' | 'moved'>>;
  /** Applies one range, waiting for what it needs and splitting it where it must. Rejects for infrastructure only. */
  readonly alone: (range: Range, signal: AbortSignal, progress: () => void) => Promise<BatchOutcome>;
  /**
   * Whether ranges that were refused together may get through one by
   * one: a refusal or a time-out may be that of one of them.
   */
  readonly mayPassInParts: (error: unknown) => boolean;
  /** Told how long a range waited for its transaction, in s. */
  readonly gathered?: (seconds: number) => void;
}

interface Member {
  readonly range: Range;
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly progress: () => void;
  readonly answer: PromiseWithResolvers<BatchOutcome>;
  readonly since: number;
}

export type Submit = (range: Range, signal: AbortSignal, progress: () => void) => Promise<BatchOutcome>;

/**
 * Whatever ranges of a service come while a transaction runs go into the next one together. So one event alone is a
 * small transaction at once, and under load transactions grow by themselves; when much has gathered a second one, of
 * other partitions, begins beside the first. What drops out of a transaction, or was refused with it, goes alone, on a
 * lane beside: nobody waits for it.
 */
export const createGroupCommit = ({
  bounds,
  together,
  alone,
  mayPassInParts,
  gathered = () => undefined,
}: GroupCommitOptions): Submit => {
  let waiting: Member[] = [];
  let running = 0;
  const lanes = createLanes(bounds.lanes);
  /** Places whose last range failed: they do not come back to the others until one of theirs has got through. */
  const failing = new Set<string>();

  const goAlone = ({ range, signal, progress, answer }: Member): void => {
    const place = placeName(range.ledger);
    lanes(() => alone(range, signal, progress)).then(
      (outcome) => {
        failing.delete(place);
        answer.resolve(outcome);
      },
      (error: unknown) => {
        failing.add(place);
        answer.reject(error);
      },
    );
  };

  const end = (members: readonly Member[], { applied, moved }: Pick<AppliedRanges, 'applied' | 'moved'>): void => {
    for (const member of members) {
      if (applied.includes(member.range)) member.answer.resolve('applied');
      else if (moved.includes(member.range)) member.answer.resolve('moved');
      else goAlone(member);
    }
  };

  const commit = async (members: readonly Member[]): Promise<void> => {
    const ranges = members.map(({ range }) => range);
    for (const { progress, since } of members) {
      gathered((performance.now() - since) / 1000);
      progress();
    }
    try {
      end(members, await together(ranges));
    } catch (error) {
      if (mayPassInParts(error)) members.forEach(goAlone);
      else for (const { answer } of members) answer.reject(error);
    }
  };

  /** Whether one more transaction is to begin beside `others` that run. */
  const isDue = (others: number): boolean => {
    if (others === 0) return waiting.length > 0;
    return others < GROUPS_MAX && eventsIn(waiting) >= bounds.besideFrom;
  };

  const run = async (): Promise<void> => {
    running += 1;
    while (isDue(running - 1)) {
      // One turn of the event loop: what came with the same fetch, or follows on what was just answered, goes along.
      await nextTurn();
      const [taken, left] = nextGroup(waiting, bounds);
      waiting = left;
      const here = taken.filter(({ signal }) => !signal.aborted);
      for (const { signal, answer } of taken) if (signal.aborted) answer.resolve('moved');
      if (here.length > 0) await commit(here);
    }
    running -= 1;
  };

  return (range, signal, progress) => {
    const answer = Promise.withResolvers<BatchOutcome>();
    const bytes = range.arrivals.reduce((sum, { body }) => sum + body.length, 0);
    const member = { range, bytes, signal, progress, answer, since: performance.now() };
    if (failing.has(placeName(range.ledger))) goAlone(member);
    else waiting.push(member);
    if (isDue(running)) void run();
    return answer.promise;
  };
};

const eventsIn = (members: readonly Member[]): number =>
  members.reduce((sum, { range: { arrivals } }) => sum + arrivals.length, 0);

/**
 * The oldest ranges that fit into one transaction, at least one, and what is left. Of one partition only the first: a
 * second is an owner of before or after it, and would find the ledger moved by the first.
 */
const nextGroup = (waiting: readonly Member[], bounds: GroupBounds): readonly [Member[], Member[]] => {
  const taken: Member[] = [];
  const left: Member[] = [];
  const places = new Set<string>();
  let [events, bytes] = [0, 0];
  for (const member of waiting) {
    const place = placeName(member.range.ledger);
    const isFull = events + member.range.arrivals.length > bounds.events || bytes + member.bytes > bounds.bytes;
    if (places.has(place) || (taken.length > 0 && isFull)) {
      left.push(member);
      continue;
    }
    places.add(place);
    events += member.range.arrivals.length;
    bytes += member.bytes;
    taken.push(member);
  }
  return [taken, left];
};

/** Runs work at most `count` at a time, in the order given. */
const createLanes = (count: number): (<Value>(work: () => Promise<Value>) => Promise<Value>) => {
  const queue: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};
