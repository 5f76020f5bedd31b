import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import { atRate, sendLoad } from '../http-load.ts';
import type { LoadReport, Pace } from '../http-load.ts';
import { eventsOf, requestOf } from '../requests.ts';
import type { Report, Stack } from '../stack.ts';
import { rounded } from '../statistics.ts';

export interface EndToEndResult {
  /** Events per second from HTTP to Postgres that the services keep up with, all of them in one process. */
  readonly events_per_s: number;
  /** The same as a share of apply's events_per_s; absent where that was not measured. */
  readonly ratio_apply?: number;
  /** From the headers of a delivery to the begin of the transaction that applied it, at half of that load, in ms. */
  readonly lag_p50_ms: number;
  readonly lag_p99_ms: number;
  /** Mean size of the transactions under the full load, and events that were accepted and not yet applied, at most. */
  readonly batch_events: number;
  readonly backlog: number;
}

const SECRET = 'bench-secret-of-no-endpoint';
/** So many that batches fill: with 128 the sender waits for answers, and each of the 120 partitions applies one event at a time. */
const CONNECTIONS = 1_000;
/** The sender waits while so many accepted events are not applied: what goes on for ever is the rate of the slower end. */
const BACKLOG_MAX = 10_000;
const LOOK_EVERY_MS = 50;
/** More than any machine applies in a second; events are never sent twice, a repeat would cost less. */
const EVENTS_PER_SECOND = 10_000;
const WARM_UP_SECONDS = 3;
const DRAIN_WITHIN_MS = 60_000;

export const measureEndToEnd = async (
  stack: Stack,
  seconds: number,
  report: Report,
  applyPerSecond?: number,
): Promise<EndToEndResult> => {
  const prefix = await stack.createTopics(topics);
  const databaseUrl = await stack.createDatabase();
  const port = await freePort();
  const child = startChild('end-to-end/services', stack.logs, {
    ...stack.environment,
    DATABASE_URL: databaseUrl,
    DAKIA_TOPIC_PREFIX: prefix,
    DAKIA_QUEUE_PREFIX: prefix.slice(0, -1),
    DAKIA_WEBHOOK_HOST: '127.0.0.1',
    DAKIA_WEBHOOK_PORT: String(port),
    DAKIA_DRAIN_DELAY_MS: '0',
    RAZORPAY_WEBHOOK_SECRETS: SECRET,
  });
  const counter = await countApplied(databaseUrl);
  try {
    await child.ask('start');
    const events = eventsOf('end-to-end', Math.min(200_000, EVENTS_PER_SECOND * (seconds + WARM_UP_SECONDS)));
    let number = 0;
    const next = (): Buffer | undefined => {
      const event = events[number++];
      return event === undefined ? undefined : requestOf(event, SECRET);
    };
    let settled = 0;
    const run = async (during: number, pace: Pace): Promise<LoadReport> => {
      const load = await sendLoad({ port, connections: CONNECTIONS, seconds: during, next, pace });
      if (Object.keys(load.others).length > 0)
        throw new Error(
          `ingest answered other than 200: ${JSON.stringify(load.others)}; the machine is too busy to measure`,
        );
      settled += load.answered;
      return load;
    };
    const bounded = (): Pace => {
      const before = settled;
      return { allowed: () => counter.applied() - before + BACKLOG_MAX };
    };
    await run(WARM_UP_SECONDS, bounded());
    const [begin, appliedBefore] = [performance.now(), counter.applied()];
    await run(seconds, bounded());
    const perSecond = ((counter.applied() - appliedBefore) * 1000) / (performance.now() - begin);
    await drained(() => counter.applied() >= settled);
    const batchEvents = await counter.batchEvents();
    report(
      'end-to-end',
      `${perSecond.toFixed(0)} events/s with at most ${BACKLOG_MAX} behind; the lag at half of it follows`,
    );

    const since = new Date();
    await run(seconds / 2, atRate(perSecond / 2));
    await drained(() => counter.applied() >= settled);
    const [p50, p99] = await counter.lagSince(since);
    return {
      events_per_s: rounded(perSecond),
      ...(applyPerSecond === undefined ? {} : { ratio_apply: rounded(perSecond / applyPerSecond) }),
      lag_p50_ms: rounded(p50),
      lag_p99_ms: rounded(p99),
      batch_events: rounded(batchEvents),
      backlog: BACKLOG_MAX,
    };
  } finally {
    await child.stop();
    await counter.close();
  }
};

const drained = async (isDone: () => boolean): Promise<void> => {
  const end = performance.now() + DRAIN_WITHIN_MS;
  while (!isDone()) {
    if (performance.now() > end)
      throw new Error(`not everything that was accepted was applied within ${DRAIN_WITHIN_MS / 1000} s`);
    await delay(LOOK_EVERY_MS);
  }
};

interface AppliedCounter {
  /** Events whose outcome is committed, as of the last look. */
  readonly applied: () => number;
  /** Percentiles 50 and 99 of the time to be applied of what was received since. */
  readonly lagSince: (since: Date) => Promise<readonly [number, number]>;
  /** Mean number of events in a transaction so far. */
  readonly batchEvents: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Looks at the ledger all the time: its positions are what is applied. */
const countApplied = async (databaseUrl: string): Promise<AppliedCounter> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  let applied = 0;
  let isOpen = true;
  const look = async (): Promise<void> => {
    while (isOpen) {
      const { rows } = await client.query<{ applied: string | null }>(
        'SELECT sum(next_offset - first_offset) AS applied FROM partition_ledger',
      );
      applied = Number(rows[0]?.applied ?? 0);
      await delay(LOOK_EVERY_MS);
    }
  };
  const looking = look();
  return {
    applied: () => applied,
    lagSince: async (since) => {
      const { rows } = await client.query<{ lag: [number, number] }>(
        `SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM processed_at - received_at)::float8 * 1000) AS lag
           FROM webhook_events WHERE received_at >= $1`,
        [since],
      );
      return rows[0]?.lag ?? [0, 0];
    },
    batchEvents: async () => {
      // Each transaction has a time of its own.
      const { rows } = await client.query<{ mean: number }>(
        'SELECT count(*)::float8 / count(DISTINCT processed_at) AS mean FROM webhook_events',
      );
      return rows[0]?.mean ?? 0;
    },
    close: async () => {
      isOpen = false;
      await looking;
      await client.end();
    },
  };
};
