-- All events of an account are of its family now: activation, payments, funds and suspension have columns of their own (docs/adr/0016).
-- Until `npx dakia rebuild --family accounts` has run, what was kept of an account before is in provider_events alone; account_overview reads both.
ALTER TABLE account_events DROP CONSTRAINT account_events_status_check;
ALTER TABLE account_events ADD CONSTRAINT account_events_status_check
  CHECK (status IN ('known', 'instantly_activated', 'activated_kyc_pending', 'activated', 'under_review', 'needs_clarification',
                    'verification_failed', 'rejected', 'suspended'));
ALTER TABLE account_events
  ADD COLUMN suspended boolean, ADD COLUMN payments_enabled boolean, ADD COLUMN payments_enabled_at timestamptz,
  ADD COLUMN verification_error text, ADD COLUMN last_update_id text;

-- What is known to be suspended must not read as live for a moment. The mark that is added stands where the rules put a suspension
-- (time of the change, time of the event, rank), so that only a newer snapshot lifts it.
WITH said AS (
  SELECT account_id, coalesce(changed_at, last_event_at) AS changed_at, last_event_at, last_event_id, suspended_at
    FROM account_events WHERE suspended_at IS NOT NULL
  UNION ALL
  SELECT a.account_id, coalesce(p.changed_at, p.last_event_at, p.created_at), p.last_event_at, p.last_event_id, a.suspended_at
    FROM account_events a JOIN provider_events p ON p.entity = a.account_id AND p.kind = 'account'
   WHERE (p.event = 'account.suspended' OR nullif(p.snapshot->>'suspended_at', '0') IS NOT NULL)
     AND coalesce(p.changed_at, p.last_event_at, 'infinity') >= coalesce(a.changed_at, a.last_event_at, '-infinity')
), newest AS (
  SELECT DISTINCT ON (account_id) account_id,
         coalesce(round(date_part('epoch', changed_at) * 1000), -1)::bigint AS age,
         coalesce(round(date_part('epoch', last_event_at) * 1000), -1)::bigint AS occurred, coalesce(last_event_id, '') AS event_id
    FROM said ORDER BY account_id, changed_at DESC NULLS LAST
), placed AS (
  SELECT n.*, jsonb_array_length(a.merge_record->'s') AS position FROM newest n JOIN account_events a USING (account_id)
)
UPDATE account_events a
   SET status = 'suspended', suspended = true, live = false, payments_enabled = false,
       merge_record = a.merge_record || jsonb_build_object(
         's', (a.merge_record->'s') || jsonb_build_array(jsonb_build_array(p.age, p.occurred, 8, p.event_id)),
         'm', (a.merge_record->'m') || jsonb_build_object('suspended', jsonb_build_array(p.position, 'suspended')),
         'f', coalesce(a.merge_record->'f', '{}') || jsonb_build_object('suspended', p.position, 'live', p.position, 'payments_enabled', p.position))
  FROM placed p WHERE p.account_id = a.account_id;

-- What an account may do now: the newest of what its row says and of what was kept before (`rebuild` moves that into the row).
CREATE OR REPLACE VIEW account_overview AS
SELECT account_id, event AS newest_kept_event,
       CASE WHEN is_kept_newer THEN coalesce(snapshot->'merchant_detail'->>'activation_status', activation_status) ELSE activation_status END AS activation_status,
       CASE WHEN is_kept_newer THEN snapshot->>'live' IN ('true', '1') AND NOT kept_suspended
            WHEN is_suspended THEN false ELSE coalesce(payments_enabled, live) END AS takes_payments,
       CASE WHEN is_kept_newer THEN snapshot->>'hold_funds' IN ('true', '1') ELSE hold_funds END AS funds_held,
       CASE WHEN is_kept_newer THEN kept_suspended ELSE is_suspended END AS suspended
  FROM (SELECT coalesce(a.account_id, k.entity) AS account_id, a.activation_status, a.live, a.payments_enabled, a.hold_funds, k.event, k.snapshot,
               a.status = 'suspended' OR coalesce(a.suspended, false) AS is_suspended,
               k.entity IS NOT NULL AND (a.account_id IS NULL OR coalesce(k.changed_at, k.last_event_at) > coalesce(a.changed_at, a.last_event_at)) AS is_kept_newer,
               coalesce(k.event = 'account.suspended' OR nullif(k.snapshot->>'suspended_at', '0') IS NOT NULL, false) AS kept_suspended
          FROM account_events a
          FULL JOIN (SELECT * FROM provider_events WHERE kind = 'account') k ON k.entity = a.account_id) AS both_of_it;

-- As before, and of accounts the word for the step of their activation.
CREATE OR REPLACE VIEW unknown_statuses AS
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
                         ARRAY['draft', 'issued', 'partially_paid', 'expired', 'cancelled', 'deleted', 'paid'] FROM invoice_events
        UNION ALL SELECT 'accounts', account_id, status, activation_status, last_event_at,
                         ARRAY['known', 'instantly_activated', 'activated_kyc_pending', 'activated', 'under_review', 'needs_clarification',
                               'verification_failed', 'rejected', 'suspended'] FROM account_events) AS all_rows
 -- Written as the rules fold a word: capitals, blanks and hyphens make no other status.
 WHERE NOT regexp_replace(lower(btrim(provider_status)), '[\s-]+', '_', 'g') = ANY (known);
