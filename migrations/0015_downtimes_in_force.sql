-- Downtimes in force now, and what Razorpay advises for each severity: hide the instrument on high, warn on medium and low.
-- An end that has passed is over even without its `resolved`, which may have been lost; an announced one begins at its time.
CREATE VIEW downtimes_in_force AS
SELECT downtime_id, method, bank, issuer, network, card_type, vpa_handle, psp, flow, severity,
       CASE WHEN severity = 'high' THEN 'hide' ELSE 'warn' END AS advice,
       status, scheduled, begin_at, end_at, changed_at, account_id
FROM downtime_events
WHERE status <> 'resolved'
  AND (status <> 'scheduled' OR begin_at IS NOT NULL)
  AND (begin_at IS NULL OR begin_at <= now())
  AND (end_at IS NULL OR end_at > now())
ORDER BY CASE severity WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, begin_at, downtime_id;
