import { familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { adHoc } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import type { AppliedBatch } from './consumer.ts';

export interface Column {
  readonly name: string;
  /** Type in Postgres, for the cast of an array. */
  readonly type: string;
}

/** Values as Postgres writes them, by column; bodies as bytes. */
export type Row = Readonly<Record<string, string | Buffer | null>>;

/** All that one transaction of the consumer wrote, ready to be written again. */
export interface RecordedBatch extends AppliedBatch {
  readonly family: Family;
  readonly events: readonly Row[];
  readonly audit: readonly Row[];
  readonly outbox: readonly Row[];
  /** Rows of the family's table, as they are in the end, with the batch that touched them first. */
  readonly states: readonly Row[];
}

export interface Recording {
  /** Columns that an insert names, by table: all but those that Postgres numbers itself. */
  readonly columns: Readonly<Record<string, readonly Column[]>>;
  readonly batches: readonly RecordedBatch[];
}

const FAMILIES = ['payments', 'orders', 'downtimes'] as const satisfies readonly Family[];

/** Reads back what the consumer wrote into an empty database, transaction by transaction. */
export const recordRows = async (database: Database, batches: readonly AppliedBatch[]): Promise<Recording> => {
  const stateTables = FAMILIES.map((family) => familySpec(family).table);
  const tables = ['webhook_events', 'audit_logs', 'outbox', ...stateTables];
  const columns = Object.fromEntries(
    await Promise.all(tables.map(async (table) => [table, await columnsOf(database, table)] as const)),
  );
  const read = (table: string): Promise<readonly Row[]> => readTable(database, table, columns[table] ?? []);

  const inBatch = batches.map((batch) => ({
    ...batch,
    events: [] as Row[],
    audit: [] as Row[],
    outbox: [] as Row[],
    states: [] as Row[],
  }));
  type Open = (typeof inBatch)[number];
  const byPartition = Map.groupBy(inBatch, ({ topic, partition }) => `${topic}/${partition}`);
  const ofEvent = new Map<string, Open>();
  const firstOfKey = new Map<string, { readonly offset: number; readonly batch: Open }>();
  for (const event of await read('webhook_events')) {
    const offset = Number(event['kafka_offset']);
    const batch = byPartition
      .get(`${String(event['kafka_topic'])}/${String(event['kafka_partition'])}`)
      ?.find(({ firstOffset, nextOffset }) => firstOffset <= offset && offset < nextOffset);
    if (batch === undefined) throw new Error(`no batch holds ${String(event['kafka_topic'])} ${offset}`);
    batch.events.push(event);
    ofEvent.set(String(event['razorpay_event_id']), batch);
    const key = `${String(event['family'])} ${String(event['entity_key'])}`;
    if (offset < (firstOfKey.get(key)?.offset ?? Infinity)) firstOfKey.set(key, { offset, batch });
  }
  for (const row of await read('audit_logs')) ofEvent.get(String(row['razorpay_event_id']))?.audit.push(row);
  for (const row of await read('outbox'))
    ofEvent.get((JSON.parse(String(row['payload'])) as { eventId: string }).eventId)?.outbox.push(row);
  for (const family of FAMILIES) {
    const { table, keyColumn } = familySpec(family);
    for (const row of await read(table)) firstOfKey.get(`${family} ${String(row[keyColumn])}`)?.batch.states.push(row);
  }
  return {
    columns,
    batches: inBatch.map((batch) => ({
      ...batch,
      family: FAMILIES.find((family) => familySpec(family).topic === batch.topic) ?? FAMILIES[0],
    })),
  };
};

const columnsOf = (database: Database, table: string): Promise<readonly Column[]> =>
  database.query<Column>(
    adHoc(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' ORDER BY attnum`,
    ),
    [table],
  );

const readTable = (database: Database, table: string, columns: readonly Column[]): Promise<readonly Row[]> =>
  database.query<Row>(
    adHoc(
      `SELECT ${columns.map(({ name, type }) => (type === 'bytea' ? name : `${name}::text`)).join(', ')} FROM ${table}`,
    ),
  );
