import { operatorActor } from '#apply';
import type { OperatorAction } from '#apply';
import { REPLAYED_WITHIN_DAYS } from '#catalogue';
import { adHoc, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import { instant } from '#rules';
import type { Instant } from '#rules';

const DAY_MS = 86_400_000;
/** Razorpay delivers for 24 h; a backlog or a replay reaches further back. */
const DAYS_BACK = 7;
/** How long the command may go without being run. */
const DAYS_AHEAD = 14;
/** Copies of an event are recognised by its row, so rows must outlast the last topic that can bring the event again. */
export const RETIRE_DAYS_MIN = REPLAYED_WITHIN_DAYS + 1;
/** Moving rows out of the default partition may take longer than any batch. */
const MAINTENANCE_TIMEOUT_MS = 600_000;

const PARENT = 'webhook_events';
const DEFAULT_PARTITION = 'webhook_events_default';
const PARTITION_NAME = /^webhook_events_(\d{4})(\d{2})(\d{2})$/;

const startOfDay = (at: number): Instant => instant(Math.floor(at / DAY_MS) * DAY_MS);
const dateOf = (day: Instant): string => new Date(day).toISOString().slice(0, 10);
const nameOf = (day: Instant): string => `${PARENT}_${dateOf(day).replaceAll('-', '')}`;

/** The day that a partition holds; undefined for the default partition and for what is not ours. */
export const dayOf = (name: string): Instant | undefined => {
  const [, year, month, day] = PARTITION_NAME.exec(name) ?? [];
  return year === undefined ? undefined : instant(Date.UTC(Number(year), Number(month) - 1, Number(day)));
};

/** Days in UTC for which there should be a partition. */
export const daysWanted = (now: Instant): readonly Instant[] =>
  Array.from({ length: DAYS_BACK + 1 + DAYS_AHEAD }, (_, index) =>
    instant(startOfDay(now) + (index - DAYS_BACK) * DAY_MS),
  );

const PARTITIONS = adHoc(
  `SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = '${PARENT}'::regclass ORDER BY child.relname`,
);
const partitionNames = async (tx: Transaction): Promise<readonly string[]> =>
  (await tx.query<{ name: string }>(PARTITIONS)).map(({ name }) => name);

export interface MadePartition {
  readonly name: string;
  /** Rows of that day that had been put into the default partition. */
  readonly moved: number;
}

/** Makes the missing daily partitions, and moves rows that are in the default partition although their day now has one. Needs the owner of the tables. */
export const applyPartitions = async (database: Database, now: Instant): Promise<readonly MadePartition[]> => {
  const existing = new Set(await partitionNames(database));
  const made: MadePartition[] = [];
  for (const day of daysWanted(now)) {
    if (existing.has(nameOf(day))) continue;
    const partition = await database.transaction(async (tx) => makePartition(tx, day));
    if (partition !== undefined) made.push(partition);
  }
  return made;
};

const makePartition = async (tx: Transaction, day: Instant): Promise<MadePartition | undefined> => {
  const name = nameOf(day);
  const [from, to] = [dateOf(day), dateOf(instant(day + DAY_MS))];
  const range = `created_at >= '${from} 00:00:00+00' AND created_at < '${to} 00:00:00+00'`;
  await tx.query(adHoc(`SET LOCAL statement_timeout = ${MAINTENANCE_TIMEOUT_MS}`));
  // New rows of the day wait here until they have their own partition; all other days flow on.
  await tx.query(adHoc(`LOCK TABLE ONLY ${DEFAULT_PARTITION} IN ACCESS EXCLUSIVE MODE`));
  if ((await partitionNames(tx)).includes(name)) return undefined;
  await tx.query(adHoc(`CREATE TABLE ${name} (LIKE ${PARENT} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`));
  const [result] = await tx.query<{ moved: number }>(
    adHoc(
      `WITH gone AS (DELETE FROM ${DEFAULT_PARTITION} WHERE ${range} RETURNING *),
            arrived AS (INSERT INTO ${name} SELECT * FROM gone RETURNING 1)
       SELECT count(*) AS moved FROM arrived`,
    ),
  );
  await tx.query(
    adHoc(
      `ALTER TABLE ${PARENT} ATTACH PARTITION ${name} FOR VALUES FROM ('${from} 00:00:00+00') TO ('${to} 00:00:00+00')`,
    ),
  );
  return { name, moved: result?.moved ?? 0 };
};

export interface RetireRequest extends OperatorAction {
  /** Days that are kept, counted back from now. */
  readonly keepDays: number;
  /** false: only say what would be done. */
  readonly execute: boolean;
  /** true: also give up what is quarantined or dead in there. What is parked is never given up. */
  readonly withUnprocessed: boolean;
}

export interface RetiredPartition {
  readonly name: string;
  readonly rows: number;
  readonly parked: number;
  /** Quarantined and dead. */
  readonly unprocessed: number;
  /** Why the partition stays; null when it goes. */
  readonly kept: string | null;
}

/**
 * Drops daily partitions that are older than `keepDays`, and processed rows as old from the default partition. Answers what was
 * done, or would be. Throws when `keepDays` is below RETIRE_DAYS_MIN. Needs the owner of the tables.
 */
export const retirePartitions = async (
  database: Database,
  now: Instant,
  request: RetireRequest,
): Promise<readonly RetiredPartition[]> => {
  if (!Number.isInteger(request.keepDays) || request.keepDays < RETIRE_DAYS_MIN) {
    throw new Error(
      `${request.keepDays} days cannot be kept: give a whole number from ${RETIRE_DAYS_MIN}, because Kafka may bring an event again within ${REPLAYED_WITHIN_DAYS} days and copies are recognised by their rows`,
    );
  }
  const before = instant(startOfDay(now) - request.keepDays * DAY_MS);
  const old = (await partitionNames(database)).filter((name) => {
    const day = dayOf(name);
    return day !== undefined && day < before;
  });
  const retired: RetiredPartition[] = [];
  for (const name of old) retired.push(await database.transaction(async (tx) => retire(tx, name, request)));
  retired.push(await database.transaction(async (tx) => trimDefault(tx, before, request)));
  return retired.filter(({ rows, name }) => rows > 0 || name !== DEFAULT_PARTITION);
};

const countsOf = (name: string, where: string) =>
  adHoc(
    `SELECT count(*) AS rows, count(*) FILTER (WHERE verdict = 'parked') AS parked,
            count(*) FILTER (WHERE NOT processed AND verdict <> 'parked') AS unprocessed FROM ONLY ${name} WHERE ${where}`,
  );

/** Without its event a dead letter can neither be tried again nor be published. */
const closeDeadLettersOf = (name: string) =>
  adHoc(
    `UPDATE dead_letters d SET resolution = 'discarded', resolved_at = now(), resolved_by = $1, resolved_reason = $2
       FROM ONLY ${name} e WHERE d.razorpay_event_id = e.razorpay_event_id AND d.created_at = e.created_at AND d.resolution IS NULL`,
  );

const keptBecause = (
  { parked, unprocessed }: Pick<RetiredPartition, 'parked' | 'unprocessed'>,
  withUnprocessed: boolean,
): string | null => {
  if (parked > 0) return `${parked} parked events wait in it: see npx dakia parked list`;
  return unprocessed > 0 && !withUnprocessed
    ? `${unprocessed} events in it are quarantined or dead: give them up with --with-unprocessed`
    : null;
};

const retire = async (tx: Transaction, name: string, request: RetireRequest): Promise<RetiredPartition> => {
  await tx.query(adHoc(`SET LOCAL statement_timeout = ${MAINTENANCE_TIMEOUT_MS}`));
  if (request.execute) await lockLedger(tx);
  // The lock that dropping a partition needs, taken now so that nobody waits for us in a circle.
  if (request.execute) await tx.query(adHoc(`LOCK TABLE ONLY ${PARENT} IN ACCESS EXCLUSIVE MODE`));
  const [counts] = await tx.query<Omit<RetiredPartition, 'name' | 'kept'>>(countsOf(name, 'true'));
  const found = counts ?? { rows: 0, parked: 0, unprocessed: 0 };
  const kept = keptBecause(found, request.withUnprocessed);
  if (request.execute && kept === null) {
    await tx.query(closeDeadLettersOf(name), [request.who, `its event was retired with ${name}: ${request.reason}`]);
    await countRetired(tx, name, 'true');
    await tx.query(adHoc(`DROP TABLE ${name}`));
    await noteRetired(tx, `${name} with ${found.rows} events (${found.unprocessed} unprocessed)`, request);
  }
  return { name, ...found, kept };
};

/** Odd dates: their age is when they were received. Unprocessed ones stay. */
const trimDefault = async (tx: Transaction, before: Instant, request: RetireRequest): Promise<RetiredPartition> => {
  const old = `processed AND received_at < '${new Date(before).toISOString()}'`;
  await tx.query(adHoc(`SET LOCAL statement_timeout = ${MAINTENANCE_TIMEOUT_MS}`));
  if (request.execute) await lockLedger(tx);
  const [counts] = await tx.query<Omit<RetiredPartition, 'name' | 'kept'>>(countsOf(DEFAULT_PARTITION, old));
  const found = counts ?? { rows: 0, parked: 0, unprocessed: 0 };
  if (request.execute && found.rows > 0) {
    await countRetired(tx, DEFAULT_PARTITION, old);
    await tx.query(adHoc(`DELETE FROM ${DEFAULT_PARTITION} WHERE ${old}`));
    await noteRetired(tx, `${found.rows} processed events of ${DEFAULT_PARTITION}`, request);
  }
  return { name: DEFAULT_PARTITION, ...found, kept: null };
};

/** Consumers take their rows of the ledger before they look into webhook_events. */
const lockLedger = async (tx: Transaction): Promise<void> =>
  void (await tx.query(adHoc('SELECT 1 FROM partition_ledger ORDER BY consumer_group, topic, partition FOR UPDATE')));

/** Rows that go by an operator's decision are not lost. */
const countRetired = async (tx: Transaction, name: string, where: string): Promise<void> =>
  void (await tx.query(
    adHoc(
      `UPDATE partition_ledger l SET retired = l.retired + gone.events
         FROM (SELECT kafka_topic, kafka_partition, count(*) AS events FROM ONLY ${name} WHERE verdict <> 'sighted' AND (${where}) GROUP BY 1, 2) gone
        WHERE l.topic = gone.kafka_topic AND l.partition = gone.kafka_partition`,
    ),
  ));

const noteRetired = async (tx: Transaction, what: string, { who, reason }: OperatorAction): Promise<void> => {
  await writeAudit(tx, { actor: operatorActor(who), action: 'partitions.retire', reason: `${what}: ${reason}` });
};
