-- unpin_shares: lets any executor have the shares ($1, $2: tenant, task run) that were dealt to one which is gone.
-- Moves:  nothing
-- Locks:  dispatch rows; their runs are held.
-- Index:  dispatch_pkey
UPDATE dispatch AS d
SET labels = array_remove(d.labels, 'executor=' || d.pinned_to), pinned_to = NULL
FROM unnest($1::uuid[], $2::uuid[]) AS orphan(tenant_id, task_run_id)
WHERE d.tenant_id = orphan.tenant_id AND d.task_run_id = orphan.task_run_id AND d.pinned_to IS NOT NULL
