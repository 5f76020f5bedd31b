-- What is told afterwards (sent again by hand, or history for a new destination) has a priority of its own, behind everything that is new.
ALTER TABLE notifications DROP CONSTRAINT notifications_priority_check,
  ADD CONSTRAINT notifications_priority_check CHECK (priority BETWEEN 1 AND 5) NOT VALID;
-- dakia notifications backfill plans with the operator's rights.
GRANT INSERT ON notifications TO dakia_operator;
-- Both columns grow with the table, so a few pages hold the whole index, and a delivery stays a HOT update.
CREATE INDEX outbox_created ON outbox USING brin (created_at);
CREATE INDEX notifications_delivered ON notifications USING brin (delivered_at);
