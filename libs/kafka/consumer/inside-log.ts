import type { PartitionLog, Position, RecordMark } from '../contracts.ts';
import { describeMark } from './mark.ts';
import type { Halted } from './mode.ts';

/** kafkajs would answer a position outside the log by starting over at its beginning; here it stands still. */
export const insideLog = (position: Position, log: PartitionLog): Position => {
  if (position.kind === 'halted') return position;
  const { offset } = position;
  if (offset < log.startOffset)
    return standing(
      offset,
      'gap',
      `records ${offset} to ${log.startOffset - 1n} left the log before they were applied ` +
        '(retention, or deleted by hand)',
    );
  if (offset > log.endOffset)
    return standing(
      offset,
      'past-end',
      `the ledger stands at ${offset}, but the log ends at ${log.endOffset}: it was cut off or made anew`,
    );
  return position;
};

export const holeAt = (offset: bigint): Halted =>
  standing(offset, 'gap', `the log has no record ${offset}, but later ones (compaction or a transaction)`);

export const otherLog = (offset: bigint, expected: RecordMark, found: RecordMark): Halted =>
  standing(
    offset,
    'other-log',
    `the record before offset ${offset} is not the one that was applied (${describeMark(expected)}) but ` +
      `${describeMark(found)}: the topic was made anew, or Kafka was restored from an older copy`,
  );

const standing = (offset: bigint, reason: Halted['reason'], what: string): Halted => ({
  kind: 'halted',
  reason,
  offset,
  explanation: `${what}; see npx dakia ledger show, then decide with npx dakia ledger rebase --reason`,
});
