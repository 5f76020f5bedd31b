-- Which rows the ledger counts, beside how many: one lost row and one too many are no sum of nothing any more. rows_digest is the sum of
-- hashtextextended(razorpay_event_id, kafka_offset) over the rows that the ledger has counted and that were not retired.
ALTER TABLE partition_ledger ADD COLUMN rows_digest numeric NOT NULL DEFAULT 0;
-- Whether the row's hash is in rows_digest. Those that are there now get it with 0341, and no row is rewritten for it: `true` is what the
-- column has for them. What a consumer of the former release writes while it is still running is not: false, and only its number is compared.
ALTER TABLE webhook_events ADD COLUMN counted boolean NOT NULL DEFAULT true;
ALTER TABLE webhook_events ALTER COLUMN counted SET DEFAULT false;
-- An operator who takes rows as they are (npx dakia ledger recount) makes all of them count.
GRANT UPDATE (counted) ON webhook_events TO dakia_operator;
