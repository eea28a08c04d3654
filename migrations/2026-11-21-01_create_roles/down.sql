DROP FUNCTION keep_tenant_alone(regclass);
DROP FUNCTION current_tenant();
DROP FUNCTION present();
-- The roles stay: they belong to the cluster, and other databases may use them.
