-- One role per service, without login: the user of DATABASE_URL takes the role when a service connects, and can then touch only that
-- service's tables and the shared ones it appends to. Which service owns which table: libs/catalogue/families.ts (a test compares).
-- Roles belong to the whole cluster: another database may have made them, or be making them right now.
DO $$
DECLARE
  wanted text;
  -- Before Postgres 16 every membership lets its holder take the role.
  membership text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['dakia_payments', 'dakia_disputes', 'dakia_refunds', 'dakia_accounts', 'dakia_links', 'dakia_invoices',
                                'dakia_quarantine', 'dakia_operator'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
      END IF;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role % does not exist and % may not create it', wanted, current_user
          USING HINT = format('As an administrator: CREATE ROLE %I NOLOGIN; GRANT %I TO %I;', wanted, wanted, current_user);
    END;
    BEGIN
      IF NOT pg_has_role(current_user, wanted, membership) THEN
        EXECUTE format('GRANT %I TO %I', wanted, current_user);
      END IF;
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_quarantine, dakia_operator;

-- Shared tables: what a batch does to them, and a parked key's retry.
GRANT SELECT, INSERT, UPDATE ON partition_ledger TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_quarantine, dakia_operator;
GRANT SELECT, INSERT ON webhook_events TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_quarantine, dakia_operator;
GRANT UPDATE (processed, verdict, reason, processed_at) ON webhook_events TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_operator;
GRANT SELECT, INSERT ON event_conflicts, audit_logs, outbox TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_quarantine, dakia_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_keys TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_quarantine, dakia_operator;
GRANT SELECT ON schema_migrations TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_quarantine, dakia_operator;

-- State tables: only the owning service and the operator's retry write them.
GRANT SELECT, INSERT, UPDATE ON payment_transactions, payment_orders, downtime_events TO dakia_payments, dakia_operator;
GRANT SELECT, INSERT, UPDATE ON payment_disputes TO dakia_disputes, dakia_operator;
GRANT SELECT, INSERT, UPDATE ON payment_refunds TO dakia_refunds, dakia_operator;
GRANT SELECT, INSERT, UPDATE ON account_events, fund_account_events TO dakia_accounts, dakia_operator;
GRANT SELECT, INSERT, UPDATE ON payment_link_events TO dakia_links, dakia_operator;
GRANT SELECT, INSERT, UPDATE ON invoice_events TO dakia_invoices, dakia_operator;

-- Views.
GRANT SELECT ON pending_events, payment_overview, disputes_by_deadline, downtimes_in_force TO dakia_operator;
