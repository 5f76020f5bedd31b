-- W3C trace context (traceparent) of what led to a row, so that a trace goes on where the row is taken up. Null where traces are off.
ALTER TABLE outbox ADD COLUMN traceparent text;
ALTER TABLE notifications ADD COLUMN traceparent text;
-- Of parked events only: they are applied later, by another process.
ALTER TABLE webhook_events ADD COLUMN traceparent text;
