import { AFTERWARDS } from '#catalogue';
import { writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Instant } from '#rules';
import { matchRules, rulesFor } from '../rules/plan.ts';
import type { NotificationRules } from '../rules/rules.ts';
import { lockEntities, plannedAlready, planNotifications } from '../store/notification-store.ts';
import type { JobRequest, ToPlan } from '../store/notification-store.ts';
import { readHistory, relayedFacts } from '../store/outbox-store.ts';
import type { StoredFact } from '../store/stored-fact.ts';
import { loadStateRows } from '../store/subject-rows.ts';
import { currentSubject, distinctEntities, remindedFamilies } from './plan-facts.ts';

/** Facts of one look, or of one transaction. */
const CHUNK_FACTS = 500;

/** What a destination is to be told afterwards: facts that became known from `since` on and before `until`. */
export interface BackfillScope {
  readonly rules: NotificationRules;
  readonly destination: string;
  readonly since: Date;
  readonly until: Date;
}

/** A fact that the destination's rules ask for and that it was never told. */
export interface Untold {
  /** Of the notification to be: what the relay would have given it. */
  readonly id: string;
  readonly factId: number;
  readonly kind: string;
  readonly family: string;
  readonly entity: string;
  readonly rule: string;
  readonly factAt: Date;
  /** Of a reminder, whose time is still to come. */
  readonly hoursBefore: number | null;
}

/** Looks through the outbox chunk by chunk, the oldest first; `facts` of `total` were in this one. Changes nothing. */
export async function* findUntold(
  database: Database,
  scope: BackfillScope,
  clock: () => Instant,
): AsyncGenerator<{ readonly facts: number; readonly total: number; readonly untold: readonly Untold[] }> {
  const seen = new Set<string>();
  for await (const { facts, total } of readHistory(database, { ...scope, limit: CHUNK_FACTS })) {
    const wanted = (await wantedOf(database, facts, scope, clock())).filter(({ planned: { id } }) => !seen.has(id));
    for (const { planned } of wanted) if (planned.reminder !== null) seen.add(planned.id);
    yield { facts: facts.length, total, untold: wanted.map(untoldOf) };
  }
}

/**
 * Plans what was found, each chunk in one transaction together with its line in audit_logs, and
 * answers with the jobs of each. What is planned meanwhile by somebody else is left out, and
 * what is planned once is never planned twice: a run that was cut off goes on with the next.
 */
export async function* backfill(
  database: Database,
  scope: BackfillScope,
  found: readonly Untold[],
  { who, reason }: { readonly who: string; readonly reason: string },
  clock: () => Instant,
): AsyncGenerator<readonly JobRequest[]> {
  for (let at = 0; at < found.length; at += CHUNK_FACTS) {
    const chunk = found.slice(at, at + CHUNK_FACTS);
    const ids = new Set(chunk.map(({ id }) => id));
    yield await database.transaction(async (tx) => {
      const facts = await relayedFacts(tx, [...new Set(chunk.map(({ factId }) => factId))]);
      const reminded = remindedFamilies(scope.rules);
      // As the relay: who looks later at an entity has the last word about its reminders.
      await lockEntities(
        tx,
        distinctEntities(facts).filter(({ family }) => reminded.has(family)),
      );
      const wanted = (await wantedOf(tx, facts, scope, clock())).filter(({ planned: { id } }) => ids.has(id));
      const requests = await planNotifications(tx, wanted);
      const made = new Map(requests.map((request) => [request.id, request]));
      await writeAudit(
        tx,
        ...wanted
          .filter(({ planned: { id } }) => made.has(id))
          .map(({ fact, planned }) => ({
            actor: `operator:${who}`,
            action: 'notification.backfill',
            family: fact.family,
            key: fact.entityKey,
            event: fact.kind,
            reason: `${planned.id}: ${reason}`,
          })),
      );
      // In the order of the facts: jobs of one priority run in the order in which they came.
      return wanted.flatMap(({ planned: { id } }) => made.get(id) ?? []);
    });
  }
}

/**
 * What these facts ask for and nobody has planned yet. Facts are told
 * afterwards, behind all that is new; reminders at their time.
 */
const wantedOf = async (
  tx: Transaction,
  facts: readonly StoredFact[],
  { rules, destination }: BackfillScope,
  now: Instant,
): Promise<readonly ToPlan[]> => {
  const rows = await loadStateRows(tx, distinctEntities(facts));
  const own = rulesFor(rules, { has: (name) => name === destination });
  const wanted = facts.flatMap((fact): readonly ToPlan[] => {
    const subject = currentSubject(fact, rows);
    if (!subject.ok) return [];
    return matchRules(own, subject.value, now).map((planned) => ({
      fact,
      planned: planned.reminder === null ? { ...planned, priority: AFTERWARDS, sendAt: now } : planned,
    }));
  });
  // The rows of an entity's facts ask for the same reminders.
  const distinct = new Map(wanted.map((one) => [one.planned.id, one]));
  const already = await plannedAlready(tx, [...distinct.keys()]);
  return [...distinct.values()].filter(({ planned: { id } }) => !already.has(id));
};

const untoldOf = ({ fact, planned }: ToPlan): Untold => ({
  id: planned.id,
  factId: fact.factId,
  kind: planned.kind,
  family: planned.family,
  entity: planned.entityId,
  rule: planned.rule,
  factAt: new Date(fact.factAt),
  hoursBefore: planned.reminder?.hours ?? null,
});
