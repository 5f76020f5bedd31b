-- Entities whose oldest waiting event could not be applied. The events themselves are in webhook_events (verdict 'parked');
-- later ones of the key queue behind in order of their offsets.
CREATE TABLE parked_keys (
  family            text NOT NULL,
  entity_key        text NOT NULL,
  consumer_group    text NOT NULL,
  reason            text NOT NULL,
  failing_event_id  text NOT NULL,
  parked_at         timestamptz NOT NULL DEFAULT now(),
  attempts          integer NOT NULL DEFAULT 1 CHECK (attempts >= 1),
  last_attempt_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (family, entity_key)
);
