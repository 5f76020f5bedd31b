-- The event id is not signed. A second body under a taken id is applied under the id that its body gives it, and stands in
-- event_conflicts as well; its bytes are in webhook_events alone. kept_as is null for those that an earlier release kept and did not apply.
ALTER TABLE event_conflicts ADD COLUMN kept_as text;
ALTER TABLE event_conflicts ALTER COLUMN payload DROP NOT NULL;

-- First 64 bits of the body's SHA-256: one body that comes under many ids is kept once. Null for rows of an earlier release.
ALTER TABLE webhook_events ADD COLUMN body_key bigint;
CREATE INDEX webhook_events_body ON webhook_events (body_key) WHERE body_key IS NOT NULL;
