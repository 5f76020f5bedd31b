-- outbox.id orders the facts of one entity for receivers, so a database that is restored from a backup must not give a number again. Its
-- counter stands where it stood, and only the clock knows better: a number that is more than a second behind the clock (microseconds since
-- 1970, see 0122) moves the counter to it. No restore takes less than that second.
ALTER TABLE outbox ALTER COLUMN id DROP IDENTITY;
CREATE SEQUENCE outbox_id_seq OWNED BY outbox.id;
SELECT setval('outbox_id_seq', greatest((SELECT max(id) FROM outbox), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint));

-- With the owner's rights: a service may draw a number and no more. The lock ends with the statement, so it is part of no deadlock; two that
-- move the counter at once would otherwise set it back.
CREATE FUNCTION dakia_outbox_id() RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number bigint := nextval('public.outbox_id_seq');
  moving CONSTANT bigint := 7161125420371;
BEGIN
  IF number < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 1000000 THEN
    PERFORM pg_advisory_lock(moving);
    PERFORM setval('public.outbox_id_seq', greatest(last_value, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) FROM public.outbox_id_seq;
    PERFORM pg_advisory_unlock(moving);
    number := nextval('public.outbox_id_seq');
  END IF;
  RETURN number;
END
$$;
REVOKE EXECUTE ON FUNCTION dakia_outbox_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dakia_outbox_id() TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_kept, dakia_quarantine, dakia_operator;
ALTER TABLE outbox ALTER COLUMN id SET DEFAULT dakia_outbox_id();
