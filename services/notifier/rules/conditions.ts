import type { Family } from '#catalogue';
import { columnSpec, rowSpec } from '#families';
import type { ColumnSpec } from '#families';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { amountOf, valueOf } from '../subject.ts';
import type { Subject } from '../subject.ts';
import { digitsOf } from '../templates/formats.ts';
import type { Operators, RuleShape } from './shapes.ts';

type Scalar = string | number | boolean;

/**
 * What one line of `if` asks. All lines of a rule must hold. Nothing
 * that is unknown is over, under, or one of anything.
 */
export type Condition =
  /** Minor units, both strict; the row's currency must be the one named. */
  | {
      readonly kind: 'amount';
      readonly column: string;
      readonly currency: string;
      readonly over: number;
      readonly under: number;
    }
  | { readonly kind: 'number'; readonly column: string; readonly over: number; readonly under: number }
  | { readonly kind: 'among'; readonly column: string; readonly values: readonly Scalar[]; readonly wanted: boolean }
  | { readonly kind: 'known'; readonly column: string; readonly wanted: boolean };

const ENDPOINT = 'endpoint';

export const holds = (condition: Condition, subject: Subject): boolean => {
  switch (condition.kind) {
    case 'amount': {
      const amount = amountOf(subject, condition.column);
      return (
        amount !== null &&
        amount.currency === condition.currency &&
        amount.minor > condition.over &&
        amount.minor < condition.under
      );
    }
    case 'number': {
      const value = valueOf(subject, condition.column);
      return typeof value === 'number' && value > condition.over && value < condition.under;
    }
    case 'among': {
      const value = condition.column === ENDPOINT ? subject.endpoint : valueOf(subject, condition.column);
      return condition.values.some((one) => one === value) === condition.wanted;
    }
    case 'known':
      return (valueOf(subject, condition.column) !== null) === condition.wanted;
  }
};

export interface KeyedIssue {
  readonly key: string;
  readonly text: string;
}

/** Reads the `if` of a rule whose facts are of `families`; every problem with its key. */
export const readConditions = (
  given: RuleShape['if'],
  families: readonly Family[],
): { readonly conditions: readonly Condition[]; readonly issues: readonly KeyedIssue[] } => {
  const conditions: Condition[] = [];
  const issues: KeyedIssue[] = [];
  for (const [key, value] of Object.entries(given)) {
    const operators: Operators = typeof value === 'object' && !Array.isArray(value) ? value : { is: value };
    const read = readOne(key, operators, families);
    if (read.ok) conditions.push(...read.value);
    else issues.push(...read.issues.map((text) => ({ key, text })));
  }
  return { conditions, issues };
};

const readOne = (key: string, operators: Operators, families: readonly Family[]): Parsed<readonly Condition[]> => {
  if (operators.currency !== undefined) return readAmount(key, operators, families);
  if (key === ENDPOINT) return readAmong(ENDPOINT, operators, { type: 'text', personal: false, words: '' });
  const specs = families.map((family) => columnSpec(family, key));
  const without = families.filter((_, index) => specs[index] === undefined);
  const [spec] = specs;
  if (without.length > 0 || spec === undefined) {
    const amount = families.some((family) => columnSpec(family, `${key}_minor`) !== undefined)
      ? `; for ${key} in a currency write {over: 500, currency: INR}`
      : '';
    return unparsed(`${without.join(' and ')} have no column "${key}"${amount}`);
  }
  return readAmong(key, operators, {
    ...spec,
    ...(key === 'status' ? { values: families.flatMap((family) => rowSpec(family).statuses) } : {}),
  });
};

/** `amount: {over: 500, currency: INR}` is in the currency's own unit, as people say it; the row holds minor units. */
const readAmount = (
  key: string,
  { currency = '', over, under, ...others }: Operators,
  families: readonly Family[],
): Parsed<readonly Condition[]> => {
  const column = `${key}_minor`;
  const digits = digitsOf(currency);
  if (digits === undefined) return unparsed(`there is no currency "${currency}"`);
  if (Object.keys(others).length > 0 || (over === undefined && under === undefined))
    return unparsed('with a currency go over and under, and nothing else');
  const without = families.filter(
    (family) => columnSpec(family, column) === undefined || columnSpec(family, 'currency') === undefined,
  );
  if (without.length > 0) return unparsed(`${without.join(' and ')} have no amount "${key}"`);
  const [from, to] = [toMinor(over ?? -Infinity, digits), toMinor(under ?? Infinity, digits)];
  if (from === undefined || to === undefined)
    return unparsed(`an amount in ${currency} has at most ${digits} digits after the point`);
  return parsed([{ kind: 'amount', column, currency, over: from, under: to }]);
};

const toMinor = (amount: number, digits: number): number | undefined => {
  if (!Number.isFinite(amount)) return amount;
  const minor = Math.round(amount * 10 ** digits);
  return Number.isSafeInteger(minor) && Number((minor / 10 ** digits).toFixed(digits)) === amount ? minor : undefined;
};

const JSON_TYPES: Readonly<Record<ColumnSpec['type'], string | null>> = {
  text: 'string',
  bigint: 'number',
  boolean: 'boolean',
  timestamptz: null,
  jsonb: null,
};

const readAmong = (
  column: string,
  { is, is_not, over, under, known }: Operators,
  spec: ColumnSpec,
): Parsed<readonly Condition[]> => {
  const conditions: Condition[] = [];
  const issues = new Set<string>();
  for (const [given, wanted] of [
    [is, true],
    [is_not, false],
  ] as const) {
    if (given === undefined) continue;
    const values = Array.isArray(given) ? given : [given];
    if (values.every((one) => fits(one, spec))) conditions.push({ kind: 'among', column, values, wanted });
    else issues.add(fitsNot(spec));
  }
  if (over !== undefined || under !== undefined) {
    if (spec.type === 'bigint')
      conditions.push({ kind: 'number', column, over: over ?? -Infinity, under: under ?? Infinity });
    else issues.add('over and under are for numbers; this column has none');
  }
  if (known !== undefined) {
    if (column === ENDPOINT) issues.add('an endpoint can be compared with is and is_not only');
    else conditions.push({ kind: 'known', column, wanted: known });
  }
  return issues.size > 0 ? unparsed(...issues) : parsed(conditions);
};

const fits = (one: Scalar, { type, values }: ColumnSpec): boolean =>
  typeof one === JSON_TYPES[type] && (values === undefined || values.includes(String(one)));

const fitsNot = ({ type, values }: ColumnSpec): string => {
  if (JSON_TYPES[type] === null) return 'of this column only `known: true` or `known: false` can be asked';
  return values === undefined
    ? `must be compared with a ${JSON_TYPES[type]}`
    : `is one of ${[...new Set(values)].join(', ')}`;
};
