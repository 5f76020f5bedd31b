-- What an event says of its entity beside our status: Razorpay's own word for it, also one that we do not know (docs/adr/0010).
-- Columns without a default: no table is rewritten.
ALTER TABLE payment_transactions ADD COLUMN provider_status text, ADD COLUMN base_amount_minor bigint, ADD COLUMN base_currency text;
ALTER TABLE payment_orders ADD COLUMN provider_status text;
ALTER TABLE downtime_events ADD COLUMN provider_status text, ADD COLUMN other_instrument text;
ALTER TABLE payment_disputes ADD COLUMN provider_status text, ADD COLUMN amount_deducted_highest_minor bigint;
ALTER TABLE payment_refunds ADD COLUMN provider_status text;
ALTER TABLE fund_account_events ADD COLUMN provider_status text, ADD COLUMN status_reason text, ADD COLUMN reference_id text;
ALTER TABLE payment_link_events ADD COLUMN provider_status text;
ALTER TABLE invoice_events ADD COLUMN provider_status text;

-- Until now amount_deducted_minor was the greatest that was ever seen; from now on it is what the newest snapshot says.
UPDATE payment_disputes SET amount_deducted_highest_minor = amount_deducted_minor WHERE amount_deducted_minor IS NOT NULL;

-- A downtime that is called off is over.
ALTER TABLE downtime_events DROP CONSTRAINT downtime_events_status_check;
ALTER TABLE downtime_events ADD CONSTRAINT downtime_events_status_check
  CHECK (status IN ('scheduled', 'started', 'updated', 'resolved', 'cancelled'));

-- As before, without what was called off, and with what of the instrument has no column of its own: a row whose columns are all empty
-- would read as "everything".
CREATE OR REPLACE VIEW downtimes_in_force AS
SELECT downtime_id, method, bank, issuer, network, card_type, vpa_handle, psp, flow, severity,
       CASE WHEN severity = 'high' THEN 'hide' ELSE 'warn' END AS advice,
       status, scheduled, begin_at, end_at, changed_at, account_id, other_instrument
FROM downtime_events
WHERE status NOT IN ('resolved', 'cancelled')
  AND (status <> 'scheduled' OR begin_at IS NOT NULL)
  AND (begin_at IS NULL OR begin_at <= now())
  AND (end_at IS NULL OR end_at > now())
ORDER BY CASE severity WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, begin_at, downtime_id;

-- Entities whose newest snapshot shows a status that Dakia does not know. Looked at by a person, now and then: it reads whole tables.
CREATE VIEW unknown_statuses AS
SELECT family, entity_key, status, provider_status, last_event_at
  FROM (SELECT 'payments' AS family, payment_id AS entity_key, status, provider_status, last_event_at,
               ARRAY['created', 'failed', 'authorized', 'captured', 'refunded'] AS known FROM payment_transactions
        UNION ALL SELECT 'orders', order_id, status, provider_status, last_event_at, ARRAY['created', 'attempted', 'paid'] FROM payment_orders
        UNION ALL SELECT 'downtimes', downtime_id, status, provider_status, last_event_at,
                         ARRAY['scheduled', 'started', 'updated', 'resolved', 'cancelled'] FROM downtime_events
        UNION ALL SELECT 'disputes', dispute_id, status, provider_status, last_event_at,
                         ARRAY['open', 'under_review', 'action_required', 'closed', 'won', 'lost'] FROM payment_disputes
        UNION ALL SELECT 'refunds', refund_id, status, provider_status, last_event_at, ARRAY['pending', 'processed', 'failed'] FROM payment_refunds
        UNION ALL SELECT 'fund_accounts', validation_id, status, provider_status, last_event_at,
                         ARRAY['created', 'failed', 'completed'] FROM fund_account_events
        UNION ALL SELECT 'payment_links', payment_link_id, status, provider_status, last_event_at,
                         ARRAY['created', 'partially_paid', 'expired', 'cancelled', 'paid'] FROM payment_link_events
        UNION ALL SELECT 'invoices', invoice_id, status, provider_status, last_event_at,
                         ARRAY['draft', 'issued', 'partially_paid', 'expired', 'cancelled', 'deleted', 'paid'] FROM invoice_events) AS all_rows
 -- Written as the rules fold a word: capitals, blanks and hyphens make no other status.
 WHERE NOT regexp_replace(lower(btrim(provider_status)), '[\s-]+', '_', 'g') = ANY (known);
GRANT SELECT ON unknown_statuses TO dakia_operator;
