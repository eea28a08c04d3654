-- Two roles, neither of which owns anything. The API works as waterclock_api and sees one tenant at a time; schedulers
-- and executors work as waterclock_engine and see all of them. Roles belong to the whole cluster, so another database's
-- migration may have made them already, or be making them at this moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'waterclock_api') THEN
        CREATE ROLE waterclock_api LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'waterclock_engine') THEN
        CREATE ROLE waterclock_engine;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

-- Whoever migrates may become either, so that one connection string is enough for every role of the binary.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'waterclock_api', 'USAGE') THEN
        EXECUTE format('GRANT waterclock_api TO %I', current_user);
    END IF;
    IF NOT pg_has_role(current_user, 'waterclock_engine', 'USAGE') THEN
        EXECUTE format('GRANT waterclock_engine TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO waterclock_api, waterclock_engine;
-- A new table must name its tenant and its policies before anybody is let in.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE FUNCTION present() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT now() $$;
COMMENT ON FUNCTION present() IS
    'The present instant. Every statement asks here and nowhere else, so that a test can move time by replacing it.';

CREATE FUNCTION current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;
COMMENT ON FUNCTION current_tenant() IS
    'The tenant that this transaction works for, or NULL. After a SET LOCAL has ended the setting is empty, not absent.';

CREATE FUNCTION keep_tenant_alone(target regclass) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant_is_alone ON %s TO waterclock_api USING (tenant_id = (SELECT current_tenant()))', target);
    EXECUTE format('CREATE POLICY engine_sees_all ON %s TO waterclock_engine USING (true)', target);
END
$$;
COMMENT ON FUNCTION keep_tenant_alone(regclass) IS
    'Puts a tenant-owned table under row-level security: the API sees the current tenant, the engine sees all.';
