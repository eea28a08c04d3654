-- forget_ended_executors: removes lives of executors that ended a week ago.
-- Moves:  nothing
-- Locks:  the rows.
-- Index:  executors_by_end
-- Clock:  the database's.
DELETE FROM executors
WHERE ended_at < present() - interval '7 days'
