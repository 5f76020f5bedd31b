-- The position of truth of each Kafka partition, moved in the same transaction as everything that its records changed.
-- Every offset passed is counted once: first_offset is where counting began (a rebase by an operator moves it along).
CREATE TABLE partition_ledger (
  consumer_group text NOT NULL,
  topic          text NOT NULL,
  partition      integer NOT NULL CHECK (partition >= 0),
  cluster_id     text NOT NULL,
  first_offset   bigint NOT NULL,
  next_offset    bigint NOT NULL CHECK (next_offset >= 0),
  applied        bigint NOT NULL DEFAULT 0 CHECK (applied >= 0),
  duplicate      bigint NOT NULL DEFAULT 0 CHECK (duplicate >= 0),
  stale          bigint NOT NULL DEFAULT 0 CHECK (stale >= 0),
  rejected       bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
  parked         bigint NOT NULL DEFAULT 0 CHECK (parked >= 0),
  quarantined    bigint NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
  dead           bigint NOT NULL DEFAULT 0 CHECK (dead >= 0),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer_group, topic, partition),
  CONSTRAINT partition_ledger_adds_up
    CHECK (next_offset - first_offset = applied + duplicate + stale + rejected + parked + quarantined + dead)
);
