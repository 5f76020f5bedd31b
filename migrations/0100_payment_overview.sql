-- Everything about one payment: SELECT * FROM payment_overview WHERE payment_id = 'pay_…'. Amounts are minor units of `currency`.
-- What spans families is here and only here: an event changes its own family's rows.
CREATE VIEW payment_overview AS
SELECT p.payment_id, p.status, p.amount_minor, p.currency, p.method, p.captured, p.late_authorized, p.amount_refunded_minor, p.refund_status,
       p.error_code, p.error_reason, p.email, p.contact, p.created_at, p.last_event_at, p.account_id,
       o.order_id, o.status AS order_status, o.amount_minor AS order_amount_minor, o.amount_paid_minor AS order_amount_paid_minor, o.receipt AS order_receipt,
       r.refunds, r.refunded_minor, d.disputes, d.disputes_open,
       l.payment_link_id, l.status AS payment_link_status, l.reference_id AS payment_link_reference,
       i.invoice_id, i.status AS invoice_status, i.invoice_number
  FROM payment_transactions p
  LEFT JOIN payment_orders o ON o.order_id = p.order_id
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('refund_id', refund_id, 'status', status, 'amount_minor', amount_minor, 'speed_processed', speed_processed,
                                        'arn', arn, 'created_at', created_at) ORDER BY created_at, refund_id) AS refunds,
           coalesce(sum(amount_minor) FILTER (WHERE status = 'processed'), 0) AS refunded_minor
      FROM payment_refunds WHERE payment_id = p.payment_id) r ON true
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
