-- give_up_waiting: records the outcome $3, for the reason $4, of what waits of schedule $2 of tenant $1.
-- Moves:  nothing
-- Locks:  occurrences, schedule_states; the partition's lock is held.
-- Index:  occurrences_waiting_of_schedule, schedule_states_pkey
-- Clock:  the database's.
WITH given_up AS (
    UPDATE occurrences
    SET outcome = $3, reason = $4, waits_in = NULL, decided_at = present()
    WHERE tenant_id = $1 AND schedule_id = $2 AND waits_in IS NOT NULL
    RETURNING id, nominal, outcome, reason
),
counted AS (
    UPDATE schedule_states SET waiting = 0 WHERE tenant_id = $1 AND schedule_id = $2
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT
    $1, $2, 'OCCURRENCE_RECORDED',
    jsonb_build_object('occurrenceId', id, 'instant', nominal, 'outcome', outcome, 'reason', reason), present()
FROM given_up
ORDER BY nominal
