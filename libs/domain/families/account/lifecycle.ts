import type { EventIn } from '#catalogue';
import { compareStamps, UNKNOWN } from '#rules';
import type { EntityState, Fact, Lifecycle, Mark, Snapshot } from '#rules';
import { activationWord } from './activation.ts';
import { accountChangedAt, accountEnds, accountFields, accountStatuses } from './fields.ts';
import type { AccountStatus } from './fields.ts';
import { denialsOf, isSaidSuspended } from './suspension.ts';
import { accountTransitions } from './transitions.ts';

type Marks = Readonly<Record<string, Mark<AccountStatus>>>;

/**
 * By time, the account's own where it has one: what is decided about an account goes to and fro (reviews, holds,
 * suspensions). Within one second rank decides, towards the status in which less is allowed.
 */
const order = (snapshot: Snapshot, rank: number): readonly number[] => {
  const occurredAt = snapshot.occurredAt ?? UNKNOWN;
  const changedAt = accountChangedAt(snapshot);
  return [changedAt === UNKNOWN ? occurredAt : changedAt, occurredAt, rank];
};

/**
 * Snapshots by what they say: that the account is suspended; that it is not (`free`), or nothing of it (`silent`); and
 * whether they name a step of its activation.
 */
const laneOf = (snapshot: Snapshot, status: AccountStatus): string => {
  if (status === 'suspended') return 'suspended';
  const word = isSaidSuspended(snapshot) === false ? 'free' : 'silent';
  return status === 'known' ? word : `${word}.activation`;
};

const higher = (...marks: readonly (Mark<AccountStatus> | undefined)[]): Mark<AccountStatus> | undefined =>
  marks.reduce((best, mark) =>
    best === undefined || (mark !== undefined && compareStamps(mark.stamp, best.stamp) > 0) ? mark : best,
  );

const freedBy = (marks: Marks): Mark<AccountStatus> | undefined => higher(marks['free'], marks['free.activation']);

/** Stands for a state without any mark, which no event leaves behind. */
const NO_MARK: Mark<AccountStatus> = { stamp: { order: [], eventId: '' }, status: 'known' };

/** Lane of rows that a release before 0016 of docs/adr has written and that nobody has rebuilt. */
const FORMER = '';

/** A suspension stands until a newer snapshot says that there is none; else the newest step of the activation does. */
const decide = (marks: Marks): Mark<AccountStatus> => {
  const { suspended } = marks;
  if (suspended !== undefined && higher(suspended, freedBy(marks)) === suspended) return suspended;
  const activation = higher(marks['free.activation'], marks['silent.activation'], marks[FORMER]);
  return activation ?? higher(marks['free'], marks['silent']) ?? NO_MARK;
};

type State = EntityState<AccountStatus>;

/** Each step of the activation and each suspension is told under its own event: it can come about again. */
const statusFacts = (before: State | undefined, after: State): readonly Fact[] => {
  const told =
    after.status === before?.status || after.status === 'known'
      ? []
      : [{ kind: `account.${after.status}`, occurrence: decide(after.marks).stamp.eventId }];
  const isOver = before?.status === 'suspended' && after.status !== 'suspended';
  return isOver
    ? [...told, { kind: 'account.unsuspended', occurrence: freedBy(after.marks)?.stamp.eventId ?? '' }]
    : told;
};

/** What a column has come to say that it did not say before, under the snapshot that says so. */
const columnFact = (
  kind: string,
  column: keyof typeof accountFields,
  isNews: (now: unknown, was: unknown) => boolean,
  before: State | undefined,
  after: State,
): readonly Fact[] =>
  isNews(after.values[column], before?.values[column])
    ? [{ kind, occurrence: after.stamps[column]?.eventId ?? '' }]
    : [];

/** Payments that the event of that name has enabled; a suspension ends that, and its end can bring it again. */
const paymentFacts = (before: State | undefined, after: State): readonly Fact[] => {
  const isEnabled = (state: State | undefined): boolean =>
    state !== undefined &&
    state.values['payments_enabled'] === true &&
    typeof state.values['payments_enabled_at'] === 'number';
  return isEnabled(after) && !isEnabled(before)
    ? [{ kind: 'account.payments_enabled', occurrence: after.stamps['payments_enabled']?.eventId ?? '' }]
    : [];
};

export const accountLifecycle: Lifecycle<AccountStatus, EventIn<'accounts'>> = {
  statuses: accountStatuses,
  table: accountTransitions,
  fields: accountFields,
  shown: (snapshot) => (isSaidSuspended(snapshot) === true ? 'suspended' : activationWord(snapshot)),
  ends: accountEnds,
  excludes: (one, other) => one === 'rejected' || other === 'rejected',
  contradicted: 'account.contradicted',
  denials: denialsOf,
  order,
  lane: laneOf,
  decide,
  facts: (before, after) => [
    ...statusFacts(before, after),
    ...paymentFacts(before, after),
    ...columnFact('account.funds_held', 'hold_funds', (now, was) => now === true && was !== true, before, after),
    ...columnFact('account.funds_released', 'hold_funds', (now, was) => now === false && was === true, before, after),
    ...columnFact('account.updated', 'last_update_id', (now, was) => now !== undefined && now !== was, before, after),
  ],
};
