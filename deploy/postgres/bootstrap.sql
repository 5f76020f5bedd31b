-- For a Postgres where an administrator makes users: everything that Dakia needs and may not make itself. Run once, as
-- the administrator:
--   psql -v owner_password=… -v service_password=… -f deploy/postgres/bootstrap.sql
-- Afterwards dakia_owner owns the tables (migrations, maintenance) and has no right over other databases; each service
-- logs in as dakia_<service>_login and can take the role dakia_<service> alone. None is a superuser, none may make
-- roles or databases.
CREATE ROLE dakia_owner LOGIN PASSWORD :'owner_password';
CREATE DATABASE dakia OWNER dakia_owner;

-- The roles that migrations grant rights to; without login.
CREATE ROLE dakia_payments NOLOGIN;
CREATE ROLE dakia_disputes NOLOGIN;
CREATE ROLE dakia_refunds NOLOGIN;
CREATE ROLE dakia_accounts NOLOGIN;
CREATE ROLE dakia_links NOLOGIN;
CREATE ROLE dakia_invoices NOLOGIN;
CREATE ROLE dakia_kept NOLOGIN;
CREATE ROLE dakia_quarantine NOLOGIN;
CREATE ROLE dakia_notifier NOLOGIN;
CREATE ROLE dakia_operator NOLOGIN;
-- People and reports: dakia_reader sees masked views, dakia_reader_personal the plain tables.
CREATE ROLE dakia_reader NOLOGIN;
CREATE ROLE dakia_reader_personal NOLOGIN;
GRANT dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_kept,
  dakia_quarantine, dakia_notifier, dakia_operator, dakia_reader, dakia_reader_personal TO dakia_owner;

-- One login per service. A service takes its role when it connects.
CREATE ROLE dakia_payments_login LOGIN PASSWORD :'service_password' IN ROLE dakia_payments;
CREATE ROLE dakia_disputes_login LOGIN PASSWORD :'service_password' IN ROLE dakia_disputes;
CREATE ROLE dakia_refunds_login LOGIN PASSWORD :'service_password' IN ROLE dakia_refunds;
CREATE ROLE dakia_accounts_login LOGIN PASSWORD :'service_password' IN ROLE dakia_accounts;
CREATE ROLE dakia_links_login LOGIN PASSWORD :'service_password' IN ROLE dakia_links;
CREATE ROLE dakia_invoices_login LOGIN PASSWORD :'service_password' IN ROLE dakia_invoices;
CREATE ROLE dakia_kept_login LOGIN PASSWORD :'service_password' IN ROLE dakia_kept;
CREATE ROLE dakia_quarantine_login LOGIN PASSWORD :'service_password' IN ROLE dakia_quarantine;
CREATE ROLE dakia_notifier_login LOGIN PASSWORD :'service_password' IN ROLE dakia_notifier;
CREATE ROLE dakia_reader_login LOGIN PASSWORD :'service_password' IN ROLE dakia_reader;
