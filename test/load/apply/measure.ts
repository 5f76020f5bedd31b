import { createDatabase } from '#platform/postgres';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { onServer } from '../stack.ts';
import type { Report, Stack } from '../stack.ts';
import { median, rounded, spread } from '../statistics.ts';
import type { ApplyOutcome } from './consumer.ts';
import { EXISTING_ROWS, fillDatabase } from './existing-rows.ts';
import { fillTopics } from './fill.ts';
import { prepareInserts, runInserts } from './raw-insert.ts';
import { recordRows } from './recorded-rows.ts';
import type { Recording } from './recorded-rows.ts';

export interface ApplyResult {
  /**
   * Events per second through the consumer as a share of a raw insert
   * of the same rows, into empty tables and with 1 M rows in each.
   */
  readonly ratio_raw: number;
  readonly ratio_raw_1m: number;
  readonly events_per_s: number;
  readonly events_per_s_1m: number;
  /** CPU of the consumer's process per event, in µs. */
  readonly cpu_us: number;
  /** Mean size of its transactions. */
  readonly batch_events: number;
  /** Of the rounds' ratio_raw: (highest - lowest) / median. */
  readonly spread: number;
}

/** Events of a round; 60 000 at the default of 10 s. */
const EVENTS_PER_SECOND = 6_000;
const ROUNDS = 3;
/** Partitions that are applied at once: the default size of a service's pool. */
const CONNECTIONS = 8;
const TABLES = [
  'webhook_events',
  'event_conflicts',
  'audit_logs',
  'outbox',
  'parked_keys',
  'partition_ledger',
  'payment_transactions',
  'payment_orders',
  'downtime_events',
];

export interface ApplyRound {
  readonly outcome: ApplyOutcome;
  readonly rawSeconds: number;
}

/**
 * ApplyRound by round: the consumer applies a filled topic, then the rows that it wrote are inserted raw into a
 * database that stands as its own did. The first round warms both up and is not counted.
 */
export const measureApply = async (stack: Stack, seconds: number, report: Report): Promise<ApplyResult> => {
  const count = seconds * EVENTS_PER_SECOND;
  const child = startChild('apply/consumer', stack.logs, stack.environment);
  try {
    const [consumed, inserted] = [await stack.createDatabase(), await stack.createDatabase()];
    const prefixes: string[] = [];
    const recordings: Recording[] = [];
    const empty: ApplyRound[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const prefix = await fillTopics(stack, `apply-${round}`, count);
      for (const url of [consumed, inserted]) await settle(url, `TRUNCATE ${TABLES.join(', ')}`);
      const outcome = await consume(child, prefix, consumed, count);
      const recording = await record(consumed, outcome);
      const rawSeconds = await runInserts(inserted, prepareInserts(recording), recording, CONNECTIONS);
      await sameRows(consumed, inserted);
      say(report, round, 'empty tables', count, { outcome, rawSeconds });
      if (round === 0) continue;
      prefixes.push(prefix);
      recordings.push(recording);
      empty.push({ outcome, rawSeconds });
    }

    report('apply', `${EXISTING_ROWS} rows are made in each table`);
    await settle(consumed, `TRUNCATE ${TABLES.join(', ')}`);
    await fillDatabase(consumed);
    const full = [consumed, await stack.createDatabase(consumed)] as const;
    const large: ApplyRound[] = [];
    for (const [index, prefix] of prefixes.entries()) {
      for (const url of full) await settle(url, 'TRUNCATE partition_ledger');
      const outcome = await consume(child, prefix, full[0], count);
      const recording = recordings[index] as Recording;
      const rawSeconds = await runInserts(full[1], prepareInserts(recording), recording, CONNECTIONS);
      say(report, index + 1, '1 M rows', count, { outcome, rawSeconds });
      large.push({ outcome, rawSeconds });
    }
    return applyResult(count, empty, large);
  } finally {
    await child.stop();
  }
};

const consume = (child: Child, prefix: string, databaseUrl: string, count: number): Promise<ApplyOutcome> =>
  child.ask<ApplyOutcome>('apply', { prefix, databaseUrl, count, connections: CONNECTIONS });

/** Both begin with everything written to disk, so that neither pays for what was before it. */
const settle = async (url: string, sql: string): Promise<void> => {
  await onServer(url, sql);
  await onServer(url, 'CHECKPOINT');
};

const record = async (url: string, { batches }: ApplyOutcome): Promise<Recording> => {
  const database = createDatabase({ url, poolSize: 1, applicationName: 'dakia-bench' });
  try {
    return await recordRows(database, batches);
  } finally {
    await database.close();
  }
};

/** A comparison with a raw insert that leaves something out would flatter. */
const sameRows = async (consumed: string, inserted: string): Promise<void> => {
  const counts = TABLES.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`).join(', ');
  const [a, b] = await Promise.all([consumed, inserted].map((url) => onServer(url, `SELECT ${counts}`)));
  for (const table of TABLES.filter((name) => name !== 'partition_ledger')) {
    if (a?.[0]?.[table] !== b?.[0]?.[table])
      throw new Error(
        `${table}: the consumer wrote ${String(a?.[0]?.[table])} rows, the raw insert ${String(b?.[0]?.[table])}`,
      );
  }
};

const say = (report: Report, round: number, where: string, count: number, { outcome, rawSeconds }: ApplyRound): void =>
  report(
    'apply',
    `${round === 0 ? 'warm-up' : `round ${round} of ${ROUNDS}`}, ${where}: consumer ` +
      `${(count / outcome.seconds).toFixed(0)}/s, raw ${(count / rawSeconds).toFixed(0)}/s, ratio ` +
      `${(rawSeconds / outcome.seconds).toFixed(2)}`,
  );

/** Medians over the rounds; each ratio is taken within a round. */
export const applyResult = (count: number, empty: readonly ApplyRound[], large: readonly ApplyRound[]): ApplyResult => {
  const ratios = (rounds: readonly ApplyRound[]): readonly number[] =>
    rounds.map(({ outcome, rawSeconds }) => rawSeconds / outcome.seconds);
  const perSecond = (rounds: readonly ApplyRound[]): number =>
    median(rounds.map(({ outcome }) => count / outcome.seconds));
  return {
    ratio_raw: rounded(median(ratios(empty))),
    ratio_raw_1m: rounded(median(ratios(large))),
    events_per_s: rounded(perSecond(empty)),
    events_per_s_1m: rounded(perSecond(large)),
    cpu_us: rounded(median(empty.map(({ outcome }) => outcome.cpuMicros / count))),
    batch_events: rounded(median(empty.map(({ outcome }) => count / outcome.batches.length))),
    spread: rounded(spread(ratios(empty))),
  };
};
