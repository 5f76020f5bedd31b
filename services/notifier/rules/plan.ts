import { createHash } from 'node:crypto';
import { familySpec } from '#catalogue';
import type { FactKind, Family, JobPriority } from '#catalogue';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { valueOf } from '../subject.ts';
import type { Subject } from '../subject.ts';
import { holds } from './conditions.ts';
import type { NotificationRules, Rule } from './rules.ts';

const HOUR_MS = 3_600_000;

/** What a reminder was planned for: `hours` before the time `at` (epoch milliseconds) in the column `before`. */
export interface PlannedReminder {
  readonly before: string;
  readonly at: number;
  readonly hours: number;
}

/** One notification to be: a row of `notifications`. Ids only; what it says is made when it is sent. */
export interface PlannedNotification {
  /** Stable: the same fact and destination give the same id, also after a replay into an empty database. */
  readonly id: string;
  readonly rule: string;
  readonly destination: string;
  readonly kind: FactKind;
  readonly family: Family;
  readonly entityId: string;
  readonly priority: JobPriority;
  /** The fact's own time for what is told at once. */
  readonly sendAt: Instant;
  readonly reminder: PlannedReminder | null;
}

/**
 * What the rules make of one fact. Pure; for one fact (and for one reminder) a
 * destination hears the first rule that matches, so that a receiver of signed HTTP
 * learns each fact once. Reminders whose time has passed by `now` are left out.
 */
export const matchRules = (
  { rules }: NotificationRules,
  subject: Subject,
  now: Instant,
): readonly PlannedNotification[] => {
  const planned = new Map<string, PlannedNotification>();
  const matching = rules.filter(
    (rule) => rule.when.has(subject.kind) && rule.conditions.every((condition) => holds(condition, subject)),
  );
  for (const rule of matching) {
    for (const one of [...(rule.atOnce ? atOnce(rule, subject) : []), ...remindersOf(rule, subject, now)]) {
      if (!planned.has(one.id)) planned.set(one.id, one);
    }
  }
  return [...planned.values()];
};

/**
 * The rules without the destinations that are off: what the relay plans with. Attempts are composed with all of them.
 */
export const rulesFor = (
  rules: NotificationRules,
  open: { readonly has: (destination: string) => boolean },
): NotificationRules => ({
  ...rules,
  rules: rules.rules.map((rule) => ({ ...rule, to: rule.to.filter((destination) => open.has(destination)) })),
});

const atOnce = (rule: Rule, subject: Subject): readonly PlannedNotification[] =>
  rule.to.map((destination) => ({
    ...about(rule, subject, destination),
    id: idOf('fact', subject.family, subject.entityId, subject.kind, subject.occurrence, destination),
    sendAt: subject.at,
    reminder: null,
  }));

/** The reminders of a rule for the row as it stands; none when nobody has to act or the time is unknown or near. */
export const remindersOf = (
  { reminders, ...rule }: Rule,
  subject: Subject,
  now: Instant,
): readonly PlannedNotification[] => {
  if (reminders === null || !reminders.while.includes(subject.status)) return [];
  const at = valueOf(subject, reminders.before);
  if (typeof at !== 'number') return [];
  const due = reminders.hours.filter((hours) => at - hours * HOUR_MS > now);
  return due.flatMap((hours) =>
    rule.to.map((destination) => ({
      ...about(rule, subject, destination),
      id: idOf('reminder', subject.family, subject.entityId, reminders.before, String(at), String(hours), destination),
      sendAt: instant(at - hours * HOUR_MS),
      reminder: { before: reminders.before, at, hours },
    })),
  );
};

const about = (rule: { readonly name: string }, { kind, family, entityId }: Subject, destination: string) => ({
  rule: rule.name,
  destination,
  kind,
  family,
  entityId,
  priority: familySpec(family).priority,
});

/** 128 bits, in letters that suit a header, a job id and a command line. */
const idOf = (...parts: readonly string[]): string =>
  `ntf_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
