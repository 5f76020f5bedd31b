import { headerText, recordHeaders } from '#envelope';
import type { RecordMark } from '../contracts.ts';
import type { FetchedMessage } from './buffer.ts';

/** Enough to tell ids apart. */
const ID_LENGTH_MAX = 256;

/**
 * What tells this record from the one at its offset in another log.
 * Its text is such that Postgres can hold it, whoever wrote it.
 */
export const markOf = ({ timestamp, headers, batchContext }: FetchedMessage): RecordMark => {
  const id = headerText(headers, recordHeaders.eventId);
  return {
    eventId: id === undefined ? null : id.replaceAll('\u0000', '').toWellFormed().slice(0, ID_LENGTH_MAX),
    appendedMs: Number(timestamp),
    leaderEpoch: batchContext?.partitionLeaderEpoch ?? null,
  };
};

/** What is not known on either side says nothing. */
export const isSameRecord = (a: RecordMark, b: RecordMark): boolean =>
  a.appendedMs === b.appendedMs &&
  (a.eventId === null || b.eventId === null || a.eventId === b.eventId) &&
  (a.leaderEpoch === null || b.leaderEpoch === null || a.leaderEpoch === b.leaderEpoch);

export const describeMark = ({ eventId, appendedMs, leaderEpoch }: RecordMark): string =>
  `${eventId ?? 'a record without id'}, appended ${new Date(appendedMs).toISOString()} in epoch ` +
  `${leaderEpoch ?? 'unknown'}`;
