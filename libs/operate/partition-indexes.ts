import { adHoc, quotedName } from '#platform/postgres';
import type { Database } from '#platform/postgres';

interface Unindexed {
  readonly parent: string;
  /** Of the parent's index, without its name and table: `USING btree (…) WHERE …`. */
  readonly how: string;
  readonly partition: string;
  readonly name: string;
  /**
   * What is there under this name already: built and not attached, under way in another
   * run, or left broken by a build that was cut off.
   */
  readonly found: 'nothing' | 'whole' | 'under way' | 'broken';
}

/** Indexes of partitioned tables that are not valid yet, and the partitions that have none of their own for them. */
const UNINDEXED = adHoc(
  `SELECT i.indexrelid::regclass::text AS parent, substring(pg_get_indexdef(i.indexrelid)
    FROM ' (USING .*)$') AS how, p.inhrelid::regclass::text AS partition,
          made.name, CASE WHEN x.indexrelid IS NULL THEN 'nothing' WHEN x.indisvalid THEN 'whole'
            WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid) THEN 'under way'
            ELSE 'broken' END AS found
     FROM pg_index i
     JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'I' AND c.relnamespace = current_schema()::regnamespace
     JOIN pg_inherits p ON p.inhparent = i.indrelid
    CROSS JOIN LATERAL (SELECT p.inhrelid::regclass::text || substring(c.relname
      FROM length(i.indrelid::regclass::text) + 1) AS name) AS made
     LEFT JOIN pg_index x ON x.indexrelid = to_regclass(quote_ident(made.name))
    WHERE NOT i.indisvalid
      AND NOT EXISTS (SELECT FROM pg_inherits ours JOIN pg_index own ON own.indexrelid = ours.inhrelid
        WHERE ours.inhparent = i.indexrelid AND own.indrelid = p.inhrelid)
    ORDER BY 1, 3`,
);

/**
 * Gives every partition the indexes that its table has got by a migration, one after the other
 * and beside the traffic: a migration builds those of small partitions only (0230). What was
 * cut off is built anew by the next run. Needs the owner of the tables. Answers their names.
 */
export const indexPartitions = async (database: Database): Promise<readonly string[]> => {
  const built: string[] = [];
  for (const { parent, how, partition, name, found } of await database.query<Unindexed>(UNINDEXED)) {
    if (found === 'under way') continue;
    const index = quotedName(name);
    if (found === 'broken') await database.query(adHoc(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`));
    if (found !== 'whole' && !(await build(database, `${index} ON ${partition} ${how}`))) continue;
    await database.query(adHoc(`ALTER INDEX ${parent} ATTACH PARTITION ${index}`));
    built.push(name);
  }
  return built;
};

/** Postgres' codes for a name that is taken, and for two that wait for each other: two builds on one table do. */
const BUILT_BY_ANOTHER: readonly unknown[] = ['42P07', '40P01'];
/** False when another run is building it: that one attaches it, or the next. */
const build = async (database: Database, what: string): Promise<boolean> => {
  try {
    await database.query(adHoc(`CREATE INDEX CONCURRENTLY ${what}`));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && BUILT_BY_ANOTHER.includes(error.code)) return false;
    throw error;
  }
};
