import { positionIn } from './positions.ts';

const row = {
  group: 'payments',
  topic: 'rzp.payments.v1',
  partition: 3,
  clusterId: 'A',
  nextOffset: 100n,
  pastEnd: null,
};
const log = { clusterId: 'A', startOffset: 0n, endOffset: 200n };

describe('where a consumer goes on', () => {
  test.each([
    ['in the middle', 100n, log],
    ['at the start of the log', 0n, log],
    ['at the end of the log', 200n, log],
    ['at the only place of a log whose records are all gone', 100n, { ...log, startOffset: 100n, endOffset: 100n }],
  ])('%s', (_, nextOffset, at) => {
    expect(positionIn({ ...row, nextOffset }, at)).toEqual({ kind: 'at', offset: nextOffset });
  });

  test.each([
    [
      'another cluster, whatever its offsets',
      100n,
      { ...log, clusterId: 'B' },
      'other-cluster',
      'cluster A, this one is B',
    ],
    ['records gone before they were applied', 99n, { ...log, startOffset: 105n }, 'gap', 'offsets 99 to 104 are gone'],
    ['one record gone', 104n, { ...log, startOffset: 105n }, 'gap', 'offsets 104 to 104 are gone'],
    ['past the end', 201n, log, 'past-end', 'stands at 201, but the log ended at 200'],
  ] as const)('halts: %s', (_, nextOffset, at, reason, words) => {
    const position = positionIn({ ...row, nextOffset }, at);
    expect(position).toMatchObject({ kind: 'halted', reason });
    expect(position.kind === 'halted' && position.explanation).toContain(words);
    expect(position.kind === 'halted' && position.explanation).toContain(
      'npx dakia ledger rebase --group payments --topic rzp.payments.v1 --partition 3',
    );
  });

  test('says which record must stand before the position, where the ledger knows it', () => {
    const mark = { eventId: 'ev_1', appendedMs: 1_700_000_000_000, leaderEpoch: 4 };
    expect(positionIn({ ...row, mark }, log)).toEqual({ kind: 'at', offset: 100n, before: mark });
    expect(positionIn({ ...row, mark: null }, log)).toEqual({ kind: 'at', offset: 100n });
  });

  test('a log that has ended too early once halts, however long it is now', () => {
    expect(positionIn({ ...row, pastEnd: 40n }, log)).toMatchObject({
      kind: 'halted',
      reason: 'past-end',
      offset: 100n,
    });
  });
});
