import type { EventIn } from '#catalogue';
import { compareStamps, onOccurrence, UNKNOWN } from '#rules';
import type { EntityState, Fact, Lifecycle, Mark, Snapshot } from '#rules';
import { disputeEnds, disputeFields, disputeStatuses, phaseOf, phases } from './fields.ts';
import type { DisputeStatus, Phase } from './fields.ts';
import { disputeTransitions } from './transitions.ts';

type Marks = Readonly<Record<string, Mark<DisputeStatus>>>;

/** Lane of the snapshots that name no phase. */
const PHASELESS = '';

const [OPEN, REVIEW, END] = [0, 1, 2] as const;
const stageOf = (status: DisputeStatus): number => (status === 'open' ? OPEN : isEnd(status) ? END : REVIEW);
const isEnd = (status: DisputeStatus): boolean => disputeEnds.some((end) => end === status);

/**
 * A later phase stands above an earlier one: a won chargeback can come back as pre-arbitration
 * (docs/payments/disputes). Within a phase: open, then the review, then the ends. In the review the newer event counts,
 * because evidence goes to and fro; between ends it does too, and rank only within one second. For its columns a
 * snapshot without a phase stands where a chargeback does, the phase of nearly all disputes.
 */
const order = (snapshot: Snapshot, rank: number): readonly number[] => {
  const phase = phases.indexOf(phaseOf(snapshot) ?? 'chargeback');
  const stage = stageOf(disputeStatuses[rank] ?? 'open');
  return [phase, stage, snapshot.occurredAt ?? UNKNOWN, rank];
};

const withinPhase = ({ stamp }: Mark): Mark['stamp'] => ({ ...stamp, order: stamp.order.slice(1) });

/** Where `order` put the time. */
const timeOf = ({ stamp }: Mark): number => stamp.order[2] ?? UNKNOWN;

/** These two only ever follow an end in an earlier phase (docs/payments/disputes). */
const followsAnEnd = (phase: Phase): boolean => phase === 'pre_arbitration' || phase === 'arbitration';

/**
 * The mark of the latest phase known, or that of the snapshots without a phase where it
 * stands higher. A mark without a phase that is known to be older than a pre-arbitration
 * or arbitration belongs to the phase before, and does not end that one.
 */
const decide = (marks: Marks): Mark<DisputeStatus> => {
  const known = phases.findLast((phase) => marks[phase] !== undefined);
  const [phased, loose] = [known === undefined ? undefined : marks[known], marks[PHASELESS]];
  if (known === undefined || phased === undefined) return loose ?? NO_MARK;
  if (loose === undefined) return phased;
  const isOlder = timeOf(loose) !== UNKNOWN && timeOf(phased) !== UNKNOWN && timeOf(loose) < timeOf(phased);
  if (followsAnEnd(known) && isOlder) return phased;
  return compareStamps(withinPhase(loose), withinPhase(phased)) > 0 ? loose : phased;
};

/** Stands for a state without any mark, which no event leaves behind. */
const NO_MARK: Mark<DisputeStatus> = { stamp: { order: [], eventId: '' }, status: 'open' };

const laneOf = (marks: Marks, mark: Mark): string =>
  Object.keys(marks).find((lane) => marks[lane]?.stamp.eventId === mark.stamp.eventId) ?? PHASELESS;

/**
 * Each phase has its own open, review and end. A second request for action is news of its own, with its own deadline:
 * its event tells the rounds apart, whatever the order in which they arrive.
 */
const statusFact = ({ marks }: EntityState<DisputeStatus>): Fact => {
  const mark = decide(marks);
  const phase = laneOf(marks, mark);
  const kind = mark.status === 'open' ? 'dispute.opened' : `dispute.${mark.status}`;
  return { kind, occurrence: mark.status === 'action_required' ? `${phase}:${mark.stamp.eventId}` : phase };
};

/** The phase that runs again after an earlier one had ended; null while that is not so. */
const reopenedIn = (state: EntityState<DisputeStatus> | undefined): string | null => {
  if (state === undefined || isEnd(state.status)) return null;
  const endedBefore = Object.values(state.marks).some((mark) => isEnd(mark.status));
  return endedBefore ? laneOf(state.marks, decide(state.marks)) : null;
};

const statusFacts = onOccurrence(statusFact);

/**
 * An end that takes the place of another in its phase is told under
 * its own event: the same end may have been told before.
 */
const factsOfStatus = (
  before: EntityState<DisputeStatus> | undefined,
  after: EntityState<DisputeStatus>,
): readonly Fact[] => {
  const { stamp, status } = decide(after.marks);
  const isTurn = isEnd(status) && before !== undefined && isEnd(before.status);
  return statusFacts(before, after).map(({ kind, occurrence }) => {
    const sameLane = isTurn && laneOf(before.marks, decide(before.marks)) === occurrence;
    return { kind, occurrence: sameLane ? `${occurrence}:${stamp.eventId}` : occurrence };
  });
};

/**
 * Another deadline within one phase, also an earlier one, while
 * somebody can still respond. A new phase brings its own with it.
 */
const deadlineFacts = (
  before: EntityState<DisputeStatus> | undefined,
  after: EntityState<DisputeStatus>,
): readonly Fact[] => {
  const [was, now] = [before?.values['respond_by'], after.values['respond_by']];
  if (before === undefined || typeof was !== 'number' || typeof now !== 'number') return [];
  if (was === now || isEnd(after.status)) return [];
  const samePhase = laneOf(before.marks, decide(before.marks)) === laneOf(after.marks, decide(after.marks));
  // The snapshot that says so is named as well: a deadline can come back to a day that it was moved to before.
  const occurrence = `${now}:${after.stamps['respond_by']?.eventId ?? ''}`;
  return samePhase ? [{ kind: 'dispute.deadline_changed', occurrence }] : [];
};

export const disputeLifecycle: Lifecycle<DisputeStatus, EventIn<'disputes'>> = {
  statuses: disputeStatuses,
  table: disputeTransitions,
  fields: disputeFields,
  shown: ({ subject }) => subject['status'],
  ends: disputeEnds,
  isLaterEndContrary: true,
  contradicted: 'dispute.contradicted',
  order,
  lane: (snapshot) => phaseOf(snapshot) ?? PHASELESS,
  decide,
  facts: (before, after) => {
    const phase = reopenedIn(after);
    const reopened =
      phase !== null && phase !== reopenedIn(before) ? [{ kind: 'dispute.reopened', occurrence: phase }] : [];
    const ofStatus = [...factsOfStatus(before, after), ...reopened];
    // What tells of a new status tells of its deadline too.
    return ofStatus.length > 0 ? ofStatus : deadlineFacts(before, after);
  },
};
