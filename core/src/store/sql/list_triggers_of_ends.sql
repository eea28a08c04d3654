-- list_triggers_of_ends: the triggers that the ends of the runs $2 ($1 to $4: tenant, run, workflow, state) fire, with what their
-- expressions read of the run. A run within another belongs to that one, and fires nothing.
-- Moves:  nothing
-- Index:  triggers_of_ends, runs_pkey, workflows_pkey
SELECT
    t.tenant_id, t.id AS trigger_id, r.id AS run_id, w.key AS workflow, r.state, r.state_reason, r.inputs, r.output, r.occurrence,
    r.started_at, coalesce(r.finished_at, present()) AS finished_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) WITH ORDINALITY
    AS e(tenant_id, run_id, workflow_id, ended_as, place)
JOIN triggers AS t
    ON t.tenant_id = e.tenant_id AND t.watched_workflow_id = e.workflow_id AND e.ended_as = ANY (t.end_states)
JOIN runs AS r ON r.tenant_id = e.tenant_id AND r.id = e.run_id AND r.parent_run_id IS NULL
JOIN workflows AS w ON w.tenant_id = r.tenant_id AND w.id = r.workflow_id
ORDER BY e.place, t.id
