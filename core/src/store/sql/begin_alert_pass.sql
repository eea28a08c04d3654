-- begin_alert_pass: tries the advisory lock ($1, 0) under which alerts are raised, and tells how far rules have looked and
-- whether the rules are those that were read last: their number, the sum of their revisions, and when one was last edited.
-- Moves:  nothing
-- Locks:  one advisory lock; what is raised and how far was looked commit or vanish together.
-- Clock:  the database's.
SELECT
    pg_try_advisory_xact_lock($1, 0) AS locked, p.read_until, p.checked_at, present() AS now,
    r.rules, r.edits, r.edited_at
FROM alert_progress AS p
CROSS JOIN (
    SELECT count(*) AS rules, coalesce(sum(revision), 0)::bigint AS edits, max(updated_at) AS edited_at
    FROM alert_rules
) AS r
