-- Who reads by hand or with a report. dakia_reader sees the views of the schema "masked", in which what is personal is shortened or left out;
-- dakia_reader_personal sees the tables as they are. Neither may change anything. `dakia migrate` builds the views from the families' fields,
-- so a new personal column is masked with the release that brings it.
SELECT dakia_make_role('dakia_reader');
SELECT dakia_make_role('dakia_reader_personal');
CREATE SCHEMA masked;
GRANT USAGE ON SCHEMA masked TO dakia_reader, dakia_reader_personal;
GRANT USAGE ON SCHEMA public TO dakia_reader_personal;

-- The beginning of an address or a name; of a phone number its last two digits as well. Enough to compare with what a customer says.
CREATE FUNCTION masked.shortened(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN value ~ '^[^@\s]+@[^@\s]+$' THEN left(value, 1) || '***@' || split_part(value, '@', 2)
              WHEN value ~ '^\+?[0-9][0-9 -]{6,}$' THEN left(value, 3) || '***' || right(value, 2)
              ELSE left(value, 1) || '***' END
$$;
