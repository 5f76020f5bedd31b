-- A payment that failed once and is authorised later is late, whatever the flag says: what was ever shown is kept.
ALTER TABLE payment_transactions ADD COLUMN ever_failed boolean;
UPDATE payment_transactions SET ever_failed = true WHERE status = 'failed';

-- The relay takes the facts of urgent families first.
CREATE INDEX outbox_unrelayed_by_family ON outbox (family, id) WHERE relayed_at IS NULL;

-- Payments that the bank approved late and nobody has captured yet. Razorpay refunds them by itself, after 3 days at the earliest
-- (razorpay.com/docs/payments/late-authorisation; another page says 5).
CREATE VIEW late_authorisations AS
SELECT payment_id, order_id, amount_minor, currency, email, contact, created_at,
       created_at + interval '3 days' AS auto_refund_at, created_at + interval '3 days' - now() AS time_left, account_id
  FROM payment_transactions
 WHERE status = 'authorized' AND (ever_failed OR late_authorized)
 ORDER BY auto_refund_at, payment_id;

-- Refunds that are under way for longer than banks take (5 to 7 working days, razorpay.com/docs/payments/refunds), longest first.
CREATE VIEW refunds_stuck AS
SELECT refund_id, payment_id, order_id, amount_minor, currency, provider_status, speed_requested, speed_processed, created_at,
       now() - created_at AS age, account_id
  FROM payment_refunds
 WHERE status = 'pending' AND created_at < now() - interval '7 days'
 ORDER BY created_at, refund_id;

-- What costs money while nobody looks, dearest first within a currency. Amounts are minor units of `currency`.
CREATE VIEW money_to_check AS
SELECT kind, family, entity_key, cost_minor, currency, what_to_do
  FROM (
    SELECT 'captured_twice' AS kind, 'orders' AS family, order_id AS entity_key, sum(amount_minor) - max(amount_minor) AS cost_minor, currency,
           'Several payments of one order are captured: refund all but one.' AS what_to_do
      FROM payment_transactions
     WHERE status = 'captured' AND order_id IS NOT NULL
       -- What is paid in parts has several payments, which together make the order.
       AND NOT EXISTS (SELECT FROM payment_orders o WHERE o.order_id = payment_transactions.order_id AND payment_transactions.amount_minor < o.amount_minor)
     GROUP BY order_id, currency HAVING count(*) > 1
    UNION ALL
    SELECT 'over_refunded', 'payments', payment_id, refunded_minor - amount_minor, currency,
           'More went back than was paid: look at its refunds in the Razorpay Dashboard.'
      FROM payment_overview WHERE refunded_minor > amount_minor
    UNION ALL
    SELECT 'amount_mismatch', 'payments', p.payment_id, abs(p.amount_minor - o.amount_minor), p.currency,
           'The captured amount is not that of its order: do not fulfil before it is clear why.'
      FROM payment_transactions p JOIN payment_orders o ON o.order_id = p.order_id
     WHERE p.status IN ('captured', 'refunded') AND o.status = 'paid' AND p.currency = o.currency AND p.amount_minor <> o.amount_minor
       -- An order of which more was paid than this payment was paid in parts.
       AND coalesce(o.amount_paid_minor, p.amount_minor) <= p.amount_minor
    UNION ALL
    SELECT 'late_authorized', 'payments', payment_id, amount_minor, currency,
           'Authorised after it had failed: capture it if the order still stands, or Razorpay refunds it.'
      FROM late_authorisations
    UNION ALL
    SELECT 'refund_failed', 'refunds', refund_id, amount_minor, currency,
           'The customer has not got the money back: it is in your balance; refund it in another way.'
      FROM payment_refunds WHERE status = 'failed'
    UNION ALL
    SELECT 'refund_stuck', 'refunds', refund_id, amount_minor, currency,
           'The refund has been under way for more than 7 days: ask Razorpay, with its ARN or RRN.'
      FROM refunds_stuck) AS found
 ORDER BY currency, cost_minor DESC NULLS LAST, kind, entity_key;
GRANT SELECT ON late_authorisations, refunds_stuck, money_to_check TO dakia_operator;
