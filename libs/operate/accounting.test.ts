import type { LedgerRow } from '#apply';
import { countDispositions } from '../apply/ledger.ts';
import { accountOf } from './accounting.ts';
import type { LogEnd, Waiting } from './accounting.ts';

const row = (more: Partial<LedgerRow> = {}): LedgerRow => ({
  group: 'payments',
  topic: 't',
  partition: 0,
  clusterId: 'A',
  firstOffset: 10n,
  nextOffset: 15n,
  counts: { ...countDispositions([]), applied: 2, duplicate: 1, parked: 2 },
  pastEnd: null,
  updatedAt: new Date(0),
  ...more,
});
const log: LogEnd = { topic: 't', partition: 0, startOffset: 10n, endOffset: 18n };
const waiting: Waiting = { topic: 't', partition: 0, events: 2 };

describe('accounting', () => {
  test('adds up: everything passed has a count, the rest is lag', () => {
    const account = accountOf([row()], [log], [waiting]);
    expect(account).toMatchObject({
      ok: true,
      difference: 0,
      totals: { accepted: 8, applied: 2, duplicate: 1, parked: 2, lag: 3, dead: 0 },
    });
    expect(account.partitions).toEqual([
      {
        group: 'payments',
        topic: 't',
        partition: 0,
        accepted: 8,
        applied: 2,
        duplicate: 1,
        stale: 0,
        rejected: 0,
        parked: 2,
        quarantined: 0,
        dead: 0,
        lag: 3,
        problem: null,
      },
    ]);
  });

  test('a partition that nobody has read yet is all lag', () => {
    expect(accountOf([], [log], [])).toMatchObject({
      ok: true,
      totals: { accepted: 8, lag: 8 },
      partitions: [{ group: null, problem: null }],
    });
  });

  test.each([
    [
      'an offset without a count',
      [row({ counts: countDispositions(['applied']) })],
      [log],
      [],
      '4 events are not accounted for',
    ],
    ['a parked event whose row is gone', [row()], [log], [], '2 events are counted as parked, 0 wait'],
    [
      'a row that waits without being counted',
      [row()],
      [log],
      [{ ...waiting, events: 3 }],
      '2 events are counted as parked, 3 wait',
    ],
    ['a ledger ahead of the log', [row({ nextOffset: 20n, firstOffset: 15n })], [log], [waiting], '2 past the end'],
    [
      'a ledger that was ahead of the log',
      [row({ pastEnd: 14n })],
      [log],
      [waiting],
      'stood at 15 when the log ended at 14',
    ],
    ['records gone from Kafka', [row()], [{ ...log, startOffset: 17n }], [waiting], '2 events are gone'],
    ['a topic that was deleted', [row()], [], [waiting], 'no such partition'],
  ] as const)('does not add up: %s', (_, ledger, logs, wait, words) => {
    const account = accountOf(ledger, logs, wait);
    expect(account.ok).toBe(false);
    expect(account.partitions[0]?.problem).toContain(words);
  });

  test('differences of opposite sign do not hide each other', () => {
    const less = row({ counts: { ...row().counts, applied: 1 } });
    const more = row({ partition: 1, counts: { ...row().counts, applied: 3 } });
    expect(accountOf([less, more], [log, { ...log, partition: 1 }], []).difference).toBe(2);
  });
});
