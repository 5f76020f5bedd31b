import type { KeyRef } from '#apply';
import type { Family } from '#catalogue';
import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/** A parked key and when it is to be tried. Also the place from which `dueParked` goes on. */
export interface DueKey extends KeyRef {
  /** Of next_attempt_at, as text to the microsecond. */
  readonly dueAt: string;
  /** Until then, in ms; 0 when it is overdue. */
  readonly afterMs: number;
}

export interface DueRequest {
  /** Only keys whose time was at least this long ago, in ms. Negative: also those whose time comes within that. */
  readonly overdueMs: number;
  /** Goes on behind this one. */
  readonly after?: DueKey;
  readonly limit: number;
}

const DUE = statement(
  'parked_due',
  `SELECT family, entity_key AS key, next_attempt_at::text AS "dueAt", greatest(0, date_part('epoch',
    next_attempt_at - clock_timestamp()) * 1000) AS "afterMs"
     FROM parked_keys
    WHERE consumer_group = $1 AND next_attempt_at <= clock_timestamp() - $2::float8 * interval '1 millisecond'
      AND ($3::timestamptz IS NULL OR (next_attempt_at, family, entity_key) > ($3::timestamptz, $4::text, $5::text))
    ORDER BY next_attempt_at, family, entity_key LIMIT $6`,
);

/** Parked keys of a consumer group that should have been tried, the longest overdue first. */
export const dueParked = async (
  database: Transaction,
  group: string,
  { overdueMs, after, limit }: DueRequest,
): Promise<readonly DueKey[]> => {
  const rows = await database.query<{ family: Family; key: string; dueAt: string; afterMs: number }>(DUE, [
    group,
    overdueMs,
    after?.dueAt ?? null,
    after?.family ?? null,
    after?.key ?? null,
    limit,
  ]);
  return rows.map((row) => ({ ...row, afterMs: Math.ceil(row.afterMs) }));
};
