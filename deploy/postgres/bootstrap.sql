-- For a Postgres where an administrator makes users: everything that Dakia needs and may not make itself. Run with
-- psql, as the administrator, a superuser or somebody with CREATEROLE and CREATEDB:
--   psql -v ON_ERROR_STOP=1 -v owner_password=… -v service_password=… -f deploy/postgres/bootstrap.sql
-- -v database=NAME for another name than dakia. What is there already stays, but for the passwords, which become those
-- given: run it again for a second database on the same server, for a release that has more services, or for new
-- passwords.
-- Afterwards dakia_owner owns the tables (migrations, maintenance) and has no right over other databases; each service
-- logs in as dakia_<service>_login and can take the role dakia_<service> alone. None is a superuser, none may make
-- roles or databases.
\if :{?database}
\else
\set database dakia
\endif

-- Roles that migrations grant rights to, without login. People and reports: dakia_reader sees masked views,
-- dakia_reader_personal the plain tables.
SELECT format('CREATE ROLE %I NOLOGIN', name)
  FROM unnest(ARRAY['dakia_payments', 'dakia_disputes', 'dakia_refunds', 'dakia_accounts', 'dakia_links',
    'dakia_invoices', 'dakia_kept', 'dakia_quarantine', 'dakia_notifier', 'dakia_operator', 'dakia_reader',
    'dakia_reader_personal']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- The owner, and a login for each service. A service takes its role when it connects.
SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['dakia_owner', 'dakia_payments_login', 'dakia_disputes_login', 'dakia_refunds_login',
    'dakia_accounts_login', 'dakia_links_login', 'dakia_invoices_login', 'dakia_kept_login', 'dakia_quarantine_login',
    'dakia_notifier_login', 'dakia_reader_login']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec
ALTER ROLE dakia_owner PASSWORD :'owner_password';
SELECT format('ALTER ROLE %I PASSWORD %L', rolname, :'service_password')
  FROM pg_roles WHERE rolname ~ '^dakia_[a-z]+_login$'
\gexec

GRANT dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_kept,
  dakia_quarantine, dakia_notifier, dakia_operator, dakia_reader, dakia_reader_personal TO dakia_owner;
GRANT dakia_payments TO dakia_payments_login;
GRANT dakia_disputes TO dakia_disputes_login;
GRANT dakia_refunds TO dakia_refunds_login;
GRANT dakia_accounts TO dakia_accounts_login;
GRANT dakia_links TO dakia_links_login;
GRANT dakia_invoices TO dakia_invoices_login;
GRANT dakia_kept TO dakia_kept_login;
GRANT dakia_quarantine TO dakia_quarantine_login;
GRANT dakia_notifier TO dakia_notifier_login;
GRANT dakia_reader TO dakia_reader_login;

-- Whoever is no superuser must be a member of a role to give it a database.
SELECT format('GRANT dakia_owner TO %I', current_user) WHERE NOT pg_has_role(current_user, 'dakia_owner', 'SET')
\gexec
SELECT format('CREATE DATABASE %I OWNER dakia_owner', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec
