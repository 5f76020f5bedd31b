-- Customers are found by a keyed digest of their e-mail address, phone number or UPI address: docs/adr/0015. One row per value and entity; without the key
-- (DAKIA_SEARCH_KEY) nothing can be told from it. Ids of one kind grow with time, so the newest come first from the end of the index.
CREATE TABLE search_digests (
  digest     bigint NOT NULL,
  family     text NOT NULL,
  entity_key text COLLATE "C" NOT NULL,
  PRIMARY KEY (digest, family, entity_key)
);
GRANT INSERT ON search_digests TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_kept, dakia_quarantine;
GRANT SELECT, INSERT ON search_digests TO dakia_operator;
-- What a search prints of a customer is shortened as readers see it.
GRANT USAGE ON SCHEMA masked TO dakia_operator;
GRANT EXECUTE ON FUNCTION masked.shortened(text) TO dakia_operator;
