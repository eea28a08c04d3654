-- Time that tests can move. Every statement of the product asks present(), so moving what that answers moves everything:
-- leases end, retries come due, keys grow old. Outside the schema `public`, so that tests of the tables do not see it.
CREATE SCHEMA world;
CREATE TABLE world.time (ahead interval NOT NULL);
INSERT INTO world.time VALUES ('0');
GRANT USAGE ON SCHEMA world TO waterclock_api, waterclock_engine;
GRANT SELECT ON world.time TO waterclock_api, waterclock_engine;

CREATE OR REPLACE FUNCTION public.present() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT now() + (SELECT ahead FROM world.time) $$;
