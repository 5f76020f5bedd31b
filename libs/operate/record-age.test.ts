import { createRecordAges } from './record-age.ts';

/** A topic of one partition whose record at each offset was appended at a moment in s, as Kafka answers about it. */
const logOf = (appended: readonly number[], nowS: () => number) => {
  const asked: number[] = [];
  return {
    asked,
    agedOffsets: async (_topic: string, _prefix: string, agedMs: number) => {
      asked.push(agedMs / 1000);
      const found = appended.findIndex((at) => at >= nowS() - agedMs / 1000);
      return new Map([[0, BigInt(found === -1 ? appended.length : found)]]);
    },
  };
};
const waiting = (nextOffset: bigint) => [{ topic: 't', partition: 0, nextOffset }];

test('what waits is at least as old as is said, and an earlier look makes it exact', async () => {
  let nowS = 1_000;
  const log = logOf([100, 990, 999.5], () => nowS);
  const ages = createRecordAges(log, () => nowS * 1000);
  expect(await ages.of(waiting(1n), '')).toEqual(new Map([['t/0', 5]]));
  expect(log.asked).toEqual([1, 2, 5, 10]);
  nowS += 7;
  // 17 s old: known to be older than 12 s, asked for 10 s.
  expect(await ages.of(waiting(1n), '')).toEqual(new Map([['t/0', 12]]));
  // The next one is waited for now: nothing is known of it but what Kafka says.
  expect(await ages.of(waiting(2n), '')).toEqual(new Map([['t/0', 5]]));
  expect(await ages.of([], '')).toEqual(new Map());
});

test('a record of this second is 0 s old and costs one question', async () => {
  const log = logOf([999.5], () => 1_000);
  expect(await createRecordAges(log, () => 1_000_000).of(waiting(0n), '')).toEqual(new Map([['t/0', 0]]));
  expect(log.asked).toEqual([1]);
});
