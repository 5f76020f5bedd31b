import type { Consumer } from 'kafkajs';
import { createLogger } from '#platform/log';
import { createCommitter } from './committer.ts';

type Offsets = Parameters<Consumer['commitOffsets']>[0];

test('what could not be committed is sent with the next, except where a partition has gone on since', async () => {
  const sent: Offsets[] = [];
  let isAway = true;
  const commitOffsets = async (offsets: Offsets): Promise<void> => {
    sent.push(offsets);
    if (!isAway) return;
    committer.mark('t', 1, 8n);
    throw new Error('away');
  };
  const committer = createCommitter({ commitOffsets } as unknown as Consumer, createLogger('test', 'fatal'));
  committer.mark('t', 0, 5n);
  committer.mark('t', 1, 7n);
  await committer.flush();
  isAway = false;
  await committer.flush();
  expect(sent.map((offsets) => offsets.map(({ partition, offset }) => `${partition}@${offset}`).toSorted())).toEqual([
    ['0@5', '1@7'],
    ['0@5', '1@8'],
  ]);
  await committer.flush();
  expect(sent).toHaveLength(2);
});
