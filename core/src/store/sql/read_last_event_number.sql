-- read_last_event_number: the highest number that the event log has given out, committed or not; 0 before the first.
-- Moves:  nothing
-- Locks:  nothing.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS number
FROM events_seq_seq
