import { contactColumns, recordDigests } from '#apply';
import type { SearchKey } from '#apply';
import { familyNames, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { adHoc, quotedName } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { deleteChunks } from './partitions.ts';

/** Rows that are read and written together. */
const CHUNK_ROWS = 1_000;

export interface Filled {
  /** Digests of before that were deleted, and rows that were read, by table. */
  readonly deleted: number;
  readonly rows: Readonly<Record<string, number>>;
}

/**
 * Makes all rows found by their addresses and numbers, also those from before there was a key: table by table in the
 * order of ids, a transaction a chunk, so nobody waits for it and a run that was cut off is simply run again. `renew`:
 * the key is another; what the former has made goes first. Needs the owner of the tables.
 */
export const fillDigests = async (
  database: Database,
  key: SearchKey,
  { renew, told }: { readonly renew: boolean; readonly told?: (table: string, rows: number) => void },
): Promise<Filled> => {
  const deleted = renew ? await deleteChunks(database, 'search_digests', 'true') : 0;
  const rows: Record<string, number> = {};
  for (const family of familyNames) {
    if (contactColumns(family).length === 0) continue;
    const { table } = familySpec(family);
    rows[table] = 0;
    let after: string | undefined = '';
    // Ends: every chunk begins after the last id of the one before it.
    while (after !== undefined) {
      const chunk: { readonly rows: number; readonly last: string | undefined } = await fillChunk(
        database,
        key,
        family,
        after,
      );
      rows[table] += chunk.rows;
      after = chunk.last;
      told?.(table, rows[table]);
    }
  }
  return { deleted, rows };
};

const fillChunk = async (
  database: Database,
  key: SearchKey,
  family: Family,
  after: string,
): Promise<{ readonly rows: number; readonly last: string | undefined }> => {
  const { table, keyColumn } = familySpec(family);
  const columns = contactColumns(family);
  return database.transaction(async (tx) => {
    const rows = await tx.query<Readonly<Record<string, string | null>> & { readonly row_key: string }>(
      adHoc(
        `SELECT ${keyColumn} AS row_key, ${columns.map(([name]) => quotedName(name)).join(', ')} FROM ${table}
          WHERE ${keyColumn} > $1 ORDER BY ${keyColumn} LIMIT ${CHUNK_ROWS} FOR SHARE`,
      ),
      [after],
    );
    const values = rows.flatMap((row) =>
      columns.flatMap(([name, kind]) => {
        const value = row[name] ?? null;
        return value === null ? [] : [{ family, key: row.row_key, kind, value }];
      }),
    );
    await recordDigests(tx, key, values);
    return { rows: rows.length, last: rows.length < CHUNK_ROWS ? undefined : rows.at(-1)?.row_key };
  });
};
