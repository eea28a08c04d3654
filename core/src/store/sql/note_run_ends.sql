-- note_run_ends: tells schedules ($1, $2: tenant, schedule) how their runs ended: how many failed since the last that succeeded
-- ($3), whether one did ($4), and when the last ended ($5). A schedule that has failed too often in a row pauses. Schedules
-- that wait for a run's end are to be looked at now.
-- Moves:  nothing
-- Locks:  schedule_states; the partitions' locks are held.
-- Index:  schedule_states_pkey
-- Clock:  the database's.
WITH ended AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::boolean[], $5::timestamptz[])
        AS e(tenant_id, schedule_id, failed, succeeded, last_end)
),
noted AS (
    UPDATE schedule_states AS s
    SET failures = CASE WHEN e.succeeded THEN 0 ELSE s.failures END + e.failed,
        follows = CASE WHEN s.follows_runs AND s.state IN ('ACTIVE', 'PAUSED') THEN e.last_end ELSE s.follows END,
        next_due = CASE
            WHEN s.state IN ('ACTIVE', 'PAUSED') AND (s.follows_runs OR s.waiting > 0)
                THEN least(coalesce(s.next_due, present()), present())
            ELSE s.next_due
        END
    FROM ended AS e
    WHERE s.tenant_id = e.tenant_id AND s.schedule_id = e.schedule_id
    RETURNING s.tenant_id, s.schedule_id, s.state, s.failures, s.most_failures
)
SELECT tenant_id, schedule_id, failures
FROM noted
WHERE state = 'ACTIVE' AND failures >= most_failures
