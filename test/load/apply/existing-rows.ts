import { onServer } from '../stack.ts';

/** Rows in each of the tables that the consumer writes and reads, before the second comparison. */
export const EXISTING_ROWS = 1_000_000;
/** The rows are this young, so that the consumer writes into the very partitions and indexes that are large. */
const HOURS_BACK = 6;

/**
 * Ids ascend with `i`, so that the indexes are built in one pass, and lie evenly among Razorpay's random ones (14
 * base62 digits, of which four are used), so that the consumer's rows go all over these indexes.
 */
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const STEP = Math.floor(62 ** 4 / EXISTING_ROWS) - 1;
const digit = (power: number): string => `substr('${BASE62}', (i * ${STEP} / ${62 ** power}) % 62 + 1, 1)`;
const numbers =
  `(SELECT i, ${[3, 2, 1, 0].map(digit).join(' || ')} || '0000000000' AS id FROM generate_series(1, ` +
  `${EXISTING_ROWS}) AS i) AS numbers`;
const at = `now() - (${EXISTING_ROWS} - i) * interval '${HOURS_BACK} hours' / ${EXISTING_ROWS}`;

/** One statement a table, made by Postgres itself. Bodies are short: what counts here is the size of the indexes. */
const fills = [
  `INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict,
    account_id, endpoint, received_at, processed_at, kafka_topic, kafka_partition, kafka_offset, payload)
   SELECT id, ${at}, 'payment.captured', 'payments', 'pay_' || id, true, 'applied', 'acc_BFQ7uQEaa7j2z7', 'default',
     ${at}, ${at}, 'rzp.payments.v1', i % 12, i, '{"event":"payment.captured"}'::bytea FROM ${numbers}`,
  `INSERT INTO payment_transactions (payment_id, status, account_id, order_id, amount_minor, currency, method,
    created_at, last_event_id, last_event_at, merge_record)
   SELECT 'pay_' || id, 'captured', 'acc_BFQ7uQEaa7j2z7', 'order_' || id, i, 'INR', 'upi', ${at}, id, ${at},
     '{"s":[[3,1700000000000,"bench"]],"m":{"":[0,"captured"]},"f":{}}' FROM ${numbers}`,
  `INSERT INTO payment_orders (order_id, status, account_id, payment_id, amount_minor, currency, receipt, created_at,
    last_event_id, last_event_at, merge_record)
   SELECT 'order_' || id, 'paid', 'acc_BFQ7uQEaa7j2z7', 'pay_' || id, i, 'INR', 'receipt ' || i, ${at}, id, ${at},
     '{"s":[[3,1700000000000,"bench"]],"m":{"":[0,"paid"]},"f":{}}' FROM ${numbers}`,
  `INSERT INTO audit_logs (actor, action, family, entity_key, razorpay_event_id, event_type, verdict, from_status,
    to_status)
   SELECT 'consumer:payments', 'event', 'payments', 'pay_' || id, id, 'payment.captured', 'applied', 'authorized',
     'captured' FROM ${numbers}`,
  `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
   SELECT 'payment.captured', 'payments:' || 'pay_' || id || ':payment.captured:', 'payments', 'pay_' || id, '{}'
     FROM ${numbers}`,
];

/** Two connections at a time, as many as the machine that this was written for has cores. */
const AT_ONCE = 2;

export const fillDatabase = async (url: string): Promise<void> => {
  const left = [...fills];
  const worker = async (): Promise<void> => {
    // The disk is not waited for: these rows are not what is measured.
    for (let sql = left.shift(); sql !== undefined; sql = left.shift())
      await onServer(url, `SET synchronous_commit = off; ${sql}`);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await onServer(url, 'VACUUM (ANALYZE)');
};
