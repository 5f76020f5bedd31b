import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { factKinds, factSpec } from '#catalogue';
import type { FactKind } from '#catalogue';
import { rowSpec } from '#families';
import { instant } from '#rules';
import type { FieldValue } from '#rules';
import type { Subject } from '../subject.ts';
import { writePlain } from '../templates/words.ts';
import { compose } from './compose.ts';
import { matchRules } from './plan.ts';
import { readRuleFile } from './rule-file.ts';

/** What a merchant reads of each fact that the shipped file tells to people. */
const read = readRuleFile(
  readFileSync(join(import.meta.dirname, '../../../deploy/notifications.example.yaml'), 'utf8'),
  'notifications.example.yaml',
);
if (!read.ok) throw new Error(read.issues.join('\n'));
const rules = read.value;
const NOW = instant(1_700_000_000_000);

const COLUMNS: Readonly<Record<string, FieldValue>> = {
  amount_minor: 12_345_600,
  amount_paid_minor: 10_000_000,
  amount_refunded_minor: 13_000_000,
  amount_deducted_minor: 12_345_600,
  currency: 'INR',
  payment_id: 'pay_1Aa00000000001',
  order_id: 'order_1Aa0000000001',
  respond_by: 1_700_500_000_000,
  created_at: 1_699_990_000_000,
  phase: 'chargeback',
  reason_code: 'goods_not_received',
  reason_description: 'Goods or services not received',
  receipt: 'R-42',
  severity: 'high',
  method: 'netbanking',
  bank: 'HDFC',
  begin_at: 1_699_990_000_000,
  fund_account_id: 'fa_1Aa00000000001',
  account_status: 'invalid',
  details: 'Account is closed',
  provider_status: 'lost',
  business_name: 'Asha Traders',
  kind: 'settlement',
  reference: 'UTR123',
  short_url: 'https://rzp.io/i/abc',
};

const told = (kind: FactKind, status: string, columns: Readonly<Record<string, FieldValue>> = {}) => {
  const { family } = factSpec(kind);
  const event = kind === 'event.kept' ? { event: 'settlement.processed' } : {};
  const known = Object.fromEntries(
    Object.entries({ ...COLUMNS, ...event, ...columns }).filter(([name]) =>
      Object.hasOwn(rowSpec(family).columns, name),
    ),
  );
  const subject: Subject = {
    kind,
    occurrence: '',
    family,
    entityId: 'id_1',
    at: NOW,
    endpoint: null,
    status,
    columns: known,
  };
  const [planned] = matchRules(rules, subject, NOW).filter(
    ({ destination, reminder }) => destination === 'team-slack' && reminder === null,
  );
  if (planned === undefined) return undefined;
  const composed = compose(rules, planned, subject, NOW);
  if (composed.kind === 'cancel') throw new Error(composed.reason);
  const { title, text } = writePlain(composed.message);
  return `${title}\n${text}`.replaceAll('\u00a0', ' ');
};

/** A status that goes with a fact. */
const statusOf = (kind: FactKind): string => {
  const name = kind.slice(kind.lastIndexOf('.') + 1);
  return rowSpec(factSpec(kind).family).statuses.includes(name)
    ? name
    : (rowSpec(factSpec(kind).family).statuses[0] ?? '');
};

/** Nobody has to act on these, so the shipped file leaves people alone with them; systems may be told. */
const NOT_FOR_PEOPLE: readonly FactKind[] = [
  ...(['payment.failed', 'payment.authorized', 'payment.captured', 'payment.refunded'] as const),
  ...(['order.created', 'order.paid', 'order.notification_delivered', 'order.notification_failed'] as const),
  ...(['downtime.updated', 'refund.pending', 'refund.processed', 'fund_account.validation.completed'] as const),
  ...(['account.updated', 'payment_link.cancelled', 'invoice.cancelled', 'invoice.deleted'] as const),
];
/** Without an amount of their own. */
const NO_AMOUNT = /^(downtime|account|fund_account)\./;

test.each(factKinds.filter((kind) => !NOT_FOR_PEOPLE.includes(kind)))(
  '%s: says what, of which amount, payment or order, and nothing that is not known',
  (kind) => {
    const words = told(kind, statusOf(kind)) ?? '';
    expect(words).toContain(kind === 'event.kept' ? 'settlement id_1' : 'id_1');
    expect(words).not.toMatch(/unknown|undefined|null|\{\{|\[\[/);
    if (!NO_AMOUNT.test(kind)) expect(words).toMatch(/₹1,23,456\.00/);
    if (/^(dispute|refund|payment)\./.test(kind) && !kind.endsWith('.contradicted'))
      expect(words).toContain('order_1Aa0000000001');
    expect(
      told(
        kind,
        statusOf(kind),
        Object.fromEntries(
          Object.keys(COLUMNS).map((name) => [
            name,
            name === 'severity' ? 'high' : name === 'event' ? 'settlement.processed' : null,
          ]),
        ),
      ),
    ).toMatch(/\S/);
  },
);

test.each(NOT_FOR_PEOPLE)('%s is told to no person', (kind) => {
  expect(told(kind, statusOf(kind))).toBeUndefined();
});

test.each(['dispute.under_review', 'dispute.won', 'dispute.lost', 'dispute.closed'] as const)(
  '%s asks for no response',
  (kind) => {
    expect(told(kind, statusOf(kind))).not.toMatch(/respond by/i);
    expect(told('dispute.opened', 'open')).toMatch(/Respond by 20 Nov 2023, 22:36 IST/);
  },
);

test('a loss says what was deducted, a win that nothing is', () => {
  expect(told('dispute.lost', 'lost')).toContain('Deducted from you now: ₹1,23,456.00.');
  expect(told('dispute.won', 'won', { amount_deducted_minor: 0 })).toContain('Deducted from you now: ₹0.00.');
});

test('nothing tells people that a suspended account is live', () => {
  const good = ['account.activated', 'account.payments_enabled', 'account.funds_released'] as const;
  for (const kind of good) {
    expect(told(kind, 'activated')).toContain('status activated');
    expect(told(kind, 'suspended')).toBeUndefined();
  }
  const words = told('account.suspended', 'suspended', { suspended_at: 1_699_990_000_000 });
  expect(words).toMatch(/^A sub-merchant is suspended: it can take no payments\.?\n/);
  expect(words).toContain('Suspended 15 Nov 2023');
});

test('a late authorisation says how long there is until Razorpay refunds it', () => {
  // Begun 10,000 s before it was told.
  expect(told('payment.late_authorized', 'authorized')).toContain(
    'at the earliest in 69 hours, at 18 Nov 2023, 00:56 IST',
  );
});

test('a failed refund says where the money is', () => {
  expect(told('refund.failed', 'failed')).toContain('It is still with you, in your Razorpay balance.');
});

test('in the fraud phase it is the bank that asks, not the customer; whatever is to be answered has its deadline', () => {
  for (const kind of ['dispute.opened', 'dispute.action_required', 'dispute.deadline_changed'] as const) {
    const words = told(kind, 'open', { phase: 'fraud' }) ?? '';
    expect(words).toMatch(/^The bank suspects fraud/);
    expect(words).toMatch(/its customer has not complained/);
    expect(words).toContain('Respond by 20 Nov 2023, 22:36 IST');
  }
  expect(told('dispute.opened', 'open')).not.toMatch(/bank|customer/i);
});
