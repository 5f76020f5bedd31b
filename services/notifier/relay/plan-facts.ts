import { factSpec } from '#catalogue';
import type { Family } from '#catalogue';
import type { Transaction } from '#platform/postgres';
import type { Tracer } from '#platform/trace';
import type { Instant, Parsed } from '#rules';
import { compose } from '../rules/compose.ts';
import { matchRules } from '../rules/plan.ts';
import type { NotificationRules } from '../rules/rules.ts';
import { cancelNotifications, lockEntities, planNotifications, takeReminders } from '../store/notification-store.ts';
import type { JobRequest, StoredNotification, ToPlan } from '../store/notification-store.ts';
import { markRelayed, recordUnusable } from '../store/outbox-store.ts';
import type { UnusableFact } from '../store/outbox-store.ts';
import { entityOf, subjectOf } from '../store/stored-fact.ts';
import type { StoredFact } from '../store/stored-fact.ts';
import { loadStateRows } from '../store/subject-rows.ts';
import type { EntityRef, StateRows } from '../store/subject-rows.ts';
import type { Subject } from '../subject.ts';
import { withSpan } from './trace.ts';

/** What became of a batch of facts. */
export interface PlannedFacts {
  readonly facts: readonly StoredFact[];
  readonly unusable: readonly UnusableFact[];
  /** What was asked for, also what was there already. */
  readonly planned: readonly ToPlan[];
  readonly requests: readonly JobRequest[];
  /** Reminders that are not to be sent any more. */
  readonly cancelled: readonly StoredNotification[];
}

/**
 * Turns facts that this transaction holds into notifications, and marks them. A fact that this version does not know,
 * or whose entity has no row, is told to nobody: audit_logs keeps it with the reason, and it holds up no other.
 */
export const planFacts = async (
  tx: Transaction,
  facts: readonly StoredFact[],
  rules: NotificationRules,
  now: Instant,
  tracer?: Tracer,
): Promise<PlannedFacts> => {
  const entities = distinctEntities(facts);
  const reminded = remindedFamilies(rules);
  const withReminders = entities.filter(({ family }) => reminded.has(family));
  // Relays look at an entity's row at different times: the one that
  // looks later must also have the last word about its reminders.
  await lockEntities(tx, withReminders);
  const [rows, reminders] = await Promise.all([loadStateRows(tx, entities), takeReminders(tx, withReminders)]);

  const wanted: ToPlan[] = [];
  const unusable: UnusableFact[] = [];
  for (const fact of facts) {
    const subject = currentSubject(fact, rows);
    if (subject.ok) wanted.push(...matchRules(rules, subject.value, now).map((planned) => ({ fact, planned })));
    else unusable.push({ fact, reason: subject.issues.join('; ') });
  }
  const over = reminders.flatMap((reminder) => overOf(reminder, rules, rows, now));
  // Before planning: what another rule still asks for lives again.
  const cancelled = new Set(
    await cancelNotifications(
      tx,
      over.map(({ reminder: { id }, reason }) => ({ id, reason })),
    ),
  );
  const planned = [...wanted, ...over.flatMap(({ replacements }) => replacements)].map((one) => withSpan(tracer, one));
  const requests = await planNotifications(tx, planned);
  await recordUnusable(tx, unusable);
  await markRelayed(
    tx,
    facts.map(({ factId }) => factId),
  );
  return { facts, unusable, planned, requests, cancelled: reminders.filter(({ id }) => cancelled.has(id)) };
};

/** What a fact is about, as it stands now. */
export const currentSubject = (fact: StoredFact, rows: StateRows): Parsed<Subject> => {
  const entity = entityOf(fact);
  return entity.ok ? subjectOf(fact, rows.of(entity.value)) : entity;
};

export const distinctEntities = (facts: readonly StoredFact[]): readonly EntityRef[] => {
  const entities = new Map<string, EntityRef>();
  for (const fact of facts) {
    const entity = entityOf(fact);
    if (entity.ok) entities.set(`${fact.family}:${fact.entityKey}`, entity.value);
  }
  return [...entities.values()];
};

/** Families whose entities may have reminders. */
export const remindedFamilies = ({ rules }: NotificationRules): ReadonlySet<Family> =>
  new Set(
    rules
      .filter(({ reminders }) => reminders !== null)
      .flatMap(({ when }) => [...when].map((kind) => factSpec(kind).family)),
  );

interface Over {
  readonly reminder: StoredNotification;
  readonly reason: string;
  readonly replacements: readonly ToPlan[];
}

/**
 * A reminder that its entity has made pointless, before its time comes. One that these rules do not know (the rule is
 * gone or another, the destination is off) is left until then: the attempt decides.
 */
const overOf = (
  reminder: StoredNotification,
  rules: NotificationRules,
  rows: StateRows,
  now: Instant,
): readonly Over[] => {
  const rule = rules.rules.find(({ name }) => name === reminder.rule);
  const subject = currentSubject(reminder, rows);
  if (
    rule?.to.includes(reminder.destination) !== true ||
    rule.reminders?.before !== reminder.reminder?.before ||
    !subject.ok
  )
    return [];
  const composed = compose(rules, reminder, subject.value, now);
  if (composed.kind === 'send') return [];
  return [
    {
      reminder,
      reason: composed.reason,
      replacements: composed.replacements.map((planned) => ({ fact: reminder, planned })),
    },
  ];
};
