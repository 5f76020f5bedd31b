import { statement } from './statement.ts';
import type { Transaction } from './database.ts';

/** Columns of audit_logs by the names that code has for them; `id` and `at` are Postgres' own. */
const COLUMNS = {
  actor: 'actor',
  action: 'action',
  family: 'family',
  key: 'entity_key',
  eventId: 'razorpay_event_id',
  event: 'event_type',
  verdict: 'verdict',
  from: 'from_status',
  to: 'to_status',
  reason: 'reason',
} as const;

type Column = keyof typeof COLUMNS;
const names = Object.keys(COLUMNS) as readonly Column[];

/** Who did what to whom, and why. What is left out is null. */
export type AuditEntry = { readonly [Name in Column]?: string | null } & {
  /** A service, `retry:<service>` or `operator:<name>`. */
  readonly actor: string;
  readonly action: string;
};

/** Part of a statement that makes audit rows of its own: an SQL expression by column, over `from`. */
export const auditInsert = (expressions: AuditEntry, from: string): string => {
  const given = names.filter((name) => typeof expressions[name] === 'string');
  return `INSERT INTO audit_logs (${given.map((name) => COLUMNS[name]).join(', ')})
     SELECT ${given.map((name) => expressions[name]).join(', ')} FROM ${from}`;
};

const WRITE = statement(
  'audit_write',
  auditInsert(
    COLUMNS,
    `unnest(${names.map((_, index) => `$${index + 1}::text[]`).join(', ')}) AS given ` +
      `(${Object.values(COLUMNS).join(', ')})`,
  ),
);

/** Writes rows of audit_logs, in order. */
export const writeAudit = async (tx: Transaction, ...entries: readonly AuditEntry[]): Promise<void> => {
  if (entries.length === 0) return;
  await tx.query(
    WRITE,
    names.map((name) => entries.map((entry) => entry[name] ?? null)),
  );
};
