import { Queue } from 'bullmq';
import type { Logger } from '#runtime/log';
import { untilReady } from '#runtime/redis';
import { openAskingRedis, QUEUE_ANSWER_MS } from './connection.ts';
import type { Job, JobQueue, QueueConfig } from './contracts.ts';
import { keyPrefixOf } from './names.ts';
import { RENEW } from './scripts.ts';

/** Jobs per round trip. */
const BULK_JOBS = 500;
/** Rounds of looking and mending. The second finds what another process did meanwhile; a third is enough for two that renew at once. */
const RENEW_ROUNDS = 3;
/** Furthest that a job may lie ahead, in ms: one year. BullMQ's scores hold times up to 2^41 ms exactly. */
const DELAY_MS_MAX = 366 * 86_400_000;
/** What BullMQ takes as an id: a colon or digits alone mean something else to it. */
const JOB_ID = /^(?!\d+$)[A-Za-z0-9._-]+$/;
const PRIORITIES: ReadonlySet<number> = new Set([1, 2, 3, 4]);
/** BullMQ's name of a job; ours differ by queue alone. */
export const JOB_NAME = 'job';

const checked = (job: Job): Job => {
  if (!JOB_ID.test(job.id)) throw new TypeError(`the job id ${JSON.stringify(job.id)} has other signs than letters, digits, dots, dashes and underscores, or is a number`);
  if (!PRIORITIES.has(job.priority)) throw new TypeError(`job ${job.id} has the priority ${String(job.priority)}; give 1 to 4, because BullMQ runs any other before all of these`);
  if (!(job.delayMs >= 0 && job.delayMs <= DELAY_MS_MAX)) throw new TypeError(`job ${job.id} has a delay of ${String(job.delayMs)} ms; give 0 to ${DELAY_MS_MAX}`);
  return job;
};

const inChunks = async <Item>(items: readonly Item[], work: (chunk: readonly Item[]) => Promise<void>): Promise<void> => {
  for (let at = 0; at < items.length; at += BULK_JOBS) await work(items.slice(at, at + BULK_JOBS));
};

/** Opens the giving side of a queue. It connects at the first call and by itself again after that; an absent Redis makes a call reject, nothing else. */
export const openQueue = (config: QueueConfig, name: string, log: Logger): JobQueue => {
  const client = openAskingRedis(config, name, log);
  const queue = new Queue(name, { connection: client, prefix: keyPrefixOf(config.queuePrefix), skipVersionCheck: true, skipWaitingForReady: true, skipMetasUpdate: true });
  // The client says it once; without a listener BullMQ would print each of them.
  queue.on('error', () => undefined);

  const addChunk = async (jobs: readonly Job[]): Promise<void> => {
    await queue.addBulk(jobs.map(({ id, data, priority, delayMs }) => ({ name: JOB_NAME, data, opts: { jobId: id, priority, delay: Math.round(delayMs) } })));
  };

  const renewChunk = async (jobs: readonly Job[]): Promise<void> => {
    const wanted = Date.now();
    let rest = jobs;
    for (let round = 0; round < RENEW_ROUNDS && rest.length > 0; round += 1) {
      const times = rest.flatMap(({ id, delayMs }) => [id, Math.round(wanted + delayMs)]);
      const answers = (await client.eval(RENEW, 3, queue.toKey('completed'), queue.toKey('failed'), queue.toKey('delayed'), queue.toKey(''), ...times)) as readonly number[];
      await addChunk(rest.filter((_, index) => answers[index] === 1));
      const late = rest.filter((_, index) => answers[index] === 2);
      // One that began to run meanwhile is not delayed any more, which is as good.
      await Promise.all(late.map(async ({ id, delayMs }) => queue.getBackend().changeDelay(id, Math.max(0, Math.round(wanted + delayMs - Date.now()))).catch(ignoreGone)));
      rest = rest.filter((_, index) => answers[index] !== 0);
    }
  };

  const call = async <Item>(items: readonly Item[], work: (chunk: readonly Item[]) => Promise<void>): Promise<void> => {
    if (items.length === 0) return;
    await untilReady(client, QUEUE_ANSWER_MS);
    await inChunks(items, work);
  };

  return {
    name,
    add: async (jobs) => call(jobs.map(checked), addChunk),
    renew: async (jobs) => call(jobs.map(checked), renewChunk),
    remove: async (ids) => call(ids, async (chunk) => void (await Promise.all(chunk.map((id) => queue.remove(id))))),
    close: async () => {
      await queue.close();
      client.disconnect();
    },
  };
};

/** BullMQ's codes for a job that is missing or is not in the state that the command needs. */
const GONE: ReadonlySet<unknown> = new Set([-1, -3]);

const ignoreGone = (error: unknown): void => {
  if (!(error instanceof Error && 'code' in error && GONE.has(error.code))) throw error;
};
