import { operatorActor, ROW_IDENTITY } from '#apply';
import type { OperatorAction } from '#apply';
import { REPLAYED_WITHIN_DAYS } from '#catalogue';
import { adHoc, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import { instant } from '#rules';
import type { Instant } from '#rules';

export const DAY_MS = 86_400_000;
/** Razorpay delivers for 24 h; a backlog or a replay reaches further back. */
const DAYS_BACK = 7;
/** How long the command may go without being run. */
const DAYS_AHEAD = 14;
/** Copies of an event are recognised by its row, so rows must outlast the last topic that can bring the event again. */
export const RETIRE_DAYS_MIN = REPLAYED_WITHIN_DAYS + 1;
/** Rows that one statement moves or deletes. */
const CHUNK_ROWS = 2_000;
/**
 * Longest wait in ms for the lock on the default partition: what comes
 * after it in the queue waits as well. The next run tries again.
 */
const LOCK_WAIT_MS = 3_000;
/** Chunks of one run; what is beyond comes with the next run. */
const CHUNKS_MAX = 50_000;

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

/**
 * Makes the missing daily partitions, and moves rows that are in the default
 * partition although their day now has one. Needs the owner of the tables.
 */
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

/**
 * Events come in while the rows move: only what is final moves before the lock on the
 * default partition is taken, in chunks, and nobody sees it leave before it has arrived.
 * Under the lock the rest moves, which is what waits and what has come meanwhile.
 */
const makePartition = async (tx: Transaction, day: Instant): Promise<MadePartition | undefined> => {
  const name = nameOf(day);
  const [from, to] = [dateOf(day), dateOf(instant(day + DAY_MS))];
  const range = `created_at >= '${from} 00:00:00+00' AND created_at < '${to} 00:00:00+00'`;
  // Two makers at once: the second finds it made.
  await tx.query(adHoc(`SELECT pg_advisory_xact_lock(hashtextextended('${name}', 0))`));
  if ((await partitionNames(tx)).includes(name)) return undefined;
  await tx.query(adHoc(`CREATE TABLE ${name} (LIKE ${PARENT} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`));
  const final = await moveChunks(tx, name, `${range} AND processed`);
  await tx.query(adHoc(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`));
  // New rows of the default partition wait from here on; all other days flow on.
  await tx.query(adHoc(`LOCK TABLE ONLY ${DEFAULT_PARTITION} IN ACCESS EXCLUSIVE MODE`));
  const rest = await moveChunks(tx, name, range);
  await tx.query(
    adHoc(
      `ALTER TABLE ${PARENT} ATTACH PARTITION ${name} FOR VALUES FROM ('${from} 00:00:00+00') TO ('${to} 00:00:00+00')`,
    ),
  );
  return { name, moved: final + rest };
};

/**
 * Moves the rows out of the default partition. A cursor finds each
 * once: a search for the next chunk would pass over all that has gone.
 */
const moveChunks = async (tx: Transaction, name: string, where: string): Promise<number> => {
  const cursor = `moving_${name}`;
  await tx.query(
    adHoc(
      `DECLARE ${cursor} NO SCROLL CURSOR FOR SELECT ctid::text AS ctid FROM ONLY ${DEFAULT_PARTITION} WHERE ${where}`,
    ),
  );
  let moved = 0;
  for (;;) {
    const rows = await tx.query<{ ctid: string }>(adHoc(`FETCH ${CHUNK_ROWS} FROM ${cursor}`));
    if (rows.length === 0) break;
    const [result] = await tx.query<{ moved: number }>(
      adHoc(
        `WITH gone AS (DELETE FROM ONLY ${DEFAULT_PARTITION} WHERE ctid = ANY($1::tid[]) RETURNING *),
              arrived AS (INSERT INTO ${name} SELECT * FROM gone RETURNING 1)
         SELECT count(*) AS moved FROM arrived`,
      ),
      [rows.map(({ ctid }) => ctid)],
    );
    moved += result?.moved ?? 0;
  }
  await tx.query(adHoc(`CLOSE ${cursor}`));
  return moved;
};

export interface RetireRequest extends OperatorAction {
  /** Days that are kept, counted back from now. */
  readonly keepDays: number;
  /** false: only say what would be done. */
  readonly execute: boolean;
  /** true: also give up what is quarantined or dead in there. What is parked is never given up. */
  readonly withUnprocessed: boolean;
  /**
   * What the operator was shown, by partition, as `inPartition` says it: others are left. Left out when nobody looked.
   */
  readonly shown?: ReadonlyMap<string, string>;
}

export interface RetiredPartition {
  readonly name: string;
  readonly rows: number;
  readonly parked: number;
  /** Quarantined and dead. */
  readonly unprocessed: number;
  /**
   * Those that have not been here for as long as they are to be kept: an event's date may lie long before its arrival.
   */
  readonly young: number;
  /** Why the partition stays; null when it goes. */
  readonly kept: string | null;
  /** Stays because it is not what the operator was shown. */
  readonly changed: boolean;
}

/** What an operator decides about, in words. */
export const inPartition = ({
  rows,
  parked,
  unprocessed,
}: Omit<RetiredPartition, 'name' | 'kept' | 'changed'>): string =>
  `${rows} rows, ${parked} parked, ${unprocessed} quarantined or dead`;

/**
 * Drops daily partitions in which everything was received more than `keepDays` ago, and
 * processed rows as old from the default partition: Kafka brings an event again for a time that
 * begins with its reception, and its date may lie long before that. Answers what was done, or
 * would be. Throws when `keepDays` is below RETIRE_DAYS_MIN. Needs the owner of the tables.
 */
export const retirePartitions = async (
  database: Database,
  now: Instant,
  request: RetireRequest,
): Promise<readonly RetiredPartition[]> => {
  if (!Number.isInteger(request.keepDays) || request.keepDays < RETIRE_DAYS_MIN) {
    throw new Error(
      `${request.keepDays} days cannot be kept: give a whole number from ${RETIRE_DAYS_MIN}, because Kafka may ` +
        `bring an event again within ${REPLAYED_WITHIN_DAYS} days and copies are recognised by their rows`,
    );
  }
  const before = instant(startOfDay(now) - request.keepDays * DAY_MS);
  const old = (await partitionNames(database)).filter((name) => {
    const day = dayOf(name);
    return day !== undefined && day < before;
  });
  const retired: RetiredPartition[] = [];
  for (const name of old) {
    const one = await database.transaction(async (tx) => retire(tx, name, before, request));
    if (one !== undefined) retired.push(one);
  }
  retired.push(await trimDefault(database, before, request));
  return retired.filter(({ rows, name }) => rows > 0 || name !== DEFAULT_PARTITION);
};

const countsOf = (name: string, where: string, before: Instant) =>
  adHoc(
    `SELECT count(*) AS rows, count(*) FILTER (WHERE verdict = 'parked') AS parked,
            count(*) FILTER (WHERE NOT processed AND verdict <> 'parked') AS unprocessed,
            count(*) FILTER (WHERE received_at >= '${new Date(before).toISOString()}') AS young FROM ONLY ${name}
              WHERE ${where}`,
  );
const none = { rows: 0, parked: 0, unprocessed: 0, young: 0 };

/** Without its event a dead letter can neither be tried again nor be published. */
const closeDeadLettersOf = (name: string) =>
  adHoc(
    `UPDATE dead_letters d SET resolution = 'discarded', resolved_at = now(), resolved_by = $1, resolved_reason = $2
       FROM ONLY ${name} e WHERE d.razorpay_event_id = e.razorpay_event_id AND d.created_at = e.created_at
         AND d.resolution IS NULL`,
  );

type Found = typeof none;

const keptBecause = ({ parked, unprocessed, young }: Found, withUnprocessed: boolean): string | null => {
  if (parked > 0) return `${parked} parked events wait in it: see npx dakia parked list`;
  if (young > 0) return `${young} events in it have not been here for as long as they are kept`;
  return unprocessed > 0 && !withUnprocessed
    ? `${unprocessed} events in it are quarantined or dead: give them up with --with-unprocessed`
    : null;
};

const judge = (name: string, found: Found, { shown, execute, withUnprocessed }: RetireRequest): RetiredPartition => {
  const kept = keptBecause(found, withUnprocessed);
  const was = shown?.get(name);
  if (kept !== null || !execute || shown === undefined || was === inPartition(found))
    return { name, ...found, kept, changed: false };
  return {
    name,
    ...found,
    kept: was === undefined ? 'it was not there to be shown' : `it has changed: ${was} were shown`,
    changed: true,
  };
};

/** Answers nothing for a partition that somebody else has dropped since it was listed. */
const retire = async (
  tx: Transaction,
  name: string,
  before: Instant,
  request: RetireRequest,
): Promise<RetiredPartition | undefined> => {
  // Two at once would wait for each other: each reads the partition that the other is to drop.
  if (request.execute) await tx.query(adHoc("SELECT pg_advisory_xact_lock(hashtextextended('retire', 0))"));
  if (!(await partitionNames(tx)).includes(name)) return undefined;
  // Read before anything is locked: it takes long, and what comes meanwhile is counted again under the lock.
  const look = async () => judge(name, (await tx.query<Found>(countsOf(name, 'true', before)))[0] ?? none, request);
  const seen = await look();
  if (!request.execute || seen.kept !== null) return seen;
  await lockLedger(tx);
  // The lock that dropping a partition needs, taken now so that nobody waits for us in a circle.
  await tx.query(adHoc(`LOCK TABLE ONLY ${PARENT} IN ACCESS EXCLUSIVE MODE`));
  const found = await look();
  if (found.kept === null) {
    await tx.query(closeDeadLettersOf(name), [request.who, `its event was retired with ${name}: ${request.reason}`]);
    await countRetired(tx, name);
    await tx.query(adHoc(`DROP TABLE ${name}`));
    await noteRetired(tx, `${name} with ${found.rows} events (${found.unprocessed} unprocessed)`, request);
  }
  return found;
};

/** Odd dates. Unprocessed ones stay. */
const trimDefault = async (database: Database, before: Instant, request: RetireRequest): Promise<RetiredPartition> => {
  const old = `processed AND received_at < '${new Date(before).toISOString()}'`;
  const [rows = none] = await database.query<Found>(countsOf(DEFAULT_PARTITION, old, before));
  const found = judge(DEFAULT_PARTITION, rows, request);
  if (request.execute && found.rows > 0 && found.kept === null) {
    const deleted = await deleteCounted(database, `ONLY ${DEFAULT_PARTITION}`, old);
    if (deleted > 0) await noteRetired(database, `${deleted} processed events of ${DEFAULT_PARTITION}`, request);
  }
  return found;
};

/** Consumers take their rows of the ledger before they look into webhook_events. */
const lockLedger = async (tx: Transaction): Promise<void> =>
  void (await tx.query(adHoc('SELECT 1 FROM partition_ledger ORDER BY consumer_group, topic, partition FOR UPDATE')));

const columnsOf = (isEvent: string, isCounted: string): string =>
  `kafka_topic, kafka_partition, ${isEvent} AS is_event, CASE WHEN ${isCounted} THEN ${ROW_IDENTITY} ELSE 0 END AS identity`;
/** What the ledger has of a row: a sighting has one only if it once waited, and counts for none. */
const OF_EVENTS = columnsOf("verdict <> 'sighted'", 'counted');
/** Of event_conflicts, those that are the only row of their record. */
const OF_CONFLICTS = columnsOf('true', 'true');

/** The rows `gone`, with the columns above, leave the ledger. */
const takeOut = (gone: string): string =>
  `UPDATE partition_ledger l SET retired = l.retired + g.events, rows_digest = l.rows_digest - g.digest
     FROM (SELECT kafka_topic, kafka_partition, count(*) FILTER (WHERE is_event) AS events, sum(identity) AS digest
       FROM ${gone} GROUP BY 1, 2) g
    WHERE l.topic = g.kafka_topic AND l.partition = g.kafka_partition`;

/** Rows that go by an operator's decision are not lost. */
const countRetired = async (tx: Transaction, name: string): Promise<void> =>
  void (await tx.query(adHoc(takeOut(`(SELECT ${OF_EVENTS} FROM ONLY ${name}) gone`))));

/** Calls `doChunk` until it takes less than a chunk. Answers how many rows that were. */
const inChunks = async (doChunk: () => Promise<number>): Promise<number> => {
  let done = 0;
  for (let chunk = 0; chunk < CHUNKS_MAX; chunk += 1) {
    const rows = await doChunk();
    done += rows;
    if (rows < CHUNK_ROWS) break;
  }
  return done;
};

const inChunk = (table: string, where: string): string =>
  `ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${where} LIMIT ${CHUNK_ROWS}))`;
const chunkOf = (table: string, where: string): string => `DELETE FROM ${table} WHERE ${inChunk(table, where)}`;

const countedChunks = async (database: Database, change: string): Promise<number> =>
  inChunks(async () => {
    const sql = `WITH changed AS (${change} RETURNING 1) SELECT count(*) AS rows FROM changed`;
    return (await database.query<{ rows: number }>(adHoc(sql)))[0]?.rows ?? 0;
  });

/**
 * Deletes rows in chunks, each a transaction of its own, so that nobody waits long for any of them. Answers how many.
 */
export const deleteChunks = async (database: Database, table: string, where: string): Promise<number> =>
  countedChunks(database, chunkOf(table, where));

/** The same for rows that stay and change. `where` must not hold for a row that has been changed. */
export const updateChunks = async (database: Database, table: string, set: string, where: string): Promise<number> =>
  // Looked at once more: a row may have changed while this waited for it.
  countedChunks(database, `UPDATE ${table} SET ${set} WHERE ${inChunk(table, where)} AND ${where}`);

/** The same for rows that stand for a record, which the ledger counts. */
export const deleteCounted = async (database: Database, table: string, where: string): Promise<number> => {
  const columns = table === 'event_conflicts' ? OF_CONFLICTS : OF_EVENTS;
  const sql = `WITH gone AS (${chunkOf(table, where)} RETURNING ${columns}), taken AS (${takeOut('gone')})
         SELECT count(*) AS rows FROM gone`;
  return inChunks(async () =>
    database.transaction(async (tx) => {
      await lockLedger(tx);
      return (await tx.query<{ rows: number }>(adHoc(sql)))[0]?.rows ?? 0;
    }),
  );
};

const noteRetired = async (tx: Transaction, what: string, { who, reason }: OperatorAction): Promise<void> => {
  await writeAudit(tx, { actor: operatorActor(who), action: 'partitions.retire', reason: `${what}: ${reason}` });
};
