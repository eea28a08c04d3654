-- Whether a shared executor is full depends on the work of all tenants, of which each may see its own alone. So the sum is
-- made by the owner of the tables, for the executors that the tenant may see, and nothing but the sum leaves here.
CREATE FUNCTION slots_in_use() RETURNS TABLE (executor_id uuid, used bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT e.id, coalesce(sum(d.cost), 0)
    FROM executors AS e
    LEFT JOIN dispatch AS d ON d.executor_id = e.id AND d.hold IS NULL
    WHERE e.tenant_id IN (current_tenant(), '00000000-0000-0000-0000-000000000000') AND e.ended_at IS NULL
    GROUP BY e.id
$$;
COMMENT ON FUNCTION slots_in_use() IS
    'How much cost each executor carries now that the current tenant may see and whose life has not ended: its own and others''. It decides whether an executor is full, and is shown to nobody.';
REVOKE ALL ON FUNCTION slots_in_use() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION slots_in_use() TO waterclock_api;
