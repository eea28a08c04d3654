-- announce_signals: tells the processes that listen on channel $1 each of the payloads $2.
-- Moves:  nothing
-- Locks:  the server's one notification queue, for the length of this transaction alone.
SELECT pg_notify($1, payload)
FROM unnest($2::text[]) AS payload
