import type { FieldValue, Snapshot } from './field.ts';
import { foldInto } from './fold.ts';
import { readCleanText } from './json.ts';
import { quoted } from './note.ts';
import type { Note } from './note.ts';

/** What one event says of the status. */
export interface Claim<Status extends string> {
  readonly status: Status;
  readonly notes: readonly Note[];
  /** The end that the event's name stands for, where the snapshot shows another end that excludes it. */
  readonly against: Status | null;
}

/** Which statuses a family has, and which of them are ends. */
export interface Ends<Status extends string> {
  /**
   * Lowest rank first. Unless the family orders them otherwise, a status is never left for a lower one within a lane.
   */
  readonly statuses: readonly [Status, ...Status[]];
  /** The statuses that are an outcome. No event's name alone puts one over what a snapshot shows (`claimOf`). */
  readonly ends: readonly Status[];
  /** Whether two different ends cannot both be true. Left out: no two can. */
  readonly excludes?: (one: Status, other: Status) => boolean;
}

/** Whether two ends of one entity cannot both be true. */
export const areContrary = <Status extends string>(
  { ends, excludes }: Ends<Status>,
  one: Status,
  other: Status,
): boolean => one !== other && ends.includes(one) && ends.includes(other) && (excludes?.(one, other) ?? true);

/** Whether a provider's word is a status that the family does not know. */
export const isUnknownWord = (statuses: readonly string[], word: FieldValue | undefined): word is string =>
  typeof word === 'string' && foldInto(statuses, word) === undefined;

/**
 * The status that the snapshot shows decides. The event's name refines it only where neither is an end: a dispute that
 * needs action shows `open`. A name alone never makes an end of what the snapshot shows to be none, so that no money is
 * returned or won by a name. Where no status is shown, the name is all there is. A status that we do not know claims no
 * more than that the entity exists: the first status.
 */
export const claimOf = <Status extends string>(
  family: Ends<Status>,
  shown: unknown,
  { event }: Pick<Snapshot, 'event'>,
  implied: Status,
): Claim<Status> => {
  const { statuses, ends } = family;
  if (shown === undefined || shown === null || shown === '') return { status: implied, notes: [], against: null };
  const word = readCleanText(shown);
  const known = foldInto(statuses, word);
  if (known === undefined) {
    const note: Note =
      word === undefined
        ? { kind: 'unreadable', text: 'status cannot be read' }
        : { kind: 'unknown_value', text: `status ${quoted(word)} is not known` };
    return { status: statuses[0], notes: [note], against: null };
  }
  const isAhead = statuses.indexOf(known) >= statuses.indexOf(implied);
  if (!ends.includes(known) && !ends.includes(implied))
    return { status: isAhead ? known : implied, notes: [], against: null };
  const contrary = areContrary(family, implied, known);
  const notes: readonly Note[] =
    contrary || !isAhead
      ? [{ kind: 'contradiction', text: `${event} says ${implied}, its snapshot shows ${known}: the snapshot counts` }]
      : [];
  return { status: known, notes, against: contrary ? implied : null };
};
