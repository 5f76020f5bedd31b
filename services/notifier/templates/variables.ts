import { factSpec, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { columnSpec, rowSpec } from '#families';
import { amountOf, valueOf } from '../subject.ts';
import type { Subject } from '../subject.ts';
import type { Formats } from './formats.ts';

const AMOUNT = /_minor$/;
/** What every message knows beside its row. */
const ALWAYS = ['fact', 'summary', 'family', 'noun', 'id', 'status', 'endpoint', 'told_at'] as const;
/**
 * What Razorpay does by itself with a payment that is authorised and that nobody captures: it refunds it, 3 days after
 * it was begun at the earliest (razorpay.com/docs/payments/late-authorisation; another page says 5).
 */
const AUTO_REFUND_AFTER_MS = 3 * 24 * 3_600_000;
const autoRefundAt = (subject: Subject): number | null => {
  const begun = valueOf(subject, 'created_at');
  return subject.status === 'authorized' && typeof begun === 'number' ? begun + AUTO_REFUND_AFTER_MS : null;
};
const hoursLeft = (subject: Subject): string | null => {
  const at = autoRefundAt(subject);
  return at === null ? null : String(Math.max(0, Math.floor((at - subject.at) / 3_600_000)));
};

type Source = (subject: Subject, formats: Formats) => string | null;
/** What a message about a family knows that no column has. */
const DERIVED: Readonly<Partial<Record<Family, Readonly<Record<string, Source>>>>> = {
  payments: {
    auto_refund_at: (subject, formats) => {
      const at = autoRefundAt(subject);
      return at === null ? null : formats.time(at);
    },
    // When it was told.
    auto_refund_hours: hoursLeft,
  },
};

/** What only a reminder knows: how many hours before the time it was to be sent. */
const REMINDER = 'hours_before';

/**
 * Names that a template about `family` may use. JSON columns are not among them: they have no one form for a reader.
 */
export const variablesOf = (family: Family, isReminder: boolean): ReadonlySet<string> => {
  const columns = Object.entries(rowSpec(family).columns).filter(([, { type }]) => type !== 'jsonb');
  const names = columns.map(([name]) => name);
  const amounts = names.filter((name) => AMOUNT.test(name)).map((name) => name.replace(AMOUNT, ''));
  const derived = Object.keys(DERIVED[family] ?? {});
  const own = familySpec(family).keyColumn;
  return new Set([...ALWAYS, ...(isReminder ? [REMINDER] : []), own, ...names, ...amounts, ...derived]);
};

/**
 * Answers each of `variablesOf` for one message: amounts with their
 * currency, times in their zone; undefined when unknown.
 */
export const valuesOf =
  (subject: Subject, reminder: { readonly hours: number } | null, formats: Formats) =>
  (name: string): string | undefined => {
    const always = Object.hasOwn(SOURCES, name) ? SOURCES[name as (typeof ALWAYS)[number]] : undefined;
    if (always !== undefined) return always(subject, formats) ?? undefined;
    const derived = DERIVED[subject.family];
    if (derived !== undefined && Object.hasOwn(derived, name)) return derived[name]?.(subject, formats) ?? undefined;
    if (name === REMINDER) return reminder === null ? undefined : String(reminder.hours);
    const value = valueOf(subject, name);
    if (columnSpec(subject.family, name)?.type === 'timestamptz')
      return typeof value === 'number' ? formats.time(value) : undefined;
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    const amount = amountOf(subject, `${name}_minor`);
    return amount === null ? undefined : formats.amount(amount.minor, amount.currency);
  };

const SOURCES: Readonly<Record<(typeof ALWAYS)[number], Source>> = {
  fact: ({ kind }) => kind,
  summary: ({ kind }) => factSpec(kind).summary,
  family: ({ family }) => family,
  noun: ({ family }) => familySpec(family).noun,
  id: ({ entityId }) => entityId,
  status: ({ status }) => status,
  endpoint: ({ endpoint }) => endpoint,
  told_at: ({ at }, formats) => formats.time(at),
};
