import type { FactKind } from '#catalogue';
import { adHoc } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { outboxOf } from '../../libs/apply/facts-sql.ts';

/** Payments of tests are numbered from 0. */
export const paymentKey = (number: number): string => `pay_${String(number).padStart(14, '0')}`;

const FILL = adHoc(
  `INSERT INTO payment_transactions (payment_id, status, account_id, order_id, amount_minor, currency, method, email,
    contact, description, created_at, last_event_id, last_event_at, merge_record)
   SELECT 'pay_' || id, 'captured', 'acc_BFQ7uQEaa7j2z7', 'order_' || id, 100 + i, 'INR', 'upi',
     'buyer' || i || '@example.com', '+919000000000', 'Order ' || i, now(), id, now(),
          '{"s":[[3,1700000000000,"test"]],"m":{"":[0,"captured"]},"f":{}}'
     FROM (SELECT i, lpad(i::text, 14, '0') AS id FROM generate_series($1::int, $2::int) AS i) AS numbers`,
);

/** Rows as the payments service leaves them after `payment.captured`, of `count` payments from this number on. */
export const fillPayments = async (database: Database, from: number, count: number): Promise<void> =>
  void (await database.query(FILL, [from, from + count - 1]));

export interface PaymentFact {
  readonly kind: Extract<FactKind, `payment.${string}`>;
  readonly payment: number;
}

const INSERT_FACTS = adHoc(`WITH ${outboxOf(1)} SELECT 1`);

/**
 * One transaction's facts, inserted with the statement of the apply
 * path; those that are there already stay as they are. Sends no signal.
 */
export const insertPaymentFacts = async (database: Database, facts: readonly PaymentFact[]): Promise<void> => {
  const keys = facts.map(({ payment }) => paymentKey(payment));
  const dedupeKeys = facts.map(({ kind, payment }) => `payments:${paymentKey(payment)}:${kind}:`);
  await database.query(INSERT_FACTS, [
    facts.map(({ kind }) => kind),
    dedupeKeys,
    facts.map(() => 'payments'),
    keys,
    keys.map((key) => `evt_${key}`),
    facts.map(() => 'default'),
    facts.map(() => null),
  ]);
};
