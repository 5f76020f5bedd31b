import { factSpec, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { columnSpec, rowSpec } from '#families';
import { amountOf, valueOf } from '../subject.ts';
import type { Subject } from '../subject.ts';
import type { Formats } from './formats.ts';

const AMOUNT = /_minor$/;
/** What every message knows beside its row. */
const ALWAYS = ['fact', 'summary', 'family', 'noun', 'id', 'status', 'endpoint', 'told_at'] as const;
/** What only a reminder knows: how many hours before the time it was to be sent. */
const REMINDER = 'hours_before';

/**
 * Names that a template about `family` may use. JSON columns are not among them: they have no one form for a reader.
 */
export const variablesOf = (family: Family, isReminder: boolean): ReadonlySet<string> => {
  const columns = Object.entries(rowSpec(family).columns).filter(([, { type }]) => type !== 'jsonb');
  const names = columns.map(([name]) => name);
  const amounts = names.filter((name) => AMOUNT.test(name)).map((name) => name.replace(AMOUNT, ''));
  return new Set([...ALWAYS, ...(isReminder ? [REMINDER] : []), familySpec(family).keyColumn, ...names, ...amounts]);
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
    if (name === REMINDER) return reminder === null ? undefined : String(reminder.hours);
    const value = valueOf(subject, name);
    if (columnSpec(subject.family, name)?.type === 'timestamptz')
      return typeof value === 'number' ? formats.time(value) : undefined;
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    const amount = amountOf(subject, `${name}_minor`);
    return amount === null ? undefined : formats.amount(amount.minor, amount.currency);
  };

const SOURCES: Readonly<Record<(typeof ALWAYS)[number], (subject: Subject, formats: Formats) => string | null>> = {
  fact: ({ kind }) => kind,
  summary: ({ kind }) => factSpec(kind).summary,
  family: ({ family }) => family,
  noun: ({ family }) => familySpec(family).noun,
  id: ({ entityId }) => entityId,
  status: ({ status }) => status,
  endpoint: ({ endpoint }) => endpoint,
  told_at: ({ at }, formats) => formats.time(at),
};
