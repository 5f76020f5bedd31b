import { arraysOf, auditInsert, unnested } from '#platform/postgres';
import type { Column } from '#platform/postgres';
import type { Disposition, Fact } from '#rules';
import { deliveryIdOf } from './arrival.ts';
import type { Decision } from './reduce-events.ts';
import { contextOf } from './trace.ts';

/**
 * The verdicts that decide an event, after which nothing of it is
 * left to be done; a sighting that was joined is done as well.
 */
const DECIDED: readonly Disposition[] = ['applied', 'kept', 'stale', 'rejected'];
export const PROCESSED_SQL = `(${[...DECIDED, 'sighted'].map((verdict) => `'${verdict}'`).join(', ')})`;

/**
 * Part of a statement that has the decisions as `given`: the audit
 * rows of those that are `is_audited`. `$actor` says who caused them.
 */
export const auditOfGiven = (actor: number): string => {
  const [key, eventId, event, from, to] = ['entity_key', 'delivery_id', 'event_type', 'from_status', 'to_status'];
  const same = { family: 'family', verdict: 'verdict', reason: 'reason' };
  const audited = { actor: `$${actor}`, action: "'event'", ...same, key, eventId, event, from, to };
  return `audit AS (${auditInsert(audited, 'given WHERE is_audited')})`;
};

/**
 * Whether the audit tells of it: of everything that was decided about
 * an event, and of a sighting that changed its entity.
 */
export const isAudited = ({ disposition, isChange = false }: Decision): boolean =>
  disposition === 'sighted' ? isChange : DECIDED.includes(disposition);

/** A fact as the outbox takes it. Its key makes it unique for ever. */
interface FactRow {
  readonly decision: Decision;
  readonly fact: Fact;
  readonly family: string;
  readonly key: string;
}

export const FACT_COLUMNS: readonly Column<FactRow>[] = [
  { name: 'name', type: 'text', of: ({ fact }) => fact.kind },
  {
    name: 'dedupe_key',
    type: 'text',
    of: ({ fact, family, key }) => `${family}:${key}:${fact.kind}:${fact.occurrence}`,
  },
  { name: 'family', type: 'text', of: ({ family }) => family },
  { name: 'entity_key', type: 'text', of: ({ key }) => key },
  { name: 'event_id', type: 'text', of: ({ decision }) => deliveryIdOf(decision.arrival) },
  { name: 'endpoint', type: 'text', of: ({ decision }) => decision.arrival.endpoint },
  { name: 'traceparent', type: 'text', of: ({ decision }) => contextOf(decision.arrival) },
];

/**
 * Part of a statement: the facts' rows from arrays that begin at parameter `first` (see `factArrays`). Identity values
 * are drawn while the entity's row is locked, so they grow with each fact of one entity.
 */
export const outboxOf = (first: number): string => `facts AS (
     INSERT INTO outbox (name, dedupe_key, family, entity_key, payload, traceparent)
     SELECT name, dedupe_key, family, entity_key, jsonb_build_object('eventId', event_id, 'entityId', entity_key, 'endpoint', endpoint), traceparent
       FROM ${unnested(FACT_COLUMNS, first, 'told')}
     ON CONFLICT (dedupe_key) DO NOTHING)`;

/** What decisions ask the outbox for, as the arrays of `outboxOf`. */
export const factArrays = (decisions: readonly Decision[]): readonly (readonly unknown[])[] =>
  arraysOf(
    FACT_COLUMNS,
    decisions.flatMap((decision) => {
      const { task } = decision.arrival;
      if (task.kind === 'keep') return [];
      return decision.facts.map((fact): FactRow => ({ decision, fact, family: task.family, key: task.key }));
    }),
  );
