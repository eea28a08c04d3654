-- move_alert_progress: remembers that rules have read the log up to number $1, and looked for what takes long up to $2.
-- Moves:  nothing
-- Locks:  the one row; the alerts' lock is held.
UPDATE alert_progress
SET read_until = greatest(read_until, $1), checked_at = greatest(checked_at, $2)
