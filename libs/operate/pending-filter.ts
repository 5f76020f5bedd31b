import type { Family } from '#catalogue';

/** Which of what is pending is meant; every field that is given must hold. */
export interface PendingFilter {
  readonly family?: Family;
  /** The event's name; of a parked key, the failing event's. */
  readonly event?: string;
  /** The entity's id. */
  readonly key?: string;
  /** Part of the reason, in any case. */
  readonly cause?: string;
  /** Parked, dead or received at least this long ago, in ms. */
  readonly olderThanMs?: number;
  /** Parked, dead or received less than this long ago, in ms. */
  readonly newerThanMs?: number;
  /** LIST_LIMIT without. */
  readonly limit?: number;
}

/** What a list shows at most when no limit is given. */
export const LIST_LIMIT = 1_000;

export interface FilterColumns {
  readonly family: string;
  readonly event: string;
  readonly key: string;
  readonly reason: string;
  readonly at: string;
}

/** The filter as a condition over $1 to $6, `filterValues`. */
export const conditionOf = ({ family, event, key, reason, at }: FilterColumns): string =>
  `($1::text IS NULL OR ${family} = $1) AND ($2::text IS NULL OR ${event} = $2) AND ($3::text IS NULL OR ${key} = $3)
      AND ($4::text IS NULL OR strpos(lower(${reason}), lower($4)) > 0)
      AND ($5::float8 IS NULL OR ${at} <= now() - $5 * interval '1 millisecond') AND ($6::float8 IS NULL OR ${at} > now() - $6 * interval '1 millisecond')`;
export const filterValues = ({
  family,
  event,
  key,
  cause,
  olderThanMs,
  newerThanMs,
}: PendingFilter): readonly unknown[] =>
  [family, event, key, cause, olderThanMs, newerThanMs].map((value) => value ?? null);
