-- Events that Dakia stores as they are and makes nothing of (libs/domain/catalogue/kept-events.ts): the newest snapshot of each entity
-- that they are about. Every event of them is in webhook_events, with the verdict 'kept': what could be done with it has been done.
CREATE TABLE provider_events (
  entity          text PRIMARY KEY,
  status          text NOT NULL CHECK (status IN ('kept')),
  kind            text,
  event           text,
  provider_status text,
  amount_minor    bigint,
  currency        text,
  account_id      text,
  payment_id      text,
  order_id        text,
  customer_id     text,
  reference       text,
  created_at      timestamptz,
  changed_at      timestamptz,
  snapshot        jsonb,
  last_event_id   text,
  last_event_at   timestamptz,
  merge_record    jsonb NOT NULL,
  first_seen_at   timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
-- Provider's text has no bound, a B-tree row has one (0131): what is asked for by equality has hash indexes.
CREATE INDEX provider_events_kind ON provider_events USING hash (kind);
CREATE INDEX provider_events_payment_id ON provider_events USING hash (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX provider_events_order_id ON provider_events USING hash (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX provider_events_customer_id ON provider_events USING hash (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX provider_events_reference ON provider_events USING hash (reference) WHERE reference IS NOT NULL;
CREATE INDEX provider_events_account_id ON provider_events USING hash (account_id) WHERE account_id IS NOT NULL;

-- A verdict of their own, in the counts of the ledger and in what was received.
ALTER TABLE partition_ledger ADD COLUMN kept bigint NOT NULL DEFAULT 0 CHECK (kept >= 0);
ALTER TABLE partition_ledger DROP CONSTRAINT partition_ledger_adds_up;
ALTER TABLE partition_ledger ADD CONSTRAINT partition_ledger_adds_up
  CHECK (next_offset - first_offset = applied + kept + duplicate + stale + rejected + parked + quarantined + dead + sighted + skipped);
-- What is stored satisfies the wider conditions, so no row is read again.
ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_verdict_check;
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_verdict_check
  CHECK (verdict IN ('applied', 'kept', 'stale', 'rejected', 'parked', 'quarantined', 'dead', 'sighted')) NOT VALID;
ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_processed_by_verdict;
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_processed_by_verdict
  CHECK (processed = (verdict IN ('applied', 'kept', 'stale', 'rejected', 'sighted'))) NOT VALID;

SELECT dakia_make_role('dakia_kept');
-- 0200 makes it as well, and runs later where the database is new.
SELECT dakia_make_role('dakia_notifier');
GRANT USAGE ON SCHEMA public TO dakia_kept;
GRANT SELECT, INSERT, UPDATE ON provider_events TO dakia_kept, dakia_operator;
GRANT SELECT ON provider_events TO dakia_notifier;
GRANT SELECT (entity) ON provider_events TO dakia_quarantine;
GRANT SELECT, INSERT, UPDATE ON partition_ledger TO dakia_kept;
GRANT SELECT, INSERT ON webhook_events TO dakia_kept;
GRANT UPDATE (processed, verdict, reason, processed_at, family, entity_key, event_type) ON webhook_events TO dakia_kept;
GRANT SELECT, INSERT ON event_conflicts, audit_logs, outbox TO dakia_kept;
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_keys TO dakia_kept;
GRANT SELECT, INSERT, UPDATE ON dead_letters TO dakia_kept;
GRANT SELECT ON schema_migrations TO dakia_kept;

-- What is asked for most: the newest of each entity, by what it is. Columns that only one kind has are read from the snapshot.
CREATE VIEW settlements AS
SELECT entity AS settlement_id, provider_status AS status, event, amount_minor, (snapshot->>'fees') AS fees_minor, (snapshot->>'tax') AS tax_minor,
       reference AS utr, account_id, created_at, last_event_at
  FROM provider_events WHERE kind = 'settlement';
CREATE VIEW payouts AS
SELECT entity AS payout_id, provider_status AS status, event, amount_minor, currency, reference AS utr, snapshot->>'reference_id' AS reference_id,
       snapshot->>'fund_account_id' AS fund_account_id, snapshot->>'failure_reason' AS failure_reason, account_id, created_at, last_event_at
  FROM provider_events WHERE kind = 'payout';
CREATE VIEW subscriptions AS
SELECT entity AS subscription_id, provider_status AS status, event, reference AS plan_id, customer_id, payment_id, snapshot->>'paid_count' AS paid_count,
       snapshot->>'remaining_count' AS remaining_count, account_id, created_at, last_event_at
  FROM provider_events WHERE kind = 'subscription';
-- Every kept entity with Razorpay's word for its status.
CREATE VIEW kept_entities AS
SELECT entity, kind, event, provider_status AS status, amount_minor, currency, payment_id, order_id, account_id, customer_id, reference,
       created_at, changed_at, last_event_at, last_event_id, snapshot
  FROM provider_events;
-- Every kept event once, by its name and entity: the history behind the newest.
CREATE VIEW kept_event_log AS
SELECT e.entity_key AS entity, p.kind, e.event_type AS event, e.razorpay_event_id, e.created_at AS event_at, e.received_at, e.account_id, e.payload
  FROM webhook_events e LEFT JOIN provider_events p ON p.entity = e.entity_key
 WHERE e.family = 'kept';
GRANT SELECT ON settlements, payouts, subscriptions, kept_entities, kept_event_log TO dakia_operator;

-- What an account may do now: its newest snapshot of all events about it, applied or kept. account_events alone knows activation only.
CREATE VIEW account_overview AS
SELECT account_id, event AS newest_kept_event,
       CASE WHEN is_kept_newer THEN coalesce(snapshot->'merchant_detail'->>'activation_status', activation_status) ELSE activation_status END AS activation_status,
       CASE WHEN is_kept_newer THEN snapshot->>'live' IN ('true', '1') AND NOT kept_suspended ELSE live AND suspended_at IS NULL END AS takes_payments,
       CASE WHEN is_kept_newer THEN snapshot->>'hold_funds' IN ('true', '1') ELSE hold_funds END AS funds_held,
       CASE WHEN is_kept_newer THEN kept_suspended ELSE suspended_at IS NOT NULL END AS suspended
  FROM (SELECT coalesce(a.account_id, k.entity) AS account_id, a.activation_status, a.live, a.hold_funds, a.suspended_at, k.event, k.snapshot,
               k.entity IS NOT NULL AND (a.account_id IS NULL OR coalesce(k.changed_at, k.last_event_at) >= coalesce(a.changed_at, a.last_event_at)) AS is_kept_newer,
               coalesce(k.event = 'account.suspended' OR nullif(k.snapshot->>'suspended_at', '0') IS NOT NULL, false) AS kept_suspended
          FROM account_events a
          FULL JOIN (SELECT * FROM provider_events WHERE kind = 'account') k ON k.entity = a.account_id) AS both_of_it;
GRANT SELECT ON account_overview TO dakia_operator;
