import type { Redis } from '#platform/redis';
import type { QueueStats } from './contracts.ts';

/** What BullMQ's limiter counts up to while a queue rests; see REST. */
export const REST_COUNT = String(Number.MAX_SAFE_INTEGER);

/**
 * What BullMQ keeps of a queue, under `{prefix}:queue:…`; a job's
 * score among the prioritized is priority × 2^32 plus a counter.
 */
const PRIORITY_BAND = 2 ** 32;
const PRIORITIES = [1, 2, 3, 4] as const;
/** A delayed job's score is its time in ms × 2^12 plus a counter. */
const DELAY_BAND = 2 ** 12;

export interface QueueSnapshot {
  readonly stats: QueueStats;
  /** No worker may take a job now: somebody paused the queue, or it rests. */
  readonly held: boolean;
}

type Reply = readonly [error: Error | null, value: unknown];

const valueOf = (replies: readonly Reply[] | null, at: number): unknown => {
  const reply = replies?.[at];
  if (reply === undefined) throw new Error('Redis gave no answer');
  if (reply[0] !== null) throw reply[0];
  return reply[1];
};
const countOf = (replies: readonly Reply[] | null, at: number): number => Number(valueOf(replies, at));
const idsOf = (value: unknown): readonly string[] =>
  typeof value === 'string' ? [value] : Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** When a job was to run, in epoch ms: as it was last put off, else as it was added. */
const dueOf = (value: unknown): number | null => {
  const [timestamp, due, opts] = value as readonly (string | null)[];
  if (due !== null && due !== undefined) return Number(due);
  if (timestamp === null || timestamp === undefined) return null;
  return Number(timestamp) + delayIn(opts ?? '{}');
};

const delayIn = (opts: string): number => Number(/"delay":(\d+)/.exec(opts)?.[1] ?? 0);

/** Reads one queue in two round trips. */
export const readQueue = async (client: Redis, keyPrefix: string, name: string): Promise<QueueSnapshot> => {
  const key = (part: string): string => `${keyPrefix}:${name}:${part}`;
  const now = Date.now();
  const asked = client
    .pipeline()
    .llen(key('wait'))
    .llen(key('active'))
    .zcard(key('completed'))
    .zcard(key('failed'))
    .zcard(key('delayed'))
    .zcard(key('prioritized'))
    .llen(key('paused'))
    .get(key('limiter'))
    .pttl(key('limiter'))
    .zrange(key('delayed'), '0', '0', 'WITHSCORES')
    .hexists(key('meta'), 'paused')
    .lindex(key('active'), -1)
    .lindex(key('wait'), -1)
    .lindex(key('paused'), -1);
  for (const priority of PRIORITIES)
    asked.zrangebyscore(
      key('prioritized'),
      priority * PRIORITY_BAND,
      String((priority + 1) * PRIORITY_BAND - 1),
      'LIMIT',
      0,
      1,
    );
  const replies = await asked.exec();

  const oldest = [11, 12, 13, 14, 15, 16, 17].flatMap((at) => idsOf(valueOf(replies, at)));
  const times = client.pipeline();
  for (const id of oldest) times.hmget(key(id), 'timestamp', 'due', 'opts');
  const jobs = oldest.length === 0 ? [] : await times.exec();
  const [, firstDelayed] = idsOf(valueOf(replies, 9));
  const dues = [
    ...oldest.flatMap((_, at) => dueOf(valueOf(jobs, at)) ?? []),
    ...(firstDelayed === undefined ? [] : [Math.floor(Number(firstDelayed) / DELAY_BAND)].filter((due) => due <= now)),
  ];

  const paused = countOf(replies, 10) === 1;
  const [waiting, prioritized] = [countOf(replies, 0), countOf(replies, 5)];
  return {
    stats: {
      name,
      waiting: paused ? 0 : waiting,
      active: countOf(replies, 1),
      completed: countOf(replies, 2),
      failed: countOf(replies, 3),
      delayed: countOf(replies, 4),
      prioritized: paused ? 0 : prioritized,
      paused: countOf(replies, 6) + (paused ? waiting + prioritized : 0),
      oldestMs: dues.length === 0 ? null : Math.max(0, now - Math.min(...dues)),
    },
    held: paused || (valueOf(replies, 7) === REST_COUNT && countOf(replies, 8) > 0),
  };
};
