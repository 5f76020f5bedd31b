-- Facts that no single row shows: of these orders, which payments came beyond what the order is worth, and which do not match it. A payment
-- counts once it was captured, also when it went back later, so that each answer stays true whatever comes: the order of arrival decides
-- nothing. Only orders whose amount is known: without it two captures may be two parts. `occurrence` names the payment.
CREATE FUNCTION facts_across_orders(orders text[]) RETURNS TABLE (name text, family text, entity_key text, occurrence text)
LANGUAGE sql STABLE AS $$
  WITH paid AS (
    SELECT o.order_id, o.status AS order_status, o.amount_minor AS worth, o.amount_paid_minor, p.payment_id, p.amount_minor,
           row_number() OVER by_time AS number, sum(p.amount_minor) OVER by_time AS together
      FROM payment_orders o JOIN payment_transactions p ON p.order_id = o.order_id AND p.currency = o.currency
     WHERE o.order_id = ANY(orders) AND p.status IN ('captured', 'refunded') AND p.captured IS DISTINCT FROM false
    WINDOW by_time AS (PARTITION BY o.order_id ORDER BY p.created_at, p.payment_id ROWS UNBOUNDED PRECEDING))
  SELECT 'order.captured_twice', 'orders', order_id, payment_id FROM paid WHERE number > 1 AND together > worth
  UNION ALL
  -- An order of which more was paid than this payment was paid in parts.
  SELECT 'payment.amount_mismatch', 'payments', payment_id, '' FROM paid
   WHERE order_status = 'paid' AND amount_minor <> worth AND coalesce(amount_paid_minor, amount_minor) <= amount_minor
$$;
