-- When the relay has turned a fact into its notifications (none, where no rule asks for one).
ALTER TABLE outbox ADD COLUMN relayed_at timestamptz;
-- What became true before there was a relay is history: nobody is told of it now.
UPDATE outbox SET relayed_at = now();
CREATE INDEX outbox_unrelayed ON outbox (id) WHERE relayed_at IS NULL;
-- A fact's id orders the facts of one entity for receivers. A database that is made anew begins above every number that an older one has
-- given away: microseconds since 1970 grow faster than facts come, and stay below 2^53 until the year 2255.
SELECT setval(pg_get_serial_sequence('outbox', 'id'), greatest((SELECT max(id) FROM outbox), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint));
