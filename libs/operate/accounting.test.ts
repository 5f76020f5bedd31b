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
  skipped: 0,
  retired: 0,
  rowsDigest: 0n,
  movedAt: new Date(0),
  lastError: null,
  lastErrorAt: null,
  mark: null,
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
        sighted: 0,
        kept: 0,
        parked: 2,
        quarantined: 0,
        dead: 0,
        skipped: 0,
        lag: 3,
        problem: null,
        stalledSeconds: null,
        lastError: null,
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

  test('what an operator passed over is counted, and is no difference', () => {
    const account = accountOf([row({ firstOffset: 3n, skipped: 7 })], [log], [waiting]);
    expect(account).toMatchObject({ ok: true, difference: 0, totals: { accepted: 15, skipped: 7, lag: 3 } });
  });

  test.each([
    ['records that have waited too long', 15n, 70, 70],
    ['records that came just now, after a long rest', 15n, 3_600, null, 15n],
    ['nothing that waits', 18n, 3_600, null],
    ['a position that moved just now, far behind', 15n, 5, null],
  ] as readonly [string, bigint, number, number | null, bigint?][])(
    'a partition with %s',
    (_, nextOffset, rests, expected, agedOffset: bigint = 18n) => {
      const counts = countDispositions(Array.from({ length: Number(nextOffset - 10n) }, () => 'applied' as const));
      const account = accountOf([row({ nextOffset, counts })], [{ ...log, agedOffset }], [], [], {
        nowMs: rests * 1_000,
      });
      expect(account.partitions[0]?.stalledSeconds).toBe(expected);
      expect([account.addsUp, account.moves, account.ok]).toEqual([true, expected === null, expected === null]);
    },
  );

  test('an error of the consumer is shown until the position moves after it', () => {
    const at = (lastErrorAt: Date) =>
      accountOf([row({ movedAt: new Date(5_000), lastError: 'no right', lastErrorAt })], [log], [waiting]);
    expect(at(new Date(6_000)).partitions[0]?.lastError).toBe('no right');
    expect(at(new Date(4_000)).partitions[0]?.lastError).toBeNull();
  });

  test('a partition of another cluster is a problem, and so are keys that nobody tries again', () => {
    const moved = accountOf([row()], [{ ...log, clusterId: 'B' }], [waiting]);
    expect(moved.partitions[0]?.problem).toContain('the Kafka cluster A, this one is B');
    const overdue = accountOf([row()], [log], [waiting], [{ group: 'payments', keys: 2, seconds: 90 }]);
    expect([overdue.addsUp, overdue.moves]).toEqual([true, false]);
  });
});
