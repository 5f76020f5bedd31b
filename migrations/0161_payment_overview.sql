-- Everything about one payment, with figures that cannot contradict each other. What went back is derived from the refunds: one that was
-- processed can fail later, and then the payment's own snapshots still show it. `refund_untold_minor`: what the payment shows to be
-- refunded by refunds that nobody has told us of. `refunded_minor` includes it.
DROP VIEW payment_overview;
CREATE VIEW payment_overview AS
SELECT p.payment_id,
       -- Refunded in full, or as far as it had come before.
       CASE WHEN p.status IN ('captured', 'refunded') AND t.is_full THEN 'refunded'
            WHEN p.status = 'refunded' AND NOT t.is_full THEN CASE WHEN p.captured IS FALSE THEN 'authorized' ELSE 'captured' END
            ELSE p.status END AS status,
       p.amount_minor, p.currency, p.method, p.captured, p.late_authorized,
       t.refunded_minor, r.pending_minor AS refund_pending_minor, r.failed_minor AS refund_failed_minor, t.untold_minor AS refund_untold_minor,
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
    SELECT jsonb_agg(jsonb_build_object('refund_id', refund_id, 'status', status, 'amount_minor', amount_minor, 'speed_processed', speed_processed,
                                        'arn', arn, 'created_at', created_at) ORDER BY created_at, refund_id) AS refunds,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'processed'), 0) AS processed_minor,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'pending'), 0) AS pending_minor,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'failed'), 0) AS failed_minor
      FROM payment_refunds WHERE payment_id = p.payment_id) r
  CROSS JOIN LATERAL (
    SELECT greatest(coalesce(greatest(p.amount_refunded_minor, CASE WHEN p.status = 'refunded' THEN p.amount_minor END), 0)
                    - r.processed_minor - r.pending_minor - r.failed_minor, 0) AS untold_minor) u
  CROSS JOIN LATERAL (
    SELECT u.untold_minor, r.processed_minor + u.untold_minor AS refunded_minor,
           coalesce(r.processed_minor + u.untold_minor >= p.amount_minor, false) AND r.processed_minor + u.untold_minor > 0 AS is_full) t
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('dispute_id', dispute_id, 'status', status, 'phase', phase, 'amount_minor', amount_minor,
                                        'reason_code', reason_code, 'respond_by', respond_by) ORDER BY created_at, dispute_id) AS disputes,
           count(*) FILTER (WHERE status IN ('open', 'under_review', 'action_required')) AS disputes_open
      FROM payment_disputes WHERE payment_id = p.payment_id) d ON true
  -- All payments of a link or an invoice share its order; the newest one's id is kept as well.
  LEFT JOIN LATERAL (
    SELECT payment_link_id, status, reference_id FROM payment_link_events
     WHERE payment_id = p.payment_id OR order_id = p.order_id ORDER BY payment_link_id LIMIT 1) l ON true
  LEFT JOIN LATERAL (
    SELECT invoice_id, status, invoice_number FROM invoice_events
     WHERE invoice_id = p.invoice_id OR payment_id = p.payment_id OR last_payment_id = p.payment_id OR order_id = p.order_id
     ORDER BY invoice_id = p.invoice_id DESC NULLS LAST, invoice_id LIMIT 1) i ON true;
GRANT SELECT ON payment_overview TO dakia_operator;
