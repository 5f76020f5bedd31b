import type { EventName } from '#catalogue';
import { eventId, fromEpochSeconds, observe, reducerOf } from '#rules';
import type { EntityState, Instant, JsonRecord, Lifecycle, Snapshot } from '#rules';
import { bareSnapshot } from './arrive.ts';

const MAIN_LANE = '';
/** An instant before and one after, for a state and for the event that meets it. */
const [EARLIER, LATER] = [fromEpochSeconds(1_700_000_000), fromEpochSeconds(1_700_086_400)];

/**
 * Registers one test per cell of a family's table: a state with the row's status, reached earlier, meets the column's
 * event. `{to}` means applied with that status afterwards, `stale` that the status stays and the audit says stale.
 */
export const followsItsTable = <Status extends string, Event extends EventName>(
  lifecycle: Lifecycle<Status, Event>,
  subjectOf: (event: Event) => JsonRecord = () => ({}),
): void => {
  const reduce = reducerOf(lifecycle);
  const eventNames = Object.keys(lifecycle.table.absent) as Event[];
  const snapshotAt = (event: Event, occurredAt: Instant, id: string): Snapshot<Event> => ({
    ...bareSnapshot(event),
    event,
    eventId: eventId(id),
    occurredAt,
    subject: subjectOf(event),
  });
  const stateWith = (status: Status): EntityState<Status> => {
    const snapshot = snapshotAt(eventNames[0] as Event, EARLIER, 'event_before');
    const stamp = { order: lifecycle.order(snapshot, lifecycle.statuses.indexOf(status)), eventId: snapshot.eventId };
    const lane = lifecycle.lane?.(snapshot, status) ?? MAIN_LANE;
    return { status, marks: { [lane]: { stamp, status } }, values: {}, stamps: {} };
  };
  const cells = (['absent', ...lifecycle.statuses] as const).flatMap((from) =>
    eventNames.map((event) => ({ from, event, move: lifecycle.table[from][event] })),
  );

  test.each(
    cells.map(
      (cell) =>
        [`${cell.from} + ${cell.event} → ${typeof cell.move === 'string' ? cell.move : cell.move.to}`, cell] as const,
    ),
  )('%s', (_name, { from, event, move }) => {
    const before = from === 'absent' ? undefined : stateWith(from);
    const seen = observe(lifecycle, snapshotAt(event, LATER, 'event_now'));
    if (seen === undefined) throw new Error(`${event} says nothing, so its column has no meaning`);
    const verdict = reduce(before, seen);
    const found = verdict.kind === 'applied' || verdict.kind === 'kept' ? { to: verdict.next.status } : verdict.kind;
    expect(found).toEqual(move);
    if (verdict.kind === 'stale') expect(verdict.next.status).toBe(before?.status);
  });
};
