import { readLedger } from '#apply';
import type { LedgerRow } from '#apply';
import { topics } from '#catalogue';
import { createKafka, createLogReader } from '#kafka';
import type { KafkaConfig, LogOfPartition } from '#kafka';
import type { Logger } from '#platform/log';
import { accountFigures, counterOf, gaugeOf, timesLeft } from '#platform/metrics';
import type { Registry, TimeLeft } from '#platform/metrics';
import { adHoc } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { createPeriodic } from '#platform/time';
import type { Periodic } from '#platform/time';
import { accounting, missing } from './accounting.ts';
import type { Account } from './accounting.ts';
import { createRecordAges } from './record-age.ts';
import { auditRows } from './row-audit.ts';
import type { Loss } from './row-audit.ts';

/** Pause in ms between two looks; what is shown is at most so much older than the answers. */
const LOOK_EVERY_MS = 10_000;
/**
 * Least pause in ms between two readings of all rows, and how many times
 * as long as the reading took it is: 2 % of one connection's time.
 */
const AUDIT_EVERY_MS = 60_000;
const AUDIT_REST_FACTOR = 50;
/** Longest waits for a broker. A look that fails comes again within seconds. */
const KAFKA_OPTIONS = {
  clientId: 'dakia-reporter',
  requestTimeoutMs: 5_000,
  retry: { retries: 2, initialRetryTime: 200, maxRetryTime: 1_000 },
};

export interface ReporterOptions {
  readonly config: KafkaConfig;
  /** Its own, so that no consumer's trouble keeps it waiting. */
  readonly database: Database;
  readonly metrics: Registry;
  readonly log: Logger;
  readonly auditEveryMs?: number;
}

/** What one look has found. */
interface Reading {
  readonly account: Account;
  readonly ledger: readonly LedgerRow[];
  readonly logs: readonly LogOfPartition[];
  readonly ages: ReadonlyMap<string, number>;
}

/**
 * Says of every consumer group how far it is, whether its consumer is there or not: compares the ledger with Kafka's
 * own offsets, and from time to time all rows with the ledger. A scrape shows what the last look has found.
 */
export const createReporter = ({
  config,
  database,
  metrics,
  log,
  auditEveryMs = AUDIT_EVERY_MS,
}: ReporterOptions): Periodic => {
  const { kafka, sockets } = createKafka(config, log, KAFKA_OPTIONS);
  const reader = createLogReader(kafka);
  const ages = createRecordAges(reader);
  const prefix = config.topicPrefix;
  const looks = counterOf(metrics, 'dakia_reporter_looks_total');
  const lastLook = gaugeOf(metrics, 'dakia_reporter_last_look_timestamp_seconds');
  const show = [showLag(metrics), showAccount(metrics)];
  let losses: readonly Loss[] = [];
  let auditAt = 0;

  const readOffsets = async (): Promise<Reading> => {
    let logs: readonly LogOfPartition[] = [];
    const account = await accounting(database, async () => (logs = await reader.read({ topics, prefix })));
    const ledger = await readLedger(database);
    return { account, ledger, logs, ages: await ages.of(waitingIn(ledger, logs), prefix) };
  };
  const audit = async (): Promise<void> => {
    const began = performance.now();
    if (began < auditAt) return;
    losses = await auditRows(database);
    const ended = performance.now();
    auditAt = ended + Math.max(auditEveryMs, (ended - began) * AUDIT_REST_FACTOR);
  };
  const periodic = createPeriodic({
    name: 'reporter',
    everyMs: LOOK_EVERY_MS,
    log,
    work: async () => {
      try {
        const reading = await readOffsets();
        await showRows(metrics, database);
        await audit();
        for (const one of show) one(reading, losses);
        looks.inc({ result: 'done' });
        lastLook.set({}, Date.now() / 1000);
      } catch (error) {
        looks.inc({ result: 'failed' });
        throw error;
      }
    },
  });
  return {
    ...periodic,
    stop: async (deadline) => {
      try {
        await periodic.stop(deadline);
      } finally {
        await reader.close();
        sockets.killAll();
      }
    },
  };
};

const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

const waitingIn = (ledger: readonly LedgerRow[], logs: readonly LogOfPartition[]) => {
  const rows = new Map(ledger.map((row) => [nameOf(row), row]));
  return logs.flatMap(({ topic, partition, startOffset, endOffset }) => {
    const nextOffset = rows.get(nameOf({ topic, partition }))?.nextOffset ?? startOffset;
    return nextOffset < endOffset ? [{ topic, partition, nextOffset }] : [];
  });
};

type Show = (reading: Reading, losses: readonly Loss[]) => void;

const showLag = (metrics: Registry): Show => {
  const records = gaugeOf(metrics, 'dakia_ledger_lag_records');
  const seconds = gaugeOf(metrics, 'dakia_ledger_lag_seconds');
  const stalled = gaugeOf(metrics, 'dakia_ledger_stalled_seconds');
  return ({ ledger, logs, ages }) => {
    const rows = new Map(ledger.map((row) => [nameOf(row), row]));
    for (const { topic, partition, startOffset, endOffset } of logs) {
      const row = rows.get(nameOf({ topic, partition }));
      const labels = { topic, partition: String(partition) };
      const age = ages.get(nameOf({ topic, partition })) ?? 0;
      const unmoved = row === undefined ? age : (Date.now() - row.movedAt.getTime()) / 1000;
      records.set(labels, Math.max(0, Number(endOffset - (row?.nextOffset ?? startOffset))));
      seconds.set(labels, age);
      // It may have had nothing to do for long before what waits came.
      stalled.set(labels, Math.max(0, Math.min(age, unmoved)));
    }
  };
};

const showAccount = (metrics: Registry): Show => {
  const records = gaugeOf(metrics, 'dakia_account_records');
  const difference = gaugeOf(metrics, 'dakia_account_difference');
  const halted = gaugeOf(metrics, 'dakia_ledger_halted');
  return ({ account }, losses) => {
    for (const topic of topics) {
      const ofTopic = account.partitions.filter((one) => one.topic === topic);
      const sum = (of: (one: (typeof ofTopic)[number]) => number): number =>
        ofTopic.reduce((total, one) => total + of(one), 0);
      for (const figure of accountFigures)
        records.set(
          { topic, figure },
          sum((one) => one[figure]),
        );
      const lost = losses
        .filter((loss) => loss.topic === topic)
        .reduce((total, loss) => total + (loss.kind === 'entity' ? 1 : loss.events), 0);
      difference.set({ topic }, lost + sum((one) => Math.abs(missing(one))));
      halted.set(
        { topic },
        sum((one) => (one.problem !== null && missing(one) === 0 ? 1 : 0)),
      );
    }
  };
};

const QUARANTINE = adHoc(
  `SELECT count(*) AS open, coalesce(date_part('epoch', clock_timestamp() - min(received_at)), 0) AS "oldestS"
     FROM webhook_events WHERE NOT processed AND verdict = 'quarantined'`,
);
/** Those without a deadline have none that is near. */
const DEADLINES = adHoc(
  `SELECT CASE WHEN time_left < interval '0' THEN 'overdue' WHEN time_left < interval '1 day' THEN 'within-1d'
               WHEN time_left < interval '3 days' THEN 'within-3d' ELSE 'later' END AS "left", count(*) AS open
     FROM disputes_by_deadline GROUP BY 1`,
);

/** What waits for people, as Postgres has it. */
const showRows = async (metrics: Registry, database: Database): Promise<void> => {
  const [quarantine] = await database.query<{ readonly open: number; readonly oldestS: number }>(QUARANTINE);
  gaugeOf(metrics, 'dakia_quarantine_open').set({}, quarantine?.open ?? 0);
  gaugeOf(metrics, 'dakia_quarantine_oldest_seconds').set({}, quarantine?.oldestS ?? 0);
  const deadlines = await database.query<{ readonly left: TimeLeft; readonly open: number }>(DEADLINES);
  const open = new Map(deadlines.map((row) => [row.left, row.open]));
  for (const left of timesLeft)
    gaugeOf(metrics, 'dakia_deadlines_open').set({ family: 'disputes', left }, open.get(left) ?? 0);
};
