import { setImmediate as turn } from 'node:timers/promises';
import { createEnvelopeDecoder } from '#envelope';
import { eventually } from '#kit/eventually';
import { createMemoryLedger } from '#kit/memory-ledger';
import { createLogger } from '#platform/log';
import { createRegistry } from '#platform/metrics';
import type { PartitionLog } from '../contracts.ts';
import type { FetchedMessage } from './buffer.ts';
import { createInHand } from './in-hand.ts';
import { isSameRecord } from './mark.ts';
import { consumerMetrics } from './metrics.ts';
import { AssignedPartition } from './partition.ts';
import { consumerTuning } from './tuning.ts';

const LOG: PartitionLog = { clusterId: 'c', startOffset: 0n, endOffset: 100n };
/** Records of the offsets `from` to `to`, without the last. */
const fetched = (from: number, to: number): FetchedMessage[] =>
  Array.from({ length: to - from }, (_, index) => ({
    offset: String(from + index),
    key: null,
    value: Buffer.from('x'),
    timestamp: '0',
  }));

/** A partition whose client and ledger are the test's. */
const assigned = (inHand = createInHand()) => {
  const ledger = createMemoryLedger();
  const told: string[] = [];
  let lookUps = 0;
  // Without the record before it, which tests on a real log compare.
  ledger.judge(() => {
    lookUps += 1;
    return { kind: 'at', offset: ledger.at('t') };
  });
  const partition = new AssignedPartition({
    topic: 't',
    partition: 0,
    reader: {
      pause: () => void told.push('pause'),
      resume: () => void told.push('resume'),
      resumeAt: (offset) => void told.push(`read from ${offset}`),
      markApplied: () => undefined,
    },
    readLog: async () => LOG,
    positions: ledger.positions,
    handler: async (batch) => ledger.commit(batch, 'only'),
    inHand,
    decoder: createEnvelopeDecoder(),
    metrics: consumerMetrics(createRegistry()),
    log: createLogger('test', 'fatal'),
    tuning: consumerTuning,
  });
  return { partition, ledger, told, lookUps: () => lookUps };
};
type Assigned = ReturnType<typeof assigned>;

const applied = async ({ partition, ledger }: Assigned, from: number, to: number): Promise<void> => {
  expect(await partition.accept(fetched(from, to))).toBe(BigInt(to - 1));
  await eventually('they are applied', () => partition.position === BigInt(to) && ledger.at('t') === BigInt(to));
  await turn();
};

test('a fetch of records that were taken before is let by; one that stands elsewhere leads back to the ledger', async () => {
  const one = assigned();
  await eventually('it reads', () => one.told.includes('read from 0'));
  await applied(one, 0, 5);
  expect(await one.partition.accept(fetched(3, 5))).toBe(4n);
  expect(one.lookUps()).toBe(1);
  expect(await one.partition.accept(fetched(0, 3))).toBeUndefined();
  await eventually('the ledger is asked again, and reading goes on there', () => one.told.includes('read from 5'));
  expect(one.lookUps()).toBe(2);
  await applied(one, 5, 7);
  one.partition.release();
});

test('a ledger that was looked at before a batch was applied tells nothing; one that stands elsewhere since does', async () => {
  const one = assigned();
  await eventually('it reads', () => one.told.includes('read from 0'));
  await applied(one, 0, 5);
  one.partition.compare(LOG, { asked: 0n, stands: 0n });
  await turn();
  expect(one.lookUps()).toBe(1);
  one.ledger.stand('t', 2n);
  one.partition.compare(LOG, { asked: 5n, stands: 2n });
  await eventually('it reads where the ledger stands', () => one.told.includes('read from 2'));
  one.partition.release();
});

test('a ledger that somebody else moved is read again at once, not with the next look at the lag', async () => {
  const one = assigned();
  await eventually('it reads', () => one.told.includes('read from 0'));
  one.ledger.stand('t', 3n);
  expect(await one.partition.accept(fetched(0, 2))).toBe(1n);
  await eventually('it reads where the ledger stands', () => one.told.includes('read from 3'));
  expect(one.ledger.ids()).toEqual([]);
  one.partition.release();
});

test('a partition that comes back waits for what is still in hand of it before it asks where it stands', async () => {
  const inHand = createInHand();
  const left = Promise.withResolvers<void>();
  const ended = inHand.run('t/0', () => left.promise);
  const one = assigned(inHand);
  await turn();
  expect([one.told, one.lookUps()]).toEqual([['pause'], 0]);
  left.resolve();
  await ended;
  await eventually('it reads', () => one.told.includes('read from 0'));
  one.partition.release();
});

test('a ledger past the end is looked at twice before a partition halts: the log may have grown meanwhile', async () => {
  const one = assigned();
  const positions = [101n, 90n];
  one.ledger.judge(() => ({ kind: 'at', offset: positions.shift() ?? 90n }));
  await eventually('it reads', () => one.told.includes('read from 90'));
  expect(one.ledger.troubles).toEqual([]);
  one.partition.release();
});

test('a record is told from another one at its offset by its id, its time, or the epoch of its leader', () => {
  const mark = { eventId: 'evt_1', appendedMs: 1_000, leaderEpoch: 3 };
  expect(isSameRecord(mark, { ...mark })).toBe(true);
  expect(isSameRecord(mark, { eventId: null, appendedMs: 1_000, leaderEpoch: null })).toBe(true);
  for (const other of [{ eventId: 'evt_2' }, { appendedMs: 1_001 }, { leaderEpoch: 4 }]) {
    expect([other, isSameRecord(mark, { ...mark, ...other })]).toEqual([other, false]);
    expect(isSameRecord({ ...mark, ...other }, mark)).toBe(false);
  }
});
