import { contactColumns, contactKindsOf, digestOf } from '#apply';
import type { SearchKey } from '#apply';
import { familyNames, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { rowSpec } from '#families';
import { adHoc, quotedName, statement } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { ContactKind } from '#rules';
import { familiesOfId } from './entity-story.ts';

/** An entity that a text leads to. */
export interface Match {
  readonly family: Family;
  readonly noun: string;
  readonly key: string;
  readonly status: string;
  readonly createdAt: Date | null;
  /** `id`, `event id`, or the column that has the text. */
  readonly matched: string;
  /** What stands in that column, where it is personal: shortened unless `personal` was asked for. */
  readonly value: string | null;
}

export interface SearchRequest {
  readonly text: string;
  /** Matches of each column at most. */
  readonly limit: number;
  readonly personal: boolean;
  /** Without it only ids and references are searched. */
  readonly key: SearchKey | undefined;
}

export interface SearchResult {
  /** The newest first. */
  readonly matches: readonly Match[];
  /** A column has more than `limit`. */
  readonly isCut: boolean;
  /** A column has `READ_MAX` or more: those shown are the newest of that many, not of all. */
  readonly isSampled: boolean;
  /** What the text may be that was not looked for, because there is no key. */
  readonly unsearched: readonly ContactKind[];
}

interface Row {
  readonly family: Family;
  readonly key: string;
  readonly status: string;
  readonly createdAt: Date | null;
  readonly matched: string;
  readonly value: string | null;
  /** How many were read of its column, where not all may have been. */
  readonly read?: number;
}

/**
 * Rows of one column that are read at most. A reference that more entities share (the plan of 100,000 subscriptions)
 * has no index by time, and reading all of them takes as long as there are many.
 */
export const READ_MAX = 1_000;

/** One branch of the search by text: the entities of a family whose column is the text. */
const branch = (family: Family, column: string, matched: string): string => {
  const { table, keyColumn } = familySpec(family);
  return `(SELECT '${family}' AS family, key, status, created_at AS "createdAt", '${matched}' AS matched, NULL AS value,
            count(*) OVER () AS read
     FROM (SELECT ${keyColumn} AS key, status, created_at FROM ${table} WHERE ${quotedName(column)} = $1
            LIMIT ${READ_MAX}) AS found ORDER BY created_at DESC NULLS LAST LIMIT $2)`;
};

/** By references of merchants and banks: every column that is searched as it is has an index for it. */
export const BY_TEXT = statement(
  'search_by_text',
  familyNames
    .flatMap((family) =>
      Object.entries(rowSpec(family).columns).flatMap(([name, { searchedAs }]) =>
        searchedAs === 'text' ? [branch(family, name, name)] : [],
      ),
    )
    .join(' UNION ALL '),
);

const byId = async (database: Transaction, id: string): Promise<readonly Row[]> => {
  const families = familiesOfId(id);
  const bare = families.length === 1 && families[0] === 'accounts' ? id.replace(/^acc_/, '') : id;
  const branches = families.map((family) => branch(family, familySpec(family).keyColumn, 'id')).join(' UNION ALL ');
  return database.query<Row>(adHoc(branches), [bare, 1]);
};

const EVENT = statement(
  'search_event',
  `SELECT family, entity_key AS key FROM webhook_events WHERE razorpay_event_id = $1 AND entity_key IS NOT NULL
    ORDER BY created_at LIMIT 1`,
);
const byEvent = async (database: Transaction, id: string): Promise<readonly Row[]> => {
  const [event] = await database.query<{ family: Family; key: string }>(EVENT, [id]);
  if (event === undefined) return [];
  const rows = await byId(database, event.key);
  return rows.filter(({ family }) => family === event.family).map((row) => ({ ...row, matched: 'event id' }));
};

/** The end of the index has the newest ids of each kind. */
export const BY_DIGEST = statement(
  'search_by_digest',
  `SELECT asked.kind, asked.family, d.entity_key AS key
     FROM unnest($1::bigint[], $2::text[], $3::text[]) AS asked (digest, kind, family)
    CROSS JOIN LATERAL (
      SELECT entity_key FROM search_digests s WHERE s.digest = asked.digest AND s.family = asked.family
        ORDER BY s.entity_key DESC LIMIT $4) AS d`,
);

interface Found {
  readonly kind: ContactKind;
  readonly family: Family;
  readonly key: string;
}

const byContact = async (
  database: Transaction,
  { text, limit, personal, key }: SearchRequest & { readonly key: SearchKey },
): Promise<readonly Row[]> => {
  const asked = contactKindsOf(text).flatMap((kind) =>
    familyNames
      .filter((family) => contactColumns(family).some(([, one]) => one === kind))
      .map((family) => ({ digest: digestOf(key, kind, text), kind, family })),
  );
  const found = await database.query<Found>(BY_DIGEST, [
    asked.map(({ digest }) => digest),
    asked.map(({ kind }) => kind),
    asked.map(({ family }) => family),
    limit,
  ]);
  const groups = Map.groupBy(found, ({ family, kind }) => `${family} ${kind}`);
  const rows = await Promise.all([...groups.values()].map(async (group) => rowsOf(database, group, personal)));
  return rows.flat();
};

/** Rows that were found by values of one kind; one whose value is another by now says which column it was. */
const rowsOf = async (database: Transaction, group: readonly Found[], personal: boolean): Promise<readonly Row[]> => {
  const [first] = group;
  if (first === undefined) return [];
  const { family, kind } = first;
  const { table, keyColumn } = familySpec(family);
  const [name = ''] = contactColumns(family).find(([, one]) => one === kind) ?? [];
  const value = personal ? quotedName(name) : `masked.shortened(${quotedName(name)})`;
  return database.query<Row>(
    adHoc(
      `SELECT '${family}' AS family, ${keyColumn} AS key, status, created_at AS "createdAt", '${name}' AS matched,
        ${value} AS value
         FROM ${table} WHERE ${keyColumn} = ANY($1::text[])`,
    ),
    [group.map((one) => one.key)],
  );
};

/**
 * The entities that an id, a reference of a merchant or a bank, an e-mail
 * address, a phone number or a UPI address leads to. By indexes alone.
 */
export const search = async (database: Database, request: SearchRequest): Promise<SearchResult> => {
  const { key, limit } = request;
  const text = request.text.trim();
  const kinds = contactKindsOf(text);
  const parts = await Promise.all([
    byId(database, text),
    byEvent(database, text),
    // One more than is shown tells whether there are more.
    database.query<Row>(BY_TEXT, [text, limit + 1]),
    key === undefined || kinds.length === 0 ? [] : byContact(database, { ...request, text, limit: limit + 1, key }),
  ]);
  const groups = [...Map.groupBy(parts.flat(), ({ family, matched }) => `${family} ${matched}`).values()];
  const matches = groups
    .flatMap((group) => group.toSorted(newestFirst).slice(0, limit))
    .toSorted(newestFirst)
    .map(({ family, key: id, status, createdAt, matched, value }) => {
      const { noun } = familySpec(family);
      return { family, noun, key: id, status, createdAt, matched, value };
    });
  return {
    matches,
    isCut: groups.some(({ length }) => length > limit),
    isSampled: parts.flat().some(({ read = 0 }) => read >= READ_MAX),
    unsearched: key === undefined ? kinds : [],
  };
};

const newestFirst = (one: Row, other: Row): number =>
  (other.createdAt?.getTime() ?? 0) - (one.createdAt?.getTime() ?? 0);
