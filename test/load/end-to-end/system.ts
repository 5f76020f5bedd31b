import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import { cpuOfTree } from '../process-usage.ts';
import { sendLoad } from '../http-load.ts';
import type { Pace } from '../http-load.ts';
import type { OtherTree } from '../other-tree.ts';
import { eventsOf, requestOf } from '../requests.ts';
import type { Stack } from '../stack.ts';

/** Who used how much CPU, in µs. `services` is all of Dakia, in one process. */
export type CpuByProcess = Readonly<Record<string, number>>;

export interface SystemLoad {
  readonly answered: number;
  /** Events applied from the begin of the load to its end, in each second of it. */
  readonly appliedPerSecond: number;
  /** From the begin of the load until everything was applied. */
  readonly cpu: CpuByProcess;
  /** When it began, to find its events. */
  readonly since: Date;
}

/** All services of one commit, with a database and topics of its own. */
export interface MeasuredSystem {
  /**
   * Loads it and waits until everything that was accepted is applied.
   * `bounded`: the sender waits while so many are not applied.
   */
  readonly load: (
    seconds: number,
    connections: number,
    pace: Pace | { readonly backlogMax: number },
  ) => Promise<SystemLoad>;
  /**
   * Percentiles 50 and 99, in ms, from the headers of a delivery to the
   * begin of the transaction that applied it, of what was received since.
   */
  readonly lagSince: (since: Date) => Promise<readonly [number, number]>;
  /** Mean number of events in a transaction since. */
  readonly batchEventsSince: (since: Date) => Promise<number>;
  /** CPU of its own process so far, in µs. */
  readonly ownCpu: () => number;
  readonly stop: () => Promise<void>;
}

const SECRET = 'bench-secret-of-no-endpoint';
const LOOK_EVERY_MS = 20;
/**
 * Refusals are cheap: more of them than this share, and a round would
 * measure something else. A neighbour's stall refuses a few.
 */
const REFUSED_SHARE_MAX = 0.05;
const DRAIN_WITHIN_MS = 60_000;
/** More than a machine of this size applies in a second; an event is never sent twice, a repeat would cost less. */
const EVENTS_PER_SECOND_MAX = 10_000;

export const startSystem = async (stack: Stack, other?: OtherTree): Promise<MeasuredSystem> => {
  const prefix = await stack.createTopics(topics);
  const prepare = other === undefined ? undefined : (url: string) => other.prepareDatabase(url, stack.environment);
  const databaseUrl = await stack.createDatabase(undefined, prepare);
  const port = await freePort();
  const environment = {
    ...stack.environment,
    DATABASE_URL: databaseUrl,
    DAKIA_TOPIC_PREFIX: prefix,
    DAKIA_QUEUE_PREFIX: prefix.slice(0, -1),
    DAKIA_WEBHOOK_HOST: '127.0.0.1',
    DAKIA_WEBHOOK_PORT: String(port),
    DAKIA_DRAIN_DELAY_MS: '0',
    RAZORPAY_WEBHOOK_SECRETS: SECRET,
  };
  const child = startChild('end-to-end/services', stack.logs, environment, other?.programs);
  const ledger = await countApplied(databaseUrl);
  let [loads, accepted] = [0, 0];
  const cpu = (): CpuByProcess => {
    const pids = Object.entries({ services: child.pid, ...stack.serverPids() });
    return Object.fromEntries(pids.map(([name, pid]) => [name, cpuOfTree(pid)]));
  };
  await child.ask('start');
  return {
    load: async (seconds, connections, pace) => {
      // Made before the clock runs: making and signing a body costs as much as receiving it.
      const most = Math.ceil(seconds * EVENTS_PER_SECOND_MAX);
      const count = 'backlogMax' in pace ? most : Math.min(most, pace.allowed(seconds * 1000));
      const requests = eventsOf(`end-to-end-${loads++}`, count).map((event) => requestOf(event, SECRET));
      const next = (): Buffer | undefined => requests.pop();
      const stopLooking = await ledger.keepLooking();
      const [since, cpuBefore, begin, appliedBefore, acceptedBefore] = [
        new Date(),
        cpu(),
        performance.now(),
        ledger.applied(),
        accepted,
      ];
      const paced: Pace =
        'backlogMax' in pace ? { allowed: () => ledger.applied() - acceptedBefore + pace.backlogMax } : pace;
      const { sent, answered, others } = await sendLoad({ port, connections, seconds, next, pace: paced });
      const refused = Object.values(others).reduce((sum, count) => sum + count, 0);
      if (refused > REFUSED_SHARE_MAX * sent)
        throw new Error(
          `ingest answered other than 200: ${JSON.stringify(others)}; the machine is too busy to measure`,
        );
      const appliedPerSecond = ((ledger.applied() - appliedBefore) * 1000) / (performance.now() - begin);
      accepted += answered;
      await drained(() => ledger.applied() >= accepted);
      const after = cpu();
      await stopLooking();
      const used = Object.entries(cpuBefore).map(([name, micros]) => [name, (after[name] ?? 0) - micros] as const);
      return { answered, appliedPerSecond, cpu: Object.fromEntries(used), since };
    },
    lagSince: ledger.lagSince,
    batchEventsSince: ledger.batchEventsSince,
    ownCpu: () => cpuOfTree(child.pid),
    stop: async () => {
      await child.stop();
      await ledger.close();
    },
  };
};

const drained = async (isDone: () => boolean): Promise<void> => {
  const end = performance.now() + DRAIN_WITHIN_MS;
  while (!isDone()) {
    if (performance.now() > end)
      throw new Error(`not everything that was accepted was applied within ${DRAIN_WITHIN_MS / 1000} s`);
    await delay(LOOK_EVERY_MS);
  }
};

interface AppliedCounter extends Pick<MeasuredSystem, 'lagSince' | 'batchEventsSince'> {
  /** Events whose outcome is committed, as of the last look. */
  readonly applied: () => number;
  /** Looks once, then again and again until what it answers is called: of a system that is idle nothing is asked. */
  readonly keepLooking: () => Promise<() => Promise<void>>;
  readonly close: () => Promise<void>;
}

/**
 * Looks at the ledger: its positions are what is applied. Sightings are left out, for one delivery brings several
 * records; the ledger of an older commit has no such count. What this costs Postgres is counted against what is
 * measured, so it reads three numbers of each row and nothing else.
 */
const countApplied = async (databaseUrl: string): Promise<AppliedCounter> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  const { rows: columns } = await client.query(
    `SELECT 1 FROM pg_attribute WHERE attrelid = 'partition_ledger'::regclass AND attname = 'sighted'`,
  );
  const text = `SELECT sum(next_offset - first_offset${columns.length > 0 ? ' - sighted' : ''}) AS applied FROM partition_ledger`;
  let applied = 0;
  let stopLooking = async (): Promise<void> => undefined;
  const look = async (): Promise<void> => {
    const { rows } = await client.query<{ applied: string | null }>({ name: 'applied', text });
    applied = Number(rows[0]?.applied ?? 0);
  };
  return {
    applied: () => applied,
    keepLooking: async () => {
      await look();
      const over = new AbortController();
      const lookOn = async (): Promise<void> => {
        while (!over.signal.aborted) {
          await delay(LOOK_EVERY_MS);
          await look();
        }
      };
      const looking = lookOn();
      stopLooking = async () => {
        over.abort();
        await looking;
      };
      return stopLooking;
    },
    lagSince: async (since) => {
      const { rows } = await client.query<{ lag: [number, number] | null }>(
        `SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch
          FROM processed_at - received_at)::float8 * 1000) AS lag
           FROM webhook_events WHERE received_at >= $1`,
        [since],
      );
      return rows[0]?.lag ?? [0, 0];
    },
    batchEventsSince: async (since) => {
      // Each transaction has a time of its own.
      const { rows } = await client.query<{ mean: number | null }>(
        `SELECT count(*)::float8 / nullif(count(DISTINCT processed_at), 0) AS mean
           FROM webhook_events WHERE received_at >= $1`,
        [since],
      );
      return rows[0]?.mean ?? 0;
    },
    close: async () => {
      await stopLooking();
      await client.end();
    },
  };
};
