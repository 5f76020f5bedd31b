-- Disputes that wait for the merchant, the nearest deadline first; without a deadline last. Negative time left: it has passed.
CREATE VIEW disputes_by_deadline AS
SELECT dispute_id, payment_id, order_id, status, phase, respond_by, respond_by - now() AS time_left,
       amount_minor, currency, reason_code, account_id, created_at
FROM payment_disputes
WHERE status IN ('open', 'action_required')
ORDER BY respond_by NULLS LAST, dispute_id;
