-- Figures about money that cannot disagree, and two captures of one receipt. Amounts are minor units of `currency`.

-- Receipts that the given orders share with others: they are locked before the facts are asked for, so that of two
-- transactions that capture two orders of one receipt the later sees both. A receipt that more than 20 orders have is
-- no number of anything (a constant of somebody's code) and tells nothing.
CREATE FUNCTION receipts_of_orders(orders text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT DISTINCT o.receipt FROM payment_orders o
   WHERE o.order_id = ANY(orders) AND o.receipt IS NOT NULL
     AND (SELECT count(*) FROM (SELECT FROM payment_orders s WHERE s.receipt = o.receipt LIMIT 21) AS few)
         BETWEEN 2 AND 20
$$;

-- As before, and two more. An order of the same account, receipt, amount and currency as an earlier one, when both have
-- a captured payment: the later one is told. And a further payment of an order where nobody ever tells of orders,
-- because only payments are subscribed: two parts would look the same, so it has a fact of its own, which says so.
CREATE OR REPLACE FUNCTION facts_across_orders(orders text[])
RETURNS TABLE (name text, family text, entity_key text, occurrence text) LANGUAGE sql STABLE AS $$
  WITH captured AS (
    SELECT p.order_id, p.payment_id, p.amount_minor, p.currency, p.created_at
      FROM payment_transactions p
     WHERE p.order_id = ANY(orders) AND p.status IN ('captured', 'refunded') AND p.captured IS DISTINCT FROM false),
  paid AS (
    SELECT o.order_id, o.status AS order_status, o.amount_minor AS worth, o.amount_paid_minor, p.payment_id,
           p.amount_minor, row_number() OVER by_time AS number, sum(p.amount_minor) OVER by_time AS together
      FROM payment_orders o JOIN captured p ON p.order_id = o.order_id AND p.currency = o.currency
    WINDOW by_time AS (PARTITION BY o.order_id ORDER BY p.created_at, p.payment_id ROWS UNBOUNDED PRECEDING)),
  of_receipt AS (
    SELECT s.order_id, row_number() OVER (PARTITION BY s.receipt, s.account_id, s.amount_minor, s.currency
                                              ORDER BY s.created_at, s.order_id) AS number
      FROM receipts_of_orders(orders) AS r (receipt) JOIN payment_orders s ON s.receipt = r.receipt
     WHERE s.amount_minor > 0
       AND EXISTS (SELECT FROM payment_transactions p
                    WHERE p.order_id = s.order_id AND p.status IN ('captured', 'refunded')
                      AND p.captured IS DISTINCT FROM false)),
  of_unknown AS (
    SELECT payment_id, row_number() OVER (PARTITION BY order_id, currency ORDER BY created_at, payment_id) AS number
      FROM captured)
  SELECT 'order.captured_twice', 'orders', order_id, payment_id FROM paid WHERE number > 1 AND together > worth
  UNION ALL
  SELECT 'order.captured_twice', 'orders', order_id, 'receipt' FROM of_receipt WHERE number > 1
  UNION ALL
  -- CASE: whether any order is known is looked up for such a payment only.
  SELECT 'payment.captured_again', 'payments', payment_id, '' FROM of_unknown
   WHERE CASE WHEN number > 1
              THEN (SELECT count(*) FROM (SELECT FROM payment_orders WHERE amount_minor IS NOT NULL LIMIT 1) AS one) = 0
              ELSE false END
  UNION ALL
  -- An order of which more was paid than this payment was paid in parts.
  SELECT 'payment.amount_mismatch', 'payments', payment_id, '' FROM paid
   WHERE order_status = 'paid' AND amount_minor <> worth AND coalesce(amount_paid_minor, amount_minor) <= amount_minor
$$;

-- What the former release wrote and the rules of this one would not: times and flags that came of an event's name
-- though its own snapshot denied it. They have no source that is kept, so no rebuild takes them back.
UPDATE payment_transactions SET captured = false
 WHERE captured AND status IN ('created', 'failed', 'authorized')
   AND (provider_status IS NULL OR lower(provider_status) IN ('created', 'failed', 'authorized'));
UPDATE payment_transactions SET captured = true WHERE status = 'captured' AND captured IS NOT TRUE;
UPDATE payment_transactions SET captured_at = NULL
 WHERE captured_at IS NOT NULL AND status IN ('created', 'failed', 'authorized');
UPDATE payment_transactions SET authorized_at = NULL
 WHERE authorized_at IS NOT NULL AND status IN ('created', 'failed');
-- One that was processed first and failed later has been told so.
UPDATE payment_refunds SET processed_at = NULL
 WHERE processed_at IS NOT NULL AND status <> 'processed'
   AND NOT EXISTS (SELECT FROM outbox WHERE dedupe_key = 'refunds:' || refund_id || ':refund.processed:');
UPDATE payment_disputes SET closed_at = NULL
 WHERE closed_at IS NOT NULL AND status NOT IN ('closed', 'won', 'lost')
   AND phase IS DISTINCT FROM 'pre_arbitration' AND phase IS DISTINCT FROM 'arbitration';
UPDATE account_events SET suspended_at = NULL WHERE suspended_at IS NOT NULL AND suspended IS FALSE;

-- As before, with columns that agree wherever a body leaves something out: what went back in full is refunded, whatever
-- the payment's own events had come to; a part that went back proves the capture; what a refund of unknown amount took
-- with it is not shown as returned; and nothing is 0 that is unknown.
CREATE OR REPLACE VIEW payment_overview AS
SELECT p.payment_id, s.status,
       p.amount_minor, p.currency, p.method,
       CASE WHEN s.status = 'captured' THEN true ELSE p.captured END AS captured,
       CASE WHEN s.status = 'authorized' AND p.ever_failed THEN true ELSE p.late_authorized END AS late_authorized,
       t.refunded_minor, r.pending_minor AS refund_pending_minor, r.failed_minor AS refund_failed_minor,
       t.untold_minor AS refund_untold_minor,
       CASE WHEN t.is_full THEN 'full' WHEN t.refunded_minor > 0 THEN 'partial' END AS refund_status,
       p.error_code, p.error_reason, p.email, p.contact, p.created_at, p.last_event_at, p.account_id,
       coalesce(o.order_id, p.order_id) AS order_id, o.status AS order_status, o.amount_minor AS order_amount_minor,
       o.amount_paid_minor AS order_amount_paid_minor, o.receipt AS order_receipt,
       r.refunds, d.disputes, d.disputes_open,
       l.payment_link_id, l.status AS payment_link_status, l.reference_id AS payment_link_reference,
       i.invoice_id, i.status AS invoice_status, i.invoice_number
  FROM payment_transactions p
  LEFT JOIN payment_orders o ON o.order_id = p.order_id
  CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('refund_id', refund_id, 'status', status, 'amount_minor', amount_minor,
                                        'speed_processed', speed_processed, 'arn', arn, 'created_at', created_at)
                       ORDER BY created_at, refund_id) AS refunds,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'processed'), 0) AS processed_minor,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'pending'), 0) AS pending_minor,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'failed'), 0) AS failed_minor,
           count(*) FILTER (WHERE status = 'failed') AS failures,
           count(*) FILTER (WHERE status <> 'processed' AND amount_minor IS NULL) AS not_back_unknown
      FROM payment_refunds WHERE payment_id = p.payment_id) r
  CROSS JOIN LATERAL (
    SELECT greatest(p.amount_refunded_minor,
                    CASE WHEN p.status = 'refunded' THEN p.amount_minor END) AS shown_minor) w
  CROSS JOIN LATERAL (
    SELECT CASE WHEN r.not_back_unknown > 0 THEN 0
                WHEN w.shown_minor IS NULL AND p.status = 'refunded' AND r.failures = 0 THEN NULL
                ELSE greatest(coalesce(w.shown_minor, 0) - r.processed_minor - r.pending_minor - r.failed_minor, 0)
           END AS untold_minor) u
  CROSS JOIN LATERAL (
    SELECT u.untold_minor, r.processed_minor + u.untold_minor AS refunded_minor,
           CASE WHEN p.amount_minor IS NULL THEN p.status = 'refunded' AND r.failures = 0 AND r.not_back_unknown = 0
                ELSE r.processed_minor + u.untold_minor >= p.amount_minor AND r.processed_minor + u.untold_minor > 0
           END AS is_full) t
  CROSS JOIN LATERAL (
    SELECT CASE WHEN t.is_full THEN 'refunded'
                WHEN p.status = 'refunded' THEN CASE WHEN p.captured IS FALSE THEN 'authorized' ELSE 'captured' END
                WHEN t.refunded_minor > 0 THEN 'captured'
                ELSE p.status END AS status) s
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('dispute_id', dispute_id, 'status', status, 'phase', phase,
                                        'amount_minor', amount_minor, 'reason_code', reason_code,
                                        'respond_by', respond_by) ORDER BY created_at, dispute_id) AS disputes,
           count(*) FILTER (WHERE status IN ('open', 'under_review', 'action_required')) AS disputes_open
      FROM payment_disputes WHERE payment_id = p.payment_id) d ON true
  -- All payments of a link or an invoice share its order; the newest one's id is kept as well.
  LEFT JOIN LATERAL (
    SELECT payment_link_id, status, reference_id FROM payment_link_events
     WHERE payment_id = p.payment_id OR order_id = p.order_id ORDER BY payment_link_id LIMIT 1) l ON true
  LEFT JOIN LATERAL (
    SELECT invoice_id, status, invoice_number FROM invoice_events
     WHERE invoice_id = p.invoice_id OR payment_id = p.payment_id OR last_payment_id = p.payment_id
        OR order_id = p.order_id
     ORDER BY invoice_id = p.invoice_id DESC NULLS LAST, invoice_id LIMIT 1) i ON true;

-- As before, without those that are on their way back already; one whose creation is unknown counts from when it was
-- seen.
CREATE OR REPLACE VIEW late_authorisations AS
SELECT p.payment_id, p.order_id, p.amount_minor, p.currency, p.email, p.contact, p.created_at,
       began.at + interval '3 days' AS auto_refund_at, began.at + interval '3 days' - now() AS time_left, p.account_id
  FROM payment_transactions p
 CROSS JOIN LATERAL (SELECT coalesce(p.created_at, p.authorized_at, p.first_seen_at) AS at) began
 WHERE p.status = 'authorized' AND (p.ever_failed OR p.late_authorized)
   AND NOT EXISTS (SELECT FROM payment_refunds r
                    WHERE r.payment_id = p.payment_id AND r.status IN ('pending', 'processed'))
 ORDER BY auto_refund_at, payment_id;

-- As before; one whose creation is unknown counts from when it was seen.
CREATE OR REPLACE VIEW refunds_stuck AS
SELECT refund_id, payment_id, order_id, amount_minor, currency, provider_status, speed_requested, speed_processed,
       created_at, now() - coalesce(created_at, first_seen_at) AS age, account_id
  FROM payment_refunds
 WHERE status = 'pending' AND coalesce(created_at, first_seen_at) < now() - interval '7 days'
 ORDER BY coalesce(created_at, first_seen_at), refund_id;

-- What costs money while nobody looks, dearest first within a currency; what it costs is unknown where an amount is.
-- What was refunded meanwhile is taken off, and what is settled by that is not here any more.
DROP VIEW money_to_check;
CREATE VIEW money_to_check AS
WITH captured AS (
  SELECT p.order_id, p.payment_id, p.amount_minor, p.currency FROM payment_transactions p
   WHERE p.order_id IS NOT NULL AND p.status IN ('captured', 'refunded') AND p.captured IS DISTINCT FROM false
), twice AS (
  SELECT c.order_id, c.currency, max(c.amount_minor) AS greatest_minor,
         bool_or(c.amount_minor IS NULL AND v.status <> 'refunded') AS has_unknown,
         sum(CASE WHEN v.status = 'refunded' THEN 0
                  ELSE c.amount_minor - coalesce(v.refunded_minor, 0) END) AS kept_minor
    FROM (SELECT order_id, currency FROM captured GROUP BY 1, 2 HAVING count(*) > 1) AS several
    JOIN captured c ON c.order_id = several.order_id AND c.currency IS NOT DISTINCT FROM several.currency
    JOIN payment_overview v ON v.payment_id = c.payment_id
   GROUP BY 1, 2
), of_receipt AS (
  SELECT o.order_id, o.currency, o.amount_minor,
         row_number() OVER (PARTITION BY o.receipt, o.account_id, o.amount_minor, o.currency
                                ORDER BY o.created_at, o.order_id) AS number
    FROM payment_orders o
   WHERE o.receipt IN (SELECT receipt FROM payment_orders WHERE receipt IS NOT NULL
                        GROUP BY 1 HAVING count(*) BETWEEN 2 AND 20)
     AND o.amount_minor > 0
     AND EXISTS (SELECT FROM captured c JOIN payment_overview v ON v.payment_id = c.payment_id
                  WHERE c.order_id = o.order_id AND v.status = 'captured')
)
SELECT kind, family, entity_key, cost_minor, currency, what_to_do
  FROM (
    SELECT 'captured_twice' AS kind, 'orders' AS family, t.order_id AS entity_key,
           CASE WHEN NOT has_unknown THEN t.kept_minor - coalesce(o.amount_minor, t.greatest_minor) END AS cost_minor,
           t.currency,
           CASE WHEN o.amount_minor IS NULL
                THEN 'Several payments of one order are captured: unless it is paid in parts, refund all but one.'
                ELSE 'More was captured on one order than it is worth: refund what is too much.' END AS what_to_do
      FROM twice t LEFT JOIN payment_orders o ON o.order_id = t.order_id AND o.currency = t.currency
     WHERE has_unknown OR t.kept_minor > coalesce(o.amount_minor, t.greatest_minor)
    UNION ALL
    SELECT 'receipt_captured_twice', 'orders', order_id, amount_minor, currency,
           'An earlier order of the same receipt and amount is captured as well: if they are one sale, refund one.'
      FROM of_receipt WHERE number > 1
    UNION ALL
    SELECT 'over_refunded', 'payments', v.payment_id, v.refunded_minor - v.amount_minor, v.currency,
           'More went back than was paid: look at its refunds in the Razorpay Dashboard.'
      FROM payment_overview v
     WHERE v.payment_id IN (SELECT payment_id FROM payment_refunds UNION ALL
                            SELECT payment_id FROM payment_transactions
                             WHERE amount_refunded_minor > amount_minor)
       AND v.refunded_minor > v.amount_minor
    UNION ALL
    SELECT 'amount_mismatch', 'payments', p.payment_id, abs(p.amount_minor - o.amount_minor), p.currency,
           'The captured amount is not that of its order: do not fulfil before it is clear why.'
      FROM captured p JOIN payment_orders o ON o.order_id = p.order_id
     WHERE o.status = 'paid' AND p.currency = o.currency AND p.amount_minor <> o.amount_minor
       -- An order of which more was paid than this payment was paid in parts.
       AND coalesce(o.amount_paid_minor, p.amount_minor) <= p.amount_minor
       AND EXISTS (SELECT FROM payment_overview v WHERE v.payment_id = p.payment_id AND v.status = 'captured')
    UNION ALL
    SELECT 'late_authorized', 'payments', payment_id, amount_minor, currency,
           'Authorised after it had failed: capture it if the order still stands, or Razorpay refunds it.'
      FROM late_authorisations
    UNION ALL
    SELECT 'refund_failed', 'refunds', r.refund_id, r.amount_minor, r.currency,
           'The customer has not got the money back: it is in your balance; refund it in another way.'
      FROM payment_refunds r
     WHERE r.status = 'failed'
       AND NOT EXISTS (SELECT FROM payment_overview v
                        WHERE v.payment_id = r.payment_id AND v.status = 'refunded')
    UNION ALL
    SELECT 'refund_stuck', 'refunds', refund_id, amount_minor, currency,
           'The refund has been under way for more than 7 days: ask Razorpay, with its ARN or RRN.'
      FROM refunds_stuck
    UNION ALL
    SELECT 'dispute_to_answer', 'disputes', dispute_id, amount_minor, currency,
           'Without a response before its deadline it is lost: submit evidence, or accept it.'
      FROM disputes_by_deadline
    UNION ALL
    SELECT 'status_unknown', u.family, u.entity_key, coalesce(p.amount_minor, r.amount_minor, d.amount_minor),
           coalesce(p.currency, r.currency, d.currency),
           'Razorpay shows a status that Dakia does not know: look at it in the Razorpay Dashboard.'
      FROM unknown_statuses u
      LEFT JOIN payment_transactions p ON u.family = 'payments' AND p.payment_id = u.entity_key
      LEFT JOIN payment_refunds r ON u.family = 'refunds' AND r.refund_id = u.entity_key
      LEFT JOIN payment_disputes d ON u.family = 'disputes' AND d.dispute_id = u.entity_key
     WHERE u.family IN ('payments', 'refunds', 'disputes')
    UNION ALL
    -- What it would cost is what somebody is about to pay: unknown. A later check of the same account decides.
    SELECT 'validation_invalid', 'fund_accounts', i.validation_id, NULL, NULL,
           'The account that was checked is not valid: pay nothing into it.'
      FROM fund_account_events i
     WHERE i.status = 'completed' AND lower(i.account_status) = 'invalid'
       AND NOT EXISTS (SELECT FROM fund_account_events later
                        WHERE later.fund_account_id = i.fund_account_id AND later.status = 'completed'
                          AND lower(later.account_status) <> 'invalid' AND later.last_event_at > i.last_event_at)) AS found
 ORDER BY currency, cost_minor DESC NULLS LAST, kind, entity_key;
GRANT SELECT ON money_to_check TO dakia_operator;

-- Figures of what is kept are numbers, so that they can be added; what is none there is unknown.
DROP VIEW settlements;
CREATE VIEW settlements AS
SELECT entity AS settlement_id, provider_status AS status, event, amount_minor,
       CASE WHEN snapshot->>'fees' ~ '^-?\d{1,16}$' THEN (snapshot->>'fees')::bigint END AS fees_minor,
       CASE WHEN snapshot->>'tax' ~ '^-?\d{1,16}$' THEN (snapshot->>'tax')::bigint END AS tax_minor,
       reference AS utr, account_id, created_at, last_event_at
  FROM provider_events WHERE kind = 'settlement';
DROP VIEW subscriptions;
CREATE VIEW subscriptions AS
SELECT entity AS subscription_id, provider_status AS status, event, reference AS plan_id, customer_id, payment_id,
       CASE WHEN snapshot->>'paid_count' ~ '^\d{1,9}$' THEN (snapshot->>'paid_count')::integer END AS paid_count,
       CASE WHEN snapshot->>'remaining_count' ~ '^\d{1,9}$'
            THEN (snapshot->>'remaining_count')::integer END AS remaining_count,
       account_id, created_at, last_event_at
  FROM provider_events WHERE kind = 'subscription';
GRANT SELECT ON settlements, subscriptions TO dakia_operator;
