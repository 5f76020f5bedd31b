import { instant } from '#rules';
import type { Instant } from '#rules';
import type { Subject } from '../subject.ts';
import { compose, testMessage } from './compose.ts';
import { matchRules, rulesFor } from './plan.ts';
import type { PlannedNotification } from './plan.ts';
import { readRuleFile } from './rule-file.ts';
import type { NotificationRules } from './rules.ts';

const HOUR = 3_600_000;
const NOW = instant(1_700_000_000_000);

const rulesOf = (rules: string): NotificationRules => {
  const read = readRuleFile(
    `destinations: {log: {type: log}, team: {type: log}, pager: {type: log}}\nrules:\n${rules}`,
    'rules.yaml',
  );
  if (!read.ok) throw new Error(read.issues.join('\n'));
  return read.value;
};

const payment = (columns: Subject['columns'] = {}, more: Partial<Subject> = {}): Subject => ({
  kind: 'payment.failed',
  occurrence: '',
  family: 'payments',
  entityId: 'pay_1Aa00000000001',
  at: NOW,
  endpoint: null,
  status: 'failed',
  columns,
  ...more,
});
const dispute = (columns: Subject['columns'] = {}, more: Partial<Subject> = {}): Subject => ({
  kind: 'dispute.opened',
  occurrence: 'chargeback',
  family: 'disputes',
  entityId: 'disp_1Aa00000000001',
  at: NOW,
  endpoint: null,
  status: 'open',
  columns,
  ...more,
});

const told = (planned: readonly PlannedNotification[]): readonly string[] =>
  planned.map(
    ({ rule, destination, reminder }) => `${rule}→${destination}${reminder === null ? '' : ` ${reminder.hours}h`}`,
  );

describe('conditions', () => {
  const large = { amount_minor: 500_001, currency: 'INR' };
  test.each<[string, Subject, boolean]>([
    ['{amount: {over: 5000, currency: INR}}', payment(large), true],
    ['{amount: {over: 5000, currency: INR}}', payment({ ...large, amount_minor: 500_000 }), false],
    ['{amount: {over: 5000, currency: INR}}', payment({ ...large, currency: 'USD' }), false],
    ['{amount: {over: 5000, currency: INR}}', payment({ currency: 'INR' }), false],
    ['{amount: {over: 5000, currency: JPY}}', payment({ amount_minor: 5_001, currency: 'JPY' }), true],
    ['{amount: {under: 0.07, currency: INR}}', payment({ amount_minor: 6, currency: 'INR' }), true],
    ['{amount: {over: 10, under: 20.5, currency: INR}}', payment({ amount_minor: 2_050, currency: 'INR' }), false],
    ['{amount_refunded: {over: 1, currency: INR}}', payment({ ...large, amount_refunded_minor: 101 }), true],
    ['{method: upi}', payment({ method: 'upi' }), true],
    ['{method: upi}', payment({ method: 'card' }), false],
    ['{method: upi}', payment(), false],
    ['{method: [upi, card]}', payment({ method: 'card' }), true],
    ['{method: {is_not: upi}}', payment({ method: 'card' }), true],
    ['{method: {is_not: upi}}', payment(), true],
    ['{method: {is_not: [upi, card]}}', payment({ method: 'card' }), false],
    ['{international: true}', payment({ international: true }), true],
    ['{international: true}', payment({ international: false }), false],
    ['{fee_minor: {over: 10, under: 20}}', payment({ fee_minor: 11 }), true],
    ['{fee_minor: {over: 10, under: 20}}', payment({ fee_minor: 20 }), false],
    ['{order_id: {known: true}}', payment({ order_id: 'order_1Aa00000000001' }), true],
    ['{order_id: {known: true}}', payment({ order_id: null }), false],
    ['{created_at: {known: false}}', payment(), true],
    ['{status: [failed, authorized]}', payment({}, { status: 'captured' }), false],
    ['{endpoint: shop}', payment({}, { endpoint: 'shop' }), true],
    ['{endpoint: shop}', payment({}, { endpoint: null }), false],
    ['{method: upi, amount: {over: 5000, currency: INR}}', payment({ ...large, method: 'card' }), false],
    ['{method: upi, amount: {over: 5000, currency: INR}}', payment({ ...large, method: 'upi' }), true],
  ])('%s', (condition, subject, expected) => {
    const rules = rulesOf(`  - {name: a, when: payment.failed, to: log, if: ${condition}}`);
    expect(matchRules(rules, subject, NOW)).toHaveLength(expected ? 1 : 0);
  });

  test('a rule is for its facts only', () => {
    const rules = rulesOf('  - {name: a, when: [payment.failed, payment.captured], to: log}');
    expect(matchRules(rules, payment(), NOW)).toHaveLength(1);
    expect(matchRules(rules, payment({}, { kind: 'payment.captured' }), NOW)).toHaveLength(1);
    expect(matchRules(rules, payment({}, { kind: 'payment.refunded' }), NOW)).toEqual([]);
  });
});

describe('planning', () => {
  test('a destination hears the first rule that matches, others hear theirs', () => {
    const rules = rulesOf(
      '  - {name: upi, when: payment.failed, to: [log, team], if: {method: upi}}\n' +
        '  - {name: all, when: payment.failed, to: [team, pager]}',
    );
    expect(told(matchRules(rules, payment({ method: 'upi' }), NOW))).toEqual(['upi→log', 'upi→team', 'all→pager']);
    expect(told(matchRules(rules, payment(), NOW))).toEqual(['all→team', 'all→pager']);
  });

  test('nothing is planned for a destination that is off', () => {
    const rules = rulesFor(rulesOf('  - {name: a, when: payment.failed, to: [log, team]}'), new Set(['team']));
    expect(told(matchRules(rules, payment(), NOW))).toEqual(['a→team']);
  });

  test('what is planned holds ids only, and the priority of its family', () => {
    const rules = rulesOf('  - {name: a, when: [payment.failed, dispute.opened], to: log}');
    expect(matchRules(rules, payment({ email: 'asha@example.com' }), NOW)).toEqual([
      {
        id: expect.stringMatching(/^ntf_[0-9a-f]{32}$/),
        rule: 'a',
        destination: 'log',
        kind: 'payment.failed',
        family: 'payments',
        entityId: 'pay_1Aa00000000001',
        priority: 4,
        sendAt: NOW,
        reminder: null,
      },
    ]);
    expect(matchRules(rules, dispute(), NOW)[0]?.priority).toBe(1);
  });

  test('the id is the same whenever it is planned and whatever the rule is called; each occurrence and destination has its own', () => {
    const ids = (rule: string, subject: Subject, now: Instant = NOW) =>
      matchRules(rulesOf(`  - {name: ${rule}, when: dispute.opened, to: [log, team]}`), subject, now).map(
        ({ id }) => id,
      );
    expect(ids('a', dispute())).toEqual(ids('b', dispute({ phase: 'fraud' }), instant(NOW + HOUR)));
    expect(
      new Set([
        ...ids('a', dispute()),
        ...ids('a', dispute({}, { occurrence: 'arbitration' })),
        ...ids('a', dispute({}, { entityId: 'disp_2' })),
      ]).size,
    ).toBe(6);
  });
});

describe('reminders', () => {
  const rules = rulesOf(
    '  - name: disputes\n    when: [dispute.opened, dispute.action_required, dispute.under_review]\n' +
      '    to: [log]\n    reminders: {before: respond_by, hours: [6, 72, 24], while: [open, action_required]}',
  );
  const due = (hours: number) => ({ respond_by: NOW + hours * HOUR });

  test.each<[string, Subject, readonly string[]]>([
    ['all of them', dispute(due(100)), ['disputes→log', 'disputes→log 72h', 'disputes→log 24h', 'disputes→log 6h']],
    ['those still to come', dispute(due(24)), ['disputes→log', 'disputes→log 6h']],
    ['none after the deadline', dispute(due(-1)), ['disputes→log']],
    ['none without one', dispute(), ['disputes→log']],
    [
      'none where nobody has to act',
      dispute(due(100), { kind: 'dispute.under_review', status: 'under_review' }),
      ['disputes→log'],
    ],
  ])('%s', (_name, subject, expected) => {
    expect(told(matchRules(rules, subject, NOW))).toEqual(expected);
  });

  test('are due the hours before, and are one and the same for two facts with one deadline', () => {
    const [, opened] = matchRules(rules, dispute(due(100)), NOW);
    const [, again] = matchRules(
      rules,
      dispute(due(100), { kind: 'dispute.action_required', occurrence: 'x', status: 'action_required' }),
      NOW,
    );
    expect(opened?.sendAt).toBe(NOW + 28 * HOUR);
    expect(again?.id).toBe(opened?.id);
  });

  const stored = matchRules(rules, dispute(due(100)), NOW)[3];
  if (stored === undefined) throw new Error('no reminder was planned');
  const composedAt = (subject: Subject, atHour: number) =>
    compose(rules, stored, subject, instant(NOW + atHour * HOUR));

  test('is sent as a reminder while the dispute waits', () => {
    expect(composedAt(dispute(due(100)), 94)).toMatchObject({
      kind: 'send',
      message: { type: 'dispute.reminder', reminder: { hours: 6 } },
    });
  });

  test.each<[string, Subject, number, string]>([
    ['the dispute has moved on', dispute(due(100), { status: 'won' }), 94, 'moved on: the status is won'],
    ['the deadline has passed', dispute(due(100)), 100, 'too late: respond_by has passed'],
    ['the deadline is gone', dispute({ respond_by: null }), 94, 'respond_by is not known now'],
  ])('disappears when %s', (_name, subject, hour, reason) => {
    expect(composedAt(subject, hour)).toEqual({ kind: 'cancel', reason, replacements: [] });
  });

  test('moves with the deadline', () => {
    const composed = composedAt(dispute(due(110)), 94);
    expect(composed).toMatchObject({
      kind: 'cancel',
      reason: 'respond_by is another time now',
      replacements: [{ sendAt: NOW + 104 * HOUR, reminder: { hours: 6 } }],
    });
    expect(composed.kind === 'cancel' && composed.replacements[0]?.id).not.toBe(stored.id);
  });
});

describe('composing', () => {
  const rules = rulesOf('  - {name: a, when: payment.failed, to: log}');
  const stored = { rule: 'a', destination: 'log', reminder: null };

  test('a fact is told in the words of its rule', () => {
    expect(compose(rules, stored, payment(), NOW)).toMatchObject({
      kind: 'send',
      message: { type: 'payment.failed', rule: 'a', reminder: null },
    });
  });

  test.each([
    [{ ...stored, rule: 'gone' }, 'the rule "gone" is no longer in the file'],
    [{ ...stored, destination: 'pager' }, 'the rule "a" no longer names the destination "pager"'],
    [
      { ...stored, reminder: { before: 'created_at', at: 1, hours: 1 } },
      'the rule "a" no longer reminds before created_at',
    ],
  ])('what the file no longer asks for is cancelled: %j', (given, reason) => {
    expect(compose(rules, given, payment(), NOW)).toEqual({ kind: 'cancel', reason, replacements: [] });
  });

  test('a test says that it is one', () => {
    expect(testMessage(rules, NOW)).toMatchObject({ type: 'dakia.test', rule: 'test' });
  });
});
