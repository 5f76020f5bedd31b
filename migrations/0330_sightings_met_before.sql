-- A consumer of a release before sightings keeps one in the quarantine and has no such column; who takes it out says what it is
-- (docs/adr/0011). Sightings are of families of these services.
GRANT UPDATE (sighting) ON webhook_events TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices,
  dakia_kept, dakia_operator;
