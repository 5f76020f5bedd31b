/**
 * Plain BullMQ as a process of its own: one program adds the jobs and works
 * them off, and nothing is kept anywhere else. Started by measure.ts.
 */
import http from 'node:http';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { answerParent } from '../answer-parent.ts';

export interface PlainOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly url: string;
  readonly concurrency: number;
}

export interface PlainRun {
  /** What every job carries and posts. */
  readonly body: string;
  readonly count: number;
  /** Jobs that are added in one round trip: as many as there are facts in a transaction. */
  readonly atOnce: number;
  readonly post: boolean;
}

export interface PlainOutcome {
  /** Of the first add and of the last job's end, epoch ms. */
  readonly beganMs: number;
  readonly endedMs: number;
}

interface Payload {
  readonly body: string;
  readonly post: boolean;
}

const QUEUE = 'plain';
/** As the queues of Dakia trim theirs. */
const KEPT = { age: 3_600, count: 1_000 };

const nowMs = (): number => performance.timeOrigin + performance.now();

let options: PlainOptions | undefined;
let queue: Queue<Payload> | undefined;
let worker: Worker<Payload> | undefined;
let onEnd: (error?: Error) => void = () => undefined;
let runs = 0;

const start = async (given: PlainOptions): Promise<void> => {
  options = given;
  const agent = new http.Agent({ keepAlive: true, maxSockets: given.concurrency });
  const connection = () => new Redis(given.redisUrl, { maxRetriesPerRequest: null });
  queue = new Queue(QUEUE, { connection: connection(), prefix: given.prefix });
  worker = new Worker<Payload>(
    QUEUE,
    async ({ id, data }) => (data.post ? post(new URL(given.url), agent, id ?? '', data.body) : undefined),
    {
      connection: connection(),
      prefix: given.prefix,
      concurrency: given.concurrency,
      removeOnComplete: KEPT,
    },
  );
  worker.on('completed', () => onEnd());
  worker.on('failed', (_job, error) => onEnd(error));
  await worker.waitUntilReady();
};

const post = (url: URL, agent: http.Agent, id: string, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = http.request(url, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'webhook-id': id },
    });
    request.once('response', (response) => {
      response.resume();
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
    request.once('error', reject);
    request.end(body);
  });

const run = async ({ body, count, atOnce, post: isPosted }: PlainRun): Promise<PlainOutcome> => {
  if (queue === undefined || options === undefined) throw new Error('not started');
  let left = count;
  const done = new Promise<void>((resolve, reject) => {
    onEnd = (error) => {
      left -= 1;
      if (error !== undefined) reject(error);
      else if (left === 0) resolve();
    };
  });
  runs += 1;
  const beganMs = nowMs();
  for (let from = 0; from < count; from += atOnce) {
    const jobs = Array.from({ length: Math.min(atOnce, count - from) }, (_, index) => ({
      name: 'job',
      data: { body, post: isPosted },
      opts: { jobId: `run-${runs}-${from + index}` },
    }));
    await queue.addBulk(jobs);
  }
  await done;
  return { beganMs, endedMs: nowMs() };
};

answerParent({
  start: (given) => start(given as PlainOptions),
  run: (given) => run(given as PlainRun),
  stop: async () => {
    await worker?.close();
    await queue?.close();
  },
});
