-- When a payment was authorised and captured, a refund processed, a dispute ended: the event's own time, which no snapshot has. And what people
-- ask a payment by or about: the bank's references, the kind of card, the UPI flow. Rows fill as their next event comes, or by a rebuild.
ALTER TABLE payment_transactions
  ADD COLUMN authorized_at timestamptz,
  ADD COLUMN captured_at timestamptz,
  ADD COLUMN rrn text,
  ADD COLUMN upi_transaction_id text,
  ADD COLUMN upi_flow text,
  ADD COLUMN card_type text,
  ADD COLUMN card_issuer text,
  ADD COLUMN card_international boolean;
ALTER TABLE payment_refunds ADD COLUMN processed_at timestamptz;
ALTER TABLE payment_disputes ADD COLUMN closed_at timestamptz;

-- Asked for equality only, and of any length: hash, as in 0131. The columns above are empty, so these two take one reading of the table.
CREATE INDEX payment_transactions_rrn ON payment_transactions USING hash (rrn) WHERE rrn IS NOT NULL;
CREATE INDEX payment_transactions_upi_transaction_id ON payment_transactions USING hash (upi_transaction_id) WHERE upi_transaction_id IS NOT NULL;
CREATE INDEX payment_refunds_utr ON payment_refunds USING hash (utr) WHERE utr IS NOT NULL;
CREATE INDEX payment_refunds_receipt ON payment_refunds USING hash (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX fund_account_events_reference_id ON fund_account_events USING hash (reference_id) WHERE reference_id IS NOT NULL;
