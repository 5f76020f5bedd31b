import type { Instant } from '#rules';
import { valueOf } from '../subject.ts';
import type { Subject } from '../subject.ts';
import type { Message } from '../templates/words.ts';
import { remindersOf } from './plan.ts';
import type { PlannedNotification } from './plan.ts';
import type { NotificationRules } from './rules.ts';

/** What to do with a notification whose time has come. */
export type Composed =
  | { readonly kind: 'send'; readonly message: Message }
  /**
   * Nothing is left to be said; `replacements` are reminders of the
   * time that took the place of the one it was planned for.
   */
  | { readonly kind: 'cancel'; readonly reason: string; readonly replacements: readonly PlannedNotification[] };

type Stored = Pick<PlannedNotification, 'rule' | 'destination' | 'reminder'>;

/** Looks at a stored notification with the rules and the row as they are now. Pure; called before each attempt. */
export const compose = (rules: NotificationRules, stored: Stored, subject: Subject, now: Instant): Composed => {
  const rule = rules.rules.find(({ name }) => name === stored.rule);
  if (rule === undefined) return cancelled(`the rule "${stored.rule}" is no longer in the file`);
  if (!rule.to.includes(stored.destination))
    return cancelled(`the rule "${rule.name}" no longer names the destination "${stored.destination}"`);
  const common = { rule: rule.name, subject, formats: rules.formats };
  const { reminder } = stored;
  if (reminder === null)
    return { kind: 'send', message: { ...common, type: subject.kind, reminder: null, words: rule.words } };

  if (rule.reminders?.before !== reminder.before)
    return cancelled(`the rule "${rule.name}" no longer reminds before ${reminder.before}`);
  if (!rule.reminders.while.includes(subject.status)) return cancelled(`moved on: the status is ${subject.status}`);
  const at = valueOf(subject, reminder.before);
  if (at !== reminder.at) {
    const moved = `${reminder.before} is ${typeof at === 'number' ? 'another time' : 'not known'} now`;
    return {
      kind: 'cancel',
      reason: moved,
      replacements: remindersOf(rule, subject, now).filter(({ destination }) => destination === stored.destination),
    };
  }
  if (reminder.at <= now) return cancelled(`too late: ${reminder.before} has passed`);
  return { kind: 'send', message: { ...common, type: reminderType(subject), reminder, words: rule.reminders.words } };
};

const cancelled = (reason: string): Composed => ({ kind: 'cancel', reason, replacements: [] });

/** `dispute.reminder`: not the fact again, so that a receiver who acts on facts does not act twice. */
const reminderType = ({ kind }: Subject): string => `${kind.slice(0, kind.indexOf('.'))}.reminder`;

/** What `dakia notify test` sends: clearly a test, with a made-up payment of 1 rupee and no rule behind it. */
export const testMessage = ({ formats }: NotificationRules, at: Instant): Message => {
  const line = (text: string) => ({ pieces: [{ kind: 'text' as const, text }], variables: [] });
  return {
    type: 'dakia.test',
    rule: 'test',
    reminder: null,
    formats,
    words: {
      title: line('Test message from Dakia'),
      text: line('This destination works. Nothing happened to any payment.'),
    },
    subject: {
      kind: 'payment.captured',
      occurrence: '',
      family: 'payments',
      entityId: 'pay_DakiaTest00000',
      at,
      endpoint: null,
      status: 'captured',
      columns: { amount_minor: 100, currency: 'INR' },
    },
  };
};
