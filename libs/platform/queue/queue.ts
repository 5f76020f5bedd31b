import { AFTERWARDS } from '#catalogue';
import type { Logger } from '#platform/log';
import type { Job, JobQueue, QueueConfig } from './contracts.ts';
import { RENEW } from './scripts.ts';

/** Jobs per round trip. */
const BULK_JOBS = 500;
/** Furthest that a job may lie ahead, in ms: one year. BullMQ's scores hold times up to 2^41 ms exactly. */
const DELAY_MS_MAX = 366 * 86_400_000;
/** In the order of the script. */
const RENEW_KEYS = ['completed', 'failed', 'delayed', 'marker', 'prioritized', 'wait', 'paused', 'active'] as const;
/** What BullMQ takes as an id: a colon or digits alone mean something else to it. */
const JOB_ID = /^(?!\d+$)[A-Za-z0-9._-]+$/;
const PRIORITIES: ReadonlySet<number> = new Set([1, 2, 3, 4, AFTERWARDS]);
/** BullMQ's name of a job; ours differ by queue alone. */
export const JOB_NAME = 'job';

const checked = (job: Job, taken: object): Job => {
  if (Object.hasOwn(taken, job.id)) throw new TypeError(`the job id ${job.id} is the name of a key of BullMQ's`);
  if (!JOB_ID.test(job.id))
    throw new TypeError(
      `the job id ${JSON.stringify(job.id)} has other signs than letters, digits, dots, dashes and ` +
        'underscores, or is a number',
    );
  if (!PRIORITIES.has(job.priority))
    throw new TypeError(
      `job ${job.id} has the priority ${String(job.priority)}; give 1 to ${AFTERWARDS}, because BullMQ runs any ` +
        'other before all of these',
    );
  if (!(job.delayMs >= 0 && job.delayMs <= DELAY_MS_MAX))
    throw new TypeError(`job ${job.id} has a delay of ${String(job.delayMs)} ms; give 0 to ${DELAY_MS_MAX}`);
  return job;
};

const inChunks = async <Item>(
  items: readonly Item[],
  work: (chunk: readonly Item[]) => Promise<void>,
): Promise<void> => {
  for (let at = 0; at < items.length; at += BULK_JOBS) await work(items.slice(at, at + BULK_JOBS));
};

/** Loads Redis' clients: a program that never gives a job, as most of the CLI, does without them. */
const connect = async (config: QueueConfig, name: string, log: Logger) => {
  const { openAskingRedis, openBullQueue, untilAnswering } = await import('./connection.ts');
  const client = openAskingRedis(config, name, log);
  return { client, queue: openBullQueue(client, config, name), answers: () => untilAnswering(client) };
};

/**
 * Opens the giving side of a queue. It connects at the first call and by
 * itself again after that; an absent Redis makes a call reject, nothing else.
 */
export const openQueue = (config: QueueConfig, name: string, log: Logger): JobQueue => {
  let opened: ReturnType<typeof connect> | undefined;
  const open = () => (opened ??= connect(config, name, log));

  const addChunk = async (jobs: readonly Job[]): Promise<void> => {
    const { queue } = await open();
    await queue.addBulk(
      jobs.map(({ id, data, priority, delayMs }) => ({
        name: JOB_NAME,
        data,
        opts: { jobId: id, priority, delay: Math.round(delayMs) },
      })),
    );
  };

  /** The jobs that are missing. */
  const mend = async (jobs: readonly Job[], now: number, which: 'all' | 'new'): Promise<readonly Job[]> => {
    const { client, queue } = await open();
    const times = jobs.flatMap(({ id, delayMs }) => [id, Math.round(now + delayMs)]);
    const keys = RENEW_KEYS.map((kind) => queue.toKey(kind));
    const missing = (await client.eval(
      RENEW,
      keys.length,
      ...keys,
      queue.toKey(''),
      which,
      ...times,
    )) as readonly number[];
    return jobs.filter((_, index) => missing[index] === 1);
  };

  const renewChunk = async (jobs: readonly Job[]): Promise<void> => {
    const now = Date.now();
    const missing = await mend(jobs, now, 'all');
    if (missing.length === 0) return;
    await addChunk(missing);
    // Somebody else may have added one in between, for later. What has run since is not called back.
    await mend(missing, now, 'new');
  };

  const allChecked = async (jobs: readonly Job[]): Promise<readonly Job[]> => {
    const { queue } = await open();
    return jobs.map((job) => checked(job, queue.keys));
  };

  const call = async <Item>(items: readonly Item[], work: (chunk: readonly Item[]) => Promise<void>): Promise<void> => {
    if (items.length === 0) return;
    await (await open()).answers();
    await inChunks(items, work);
  };

  return {
    name,
    add: async (jobs) => call(await allChecked(jobs), addChunk),
    renew: async (jobs) => call(await allChecked(jobs), renewChunk),
    remove: async (ids) =>
      call(ids, async (chunk) => {
        const { queue } = await open();
        await Promise.all(chunk.map((id) => queue.remove(id)));
      }),
    close: async () => {
      const open = await opened;
      await open?.queue.close();
      open?.client.disconnect();
    },
  };
};
