import { familySpec } from '#catalogue';
import type { FactKind, Family } from '#catalogue';
import { columnSpec, rowSpec } from '#families';
import type { FieldValue, Instant } from '#rules';

/** A fact of the outbox and the row it is about, as it stands now: what rules look at and messages are made of. */
export interface Subject {
  readonly kind: FactKind;
  /** Tells repeats of one kind apart, '' where there is only one (the outbox's dedupe key ends with it). */
  readonly occurrence: string;
  readonly family: Family;
  readonly entityId: string;
  /** When the fact became known: `created_at` of its outbox row. */
  readonly at: Instant;
  /**
   * Where the event came in, `/webhooks/razorpay/<endpoint>`,
   * `default` for the plain path; null where it is not known any more.
   */
  readonly endpoint: string | null;
  readonly status: string;
  /** Columns of the state row by name; times are epoch milliseconds, as the store reads them. */
  readonly columns: Readonly<Record<string, FieldValue>>;
}

/** The value of a column, `status` and the table's own key included; null when it is unknown. */
export const valueOf = ({ family, entityId, status, columns }: Subject, name: string): FieldValue => {
  if (name === 'status') return status;
  if (name === familySpec(family).keyColumn) return entityId;
  return columnSpec(family, name) !== undefined && Object.hasOwn(columns, name) ? (columns[name] ?? null) : null;
};

/** Amounts of a payment that are in the currency of settlement (razorpay.com/docs/payments/international-payments). */
const IN_BASE_CURRENCY = new Set(['base_amount_minor', 'fee_minor', 'tax_minor']);

/** A foreign payment whose base currency is not named has a fee in a currency that we do not know. */
const currencyOf = (subject: Subject, column: string): FieldValue => {
  const own = valueOf(subject, 'currency');
  if (!IN_BASE_CURRENCY.has(column)) return own;
  return valueOf(subject, 'base_currency') ?? (valueOf(subject, 'international') === true ? null : own);
};

/** Minor units and currency of a column `*_minor`; null when either is unknown. */
export const amountOf = (
  subject: Subject,
  column: string,
): { readonly minor: number; readonly currency: string } | null => {
  const [minor, currency] = [valueOf(subject, column), currencyOf(subject, column)];
  return typeof minor === 'number' && typeof currency === 'string' ? { minor, currency } : null;
};

/** What a row says about persons, as texts: those of JSON too. */
export const personalIn = (subject: Subject): readonly string[] =>
  Object.entries(rowSpec(subject.family).columns)
    .filter(([, { personal }]) => personal)
    .flatMap(([name]) => textsIn(valueOf(subject, name)));

const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};
