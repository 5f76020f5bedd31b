import { createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { familyNames } from '#catalogue';
import type { Family } from '#catalogue';
import { rowSpec } from '#families';
import { arraysOf, statement, unnested } from '#platform/postgres';
import type { Column, Transaction } from '#platform/postgres';
import { contactKinds } from '#rules';
import type { ContactKind } from '#rules';
import type { StatesByFamily } from './reduce-events.ts';

/**
 * Makes the digests by which customers are found (docs/adr/0015).
 * Like a webhook secret, it shows nothing when it is printed.
 */
export type SearchKey = KeyObject;
export const searchKey = (text: string): SearchKey => createSecretKey(text, 'utf8');

/** Fewer digits are no phone number; of more, the country and its zeros in front are written in many ways. */
const [PHONE_DIGITS_MIN, PHONE_DIGITS] = [7, 10] as const;

/** One spelling of a value; undefined for what cannot be one of its kind. */
const spellings: Readonly<Record<ContactKind, (text: string) => string | undefined>> = {
  email: (text) => (/^[^@\s]+@[^@\s]+$/.test(text.trim()) ? text.trim().toLowerCase() : undefined),
  vpa: (text) => (/^[^@\s]+@[^@\s]+$/.test(text.trim()) ? text.trim().toLowerCase() : undefined),
  phone: (text) => {
    const digits = /^[+\d\s().-]+$/.test(text.trim()) ? text.replaceAll(/\D/g, '') : '';
    return digits.length < PHONE_DIGITS_MIN ? undefined : digits.slice(-PHONE_DIGITS);
  },
};

/** The kinds that a text may be of, for somebody who searches by it. */
export const contactKindsOf = (text: string): readonly ContactKind[] =>
  contactKinds.filter((kind) => spellings[kind](text) !== undefined);

/**
 * The first 64 bits of HMAC-SHA256 over kind and value in one spelling; undefined for what cannot be one of its kind.
 */
export const digestOf = (key: SearchKey, kind: ContactKind, text: string): bigint | undefined => {
  const spelling = spellings[kind](text);
  if (spelling === undefined) return undefined;
  return createHmac('sha256', key).update(`${kind}:${spelling}`).digest().readBigInt64BE();
};

/** The columns of a family whose values are found by digests. */
export const contactColumns = (family: Family): readonly (readonly [name: string, kind: ContactKind])[] =>
  columnsByFamily.get(family) ?? [];
const columnsByFamily = new Map(
  familyNames.map((family) => [
    family,
    Object.entries(rowSpec(family).columns).flatMap(([name, { searchedAs }]) =>
      searchedAs === undefined || searchedAs === 'text' ? [] : [[name, searchedAs] as const],
    ),
  ]),
);

/** A value of an entity's row that it shall be found by. */
export interface Findable {
  readonly family: Family;
  readonly key: string;
  readonly kind: ContactKind;
  readonly value: string;
}

interface DigestRow extends Omit<Findable, 'value' | 'kind'> {
  readonly digest: bigint;
}
const COLUMNS: readonly Column<DigestRow>[] = [
  { name: 'digest', type: 'bigint', of: ({ digest }) => digest },
  { name: 'family', type: 'text', of: ({ family }) => family },
  { name: 'entity_key', type: 'text', of: ({ key }) => key },
];
const RECORD = statement(
  'record_search_digests',
  `INSERT INTO search_digests (digest, family, entity_key) SELECT * FROM ${unnested(COLUMNS, 1, 'given')}
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING`,
);

/** Makes entities found by these values; what is there already stays. Nothing is sent when there is nothing. */
export const recordDigests = async (tx: Transaction, key: SearchKey, values: readonly Findable[]): Promise<void> => {
  const rows = values.flatMap(({ family, key: entity, kind, value }): readonly DigestRow[] => {
    const digest = digestOf(key, kind, value);
    return digest === undefined ? [] : [{ digest, family, key: entity }];
  });
  if (rows.length > 0) await tx.query(RECORD, arraysOf(COLUMNS, rows));
};

/** The values that rows have got which they did not have before. */
export const newlyFindable = (before: StatesByFamily, after: StatesByFamily): readonly Findable[] =>
  [...after].flatMap(([family, states]) => {
    const columns = contactColumns(family);
    if (columns.length === 0) return [];
    return [...states].flatMap(([key, { values }]) =>
      columns.flatMap(([name, kind]): readonly Findable[] => {
        const value = values[name];
        return typeof value !== 'string' || value === before.get(family)?.get(key)?.values[name]
          ? []
          : [{ family, key, kind, value }];
      }),
    );
  });
