import { factSpec, isFactKind } from '#catalogue';
import type { FactKind } from '#catalogue';
import { parsed, unparsed } from '#rules';
import type { Instant, Parsed } from '#rules';
import type { Subject } from '../subject.ts';
import type { EntityRef, StateRow } from './subject-rows.ts';

/**
 * A fact as `outbox` and `notifications` keep it. Another version of Dakia may have written it: that its kind and its
 * family exist is not known before `subjectOf` has looked.
 */
export interface StoredFact {
  /** outbox.id: grows with each fact of one entity, so it is what receivers order by. */
  readonly factId: number;
  readonly kind: string;
  readonly occurrence: string;
  readonly family: string;
  readonly entityKey: string;
  readonly factAt: Instant;
  readonly endpoint: string | null;
  /** Razorpay's id of the event that made it true; null once the fact has left the outbox. */
  readonly eventId: string | null;
  /** W3C trace context of what made it true. */
  readonly traceparent: string | null;
}

/** The entity that a fact is about; unparsed when this version knows no such fact. */
export const entityOf = ({ kind, family, entityKey }: StoredFact): Parsed<EntityRef & { readonly kind: FactKind }> => {
  if (!isFactKind(kind)) return unparsed(`this version of Dakia knows no fact "${kind}"`);
  const spec = factSpec(kind);
  if (spec.family !== family) return unparsed(`the fact ${kind} is about ${spec.family}, not about "${family}"`);
  return parsed({ kind, family: spec.family, key: entityKey });
};

/**
 * The row shows the newest event of its entity; what is told is the
 * event that the fact is of, which begins its occurrence.
 */
const toldEvent = ({ occurrence }: StoredFact): string => occurrence.slice(0, occurrence.indexOf(':'));

/** What rules look at: a fact and its entity's row. `row` is undefined where the state table has none. */
export const subjectOf = (fact: StoredFact, row: StateRow | undefined): Parsed<Subject> => {
  const entity = entityOf(fact);
  if (!entity.ok) return entity;
  const { kind, family, key } = entity.value;
  if (row === undefined) return unparsed(`${family} has no row for ${key}`);
  return parsed({
    kind,
    occurrence: fact.occurrence,
    family,
    entityId: key,
    at: fact.factAt,
    endpoint: fact.endpoint,
    ...row,
    columns: kind === 'event.kept' ? { ...row.columns, event: toldEvent(fact) } : row.columns,
  });
};
