-- What facts ask for, written with the state that made them true. A fact is told once: dedupe_key is unique.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL,
  dedupe_key text NOT NULL UNIQUE,
  family     text NOT NULL,
  entity_key text NOT NULL,
  -- Ids only: no personal data leaves Postgres through here.
  payload    jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
