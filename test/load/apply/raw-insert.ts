import { familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { adHoc, createDatabase, statement } from '#platform/postgres';
import type { Database, Statement } from '#platform/postgres';
import type { Column, RecordedBatch, Recording, Row } from './recorded-rows.ts';

/** One batch as a statement and its values. */
interface Insert {
  readonly sql: Statement;
  readonly values: readonly unknown[];
}

/**
 * The same rows into the same tables with as little as possible: no Kafka, no decoding, no rules, no
 * look at what is there, no lock; one statement per batch, which is also its transaction, on the
 * connections and with the driver of the consumer. Every row is inserted once and as it is in the end,
 * where the consumer writes the state of an entity again with every batch that has an event of it.
 */
export const prepareInserts = ({ columns, batches }: Recording): readonly Insert[] =>
  batches.map((batch) => insertOf(batch, columns));

/** Seconds for all of them, in the order in which the consumer committed them. */
export const runInserts = async (
  databaseUrl: string,
  inserts: readonly Insert[],
  recording: Recording,
  connections: number,
): Promise<number> => {
  const database = createDatabase({ url: databaseUrl, poolSize: connections, applicationName: 'dakia-bench' });
  try {
    await beginLedger(database, recording);
    const begin = performance.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let insert = inserts[next++]; insert !== undefined; insert = inserts[next++])
        await database.query(insert.sql, insert.values);
    };
    await Promise.all(Array.from({ length: connections }, worker));
    return (performance.now() - begin) / 1000;
  } finally {
    await database.close();
  }
};

const GROUP = 'payments';

const beginLedger = async (database: Database, { batches }: Recording): Promise<void> => {
  const partitions = new Map(batches.map(({ topic, partition }) => [`${topic}/${partition}`, { topic, partition }]));
  for (const { topic, partition } of partitions.values()) {
    await database.query(
      adHoc(
        `INSERT INTO partition_ledger (consumer_group, topic, partition, cluster_id, first_offset, next_offset)
          VALUES ($1, $2, $3, 'bench', 0, 0)`,
      ),
      [GROUP, topic, partition],
    );
  }
};

const insertOf = (batch: RecordedBatch, columns: Recording['columns']): Insert => {
  const { table } = familySpec(batch.family);
  const bodies = batch.events.map((row) => row['payload'] as Buffer);
  const parts = [
    { table: 'webhook_events', rows: batch.events },
    { table: 'audit_logs', rows: batch.audit },
    { table: 'outbox', rows: batch.outbox },
    { table, rows: batch.states },
  ];
  return {
    sql: statementOf(batch.family, columns),
    values: [
      GROUP,
      batch.topic,
      batch.partition,
      batch.nextOffset - batch.firstOffset,
      Buffer.concat(bodies),
      ...parts.flatMap((part) => arraysOf(columns[part.table] ?? [], part.rows)),
    ],
  };
};

/** Whether it holds the bodies, which one value of all bytes brings, as the consumer sends them. */
const isBody = ({ name, type }: Column): boolean => type === 'bytea' && name === 'payload';

/** A body is replaced by where it lies in the one value that holds all of them. */
const arraysOf = (columns: readonly Column[], rows: readonly Row[]): readonly unknown[] =>
  columns.flatMap((column): readonly unknown[] => {
    const { name } = column;
    if (!isBody(column)) return [rows.map((row) => row[name])];
    const lengths = rows.map((row) => (row[name] as Buffer).length);
    let from = 1;
    return [lengths.map((length) => (from += length) - length), lengths];
  });

const statements = new Map<Family, Statement>();

const statementOf = (family: Family, columns: Recording['columns']): Statement => {
  const known = statements.get(family);
  if (known !== undefined) return known;
  let parameter = 5;
  const insert = (table: string): string => {
    const of = columns[table] ?? [];
    const given = of.flatMap((column) =>
      isBody(column)
        ? [
            [`${column.name}_from`, 'int'],
            [`${column.name}_length`, 'int'],
          ]
        : [[column.name, column.type]],
    );
    const selected = of.map((column) =>
      isBody(column) ? `substring($5::bytea FROM ${column.name}_from FOR ${column.name}_length)` : column.name,
    );
    const arrays = given.map(([, type]) => `$${++parameter}::${type}[]`);
    return `INSERT INTO ${table} (${of.map(({ name }) => name).join(', ')}) SELECT ${selected.join(', ')}
      FROM unnest(${arrays.join(', ')}) AS given (${given.map(([name]) => name).join(', ')})`;
  };
  const made = statement(
    `bench_raw_${family}`,
    `WITH events AS (${insert('webhook_events')}), audit AS (${insert('audit_logs')}), facts AS (${insert('outbox')}),
      states AS (${insert(familySpec(family).table)})
     UPDATE partition_ledger SET next_offset = next_offset + $4::bigint, applied = applied + $4::bigint,
       updated_at = now()
      WHERE consumer_group = $1 AND topic = $2 AND partition = $3`,
  );
  statements.set(family, made);
  return made;
};
