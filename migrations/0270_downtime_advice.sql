-- What a checkout page does about a way to pay now: hide it, warn, or show it as always.
--   SELECT downtime_advice('netbanking', 'SBIN');
--   SELECT downtime_advice('card', 'VISA', 'HDFC', 'credit');   whatever is known of the card, in any order
--   SELECT downtime_advice('upi');                              the method as a whole
-- A downtime counts when all that it names is among what was given: bank, issuer, network, kind of card, UPI handle, app and flow. ALL stands
-- for each of them (razorpay.com/docs/api/payments/downtime/entity), and one that names nothing is of the whole method. Where it names
-- something that has no column, nobody can say whether it is meant, so the advice is to warn.
-- Once for those who see the tables and once for dakia_reader, whose schema has masked views of the same names.
DO $make$
DECLARE place text;
BEGIN
  FOREACH place IN ARRAY ARRAY[current_schema()::text, 'masked'] LOOP
    EXECUTE format($create$
      CREATE FUNCTION %I.downtime_advice(method text, VARIADIC instrument text[] DEFAULT '{}') RETURNS text
      LANGUAGE sql STABLE PARALLEL SAFE AS $body$
        WITH given AS (SELECT array_agg(upper(part)) || 'ALL'::text AS parts FROM unnest(instrument) AS part)
        SELECT CASE WHEN coalesce(bool_or(d.advice = 'hide' AND d.other_instrument IS NULL), false) THEN 'hide'
                    WHEN count(d.downtime_id) > 0 THEN 'warn'
                    ELSE 'show' END
          FROM given
          LEFT JOIN downtimes_in_force d
            ON d.method = lower(downtime_advice.method)
           AND array_remove(ARRAY[upper(d.bank), upper(d.issuer), upper(d.network), upper(d.card_type), upper(d.vpa_handle), upper(d.psp),
                                  upper(d.flow)], NULL) <@ given.parts
      $body$
    $create$, place);
    EXECUTE format('COMMENT ON FUNCTION %I.downtime_advice(text, text[]) IS %L', place,
                   'hide, warn or show: what a checkout page does about a way to pay now. Give the method, and what is known of the instrument.');
  END LOOP;
END
$make$;
