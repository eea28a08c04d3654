//! The tables: made, unmade, described, and each behind its tenant.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use waterclock_core::store::{Database, DatabaseUrl, is_migrated, migrate};
use waterclock_tests::World;
use waterclock_tests::server::{self, Server};
use waterclock_tests::sources::{files, root};

/// The tables that belong to no tenant.
const SHARED: [&str; 3] = ["alert_progress", "schedulers", "tenants"];

/// Everything that the catalog knows of the schema, in an order of its own.
const CATALOG: &str = "
    SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('policy %s %s %s %s %s %s', tablename, policyname, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
    UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('grant %s %s %s', grantee, table_name, privilege_type)
    FROM information_schema.role_table_grants WHERE table_schema = 'public'
    ORDER BY 1";

async fn catalog(client: &tokio_postgres::Client) -> Vec<String> {
    let rows = client.query(CATALOG, &[]).await.expect("the catalog");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    let server = Server::shared().await;
    let name = format!("test_{}", uuid::Uuid::new_v4().simple());
    server.create(&name).await;
    let url = server.url(&name);
    let database = Database::new(DatabaseUrl::parse(url.as_str()).unwrap(), 4);
    assert!(!is_migrated(&database).await.unwrap());
    let run = migrate(&database).await.unwrap();
    assert!(is_migrated(&database).await.unwrap());
    let client = server::connect(&url).await.unwrap();
    let first = catalog(&client).await;

    let downs: Vec<_> = files("migrations", "sql")
        .into_iter()
        .filter(|file| file.path.ends_with("down.sql"))
        .collect();
    assert_eq!(downs.len(), run.len());
    for down in downs.iter().rev() {
        let ran = client.batch_execute(&down.text).await;
        ran.unwrap_or_else(|error| panic!("{}: {error:?}", down.path));
    }
    let left = catalog(&client).await;
    assert!(
        left.iter()
            .all(|line| line.contains("__diesel_schema_migrations")),
        "{left:#?}"
    );

    client
        .batch_execute("DELETE FROM __diesel_schema_migrations")
        .await
        .unwrap();
    assert_eq!(migrate(&database).await.unwrap(), run);
    assert_eq!(catalog(&client).await, first);
    assert!(
        migrate(&database).await.unwrap().is_empty(),
        "there is nothing more to do"
    );
    drop((database, client));
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    server.connect().await.batch_execute(&drop).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_later_release_is_left_alone() {
    let world = World::new().await;
    world
        .execute(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231')",
            &[],
        )
        .await;
    let told = migrate(&world.engine).await.unwrap_err().to_string();
    assert!(told.contains("29991231"), "{told}");
}

#[tokio::test]
async fn the_printed_schema_is_current() {
    let world = World::new().await;
    let printed = print_schema(&world.sql).await;
    let path = root().join("core/src/store/schema.rs");
    if std::env::var_os("WATERCLOCK_BLESS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    for (printed, written) in printed.lines().zip(written.lines()) {
        assert_eq!(
            printed, written,
            "core/src/store/schema.rs is not current; WATERCLOCK_BLESS=1 writes it anew"
        );
    }
    assert_eq!(printed, written);
}

async fn print_schema(client: &tokio_postgres::Client) -> String {
    const COLUMNS: &str = "
        SELECT c.relname::text, obj_description(c.oid), a.attname::text, col_description(c.oid, a.attnum),
            t.typname::text, a.attnotnull,
            (SELECT string_agg(k.attname, ', ' ORDER BY place)
                FROM pg_index AS i
                CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS keys(attnum, place)
                JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = keys.attnum
                WHERE i.indrelid = c.oid AND i.indisprimary)
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> '__diesel_schema_migrations'
        ORDER BY c.relname, a.attnum";
    let mut tables: BTreeMap<String, String> = BTreeMap::new();
    for row in client.query(COLUMNS, &[]).await.expect("the columns") {
        let (table, about): (String, Option<String>) = (row.get(0), row.get(1));
        let (column, meaning): (String, Option<String>) = (row.get(2), row.get(3));
        let printed = tables.entry(table.clone()).or_insert_with(|| {
            let (about, key) = (about.unwrap_or_default(), row.get::<_, String>(6));
            format!("diesel::table! {{\n    /// {about}\n    {table} ({key}) {{\n")
        });
        let kind = diesel_type(row.get(4), row.get(5));
        let meaning = meaning.unwrap_or_default();
        let _ = writeln!(printed, "        /// {meaning}\n        {column} -> {kind},");
    }
    let mut schema = "//! The tables, as the migrations make them; a test prints this file from the migrated database and compares.\n\n"
        .to_owned();
    for table in tables.values() {
        let _ = write!(schema, "{table}    }}\n}}\n\n");
    }
    schema.push_str("diesel::allow_tables_to_appear_in_same_query!(\n");
    for name in tables.keys() {
        let _ = writeln!(schema, "    {name},");
    }
    schema.push_str(");\n");
    schema
}

fn diesel_type(name: &str, is_not_null: bool) -> String {
    let plain = match name.trim_start_matches('_') {
        "uuid" => "Uuid",
        "int2" => "SmallInt",
        "int4" => "Integer",
        "int8" => "BigInt",
        "float4" => "Float",
        "float8" => "Double",
        "text" => "Text",
        "bytea" => "Bytea",
        "jsonb" => "Jsonb",
        "bool" => "Bool",
        "timestamptz" => "Timestamptz",
        "date" => "Date",
        other => panic!("the type {other} has no name here yet"),
    };
    let plain = if name.starts_with('_') {
        format!("Array<{plain}>")
    } else {
        plain.to_owned()
    };
    if is_not_null {
        plain
    } else {
        format!("Nullable<{plain}>")
    }
}

/// Asserts that the query, which tells what is wrong, tells nothing.
async fn none(query: &str) {
    let world = World::new().await;
    let shared: Vec<String> = SHARED.iter().map(ToString::to_string).collect();
    let query = format!(
        "WITH tables AS (
            SELECT oid, relname::text, relrowsecurity, relforcerowsecurity, relname = ANY ($1::text[]) AS shared
            FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                AND relname <> '__diesel_schema_migrations'
        )
        {query}"
    );
    let wrong: Vec<String> = world.column(&query, &[&shared]).await;
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test]
async fn every_table_of_a_tenant_leads_its_keys_with_the_tenant() {
    none(
        "
        SELECT format('%s: %s', t.relname, pg_get_indexdef(i.indexrelid))
        FROM tables AS t
        JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisunique
        LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE NOT t.shared AND a.attname IS DISTINCT FROM 'tenant_id'
        UNION ALL
        SELECT format('%s has no primary key', relname)
        FROM tables
        WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = oid AND indisprimary)",
    )
    .await;
}

#[tokio::test]
async fn every_reference_of_a_tenants_row_leads_with_the_tenant() {
    none(
        "
        SELECT format('%s: %s', t.relname, c.conname)
        FROM tables AS t
        JOIN pg_constraint AS c ON c.conrelid = t.oid AND c.contype = 'f'
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
        WHERE a.attname <> 'tenant_id'",
    )
    .await;
}

#[tokio::test]
async fn every_table_of_a_tenant_is_under_policies_that_bind_its_owner_too() {
    none(
        "
        SELECT format('%s is not under row-level security by force', relname)
        FROM tables
        WHERE NOT shared AND NOT (relrowsecurity AND relforcerowsecurity)
        UNION ALL
        SELECT format('%s has no policy for %s', relname, role)
        FROM tables
        CROSS JOIN unnest(ARRAY['waterclock_api', 'waterclock_engine']) AS role
        WHERE NOT shared
            AND NOT EXISTS (SELECT FROM pg_policies WHERE tablename = relname AND role = ANY (roles))",
    )
    .await;
}

#[tokio::test]
async fn every_table_column_and_function_says_what_it_is() {
    none(
        "
        SELECT format('%s', relname) FROM tables WHERE coalesce(obj_description(oid), '') = ''
        UNION ALL
        SELECT format('%s.%s', relname, attname)
        FROM tables JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
        WHERE coalesce(col_description(oid, attnum), '') = ''
        UNION ALL
        SELECT format('%s', oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND coalesce(obj_description(oid), '') = ''
            AND proname !~ '^diesel_'",
    )
    .await;
}

#[tokio::test]
async fn every_constraint_has_a_name_that_reads_as_its_rule() {
    none("
        SELECT format('%s: %s', relname, conname)
        FROM tables AS t JOIN pg_constraint ON conrelid = t.oid
        WHERE contype IN ('c', 'u', 'f', 'x') AND conname ~ ('^' || relname || '_.*(_check|_key|_fkey|_excl)[0-9]*$')
        UNION ALL
        SELECT format('%s: %s', relname, conname)
        FROM tables AS t JOIN pg_constraint ON conrelid = t.oid
        WHERE contype = 'p' AND conname <> relname || '_pkey'")
    .await;
}

#[tokio::test]
async fn the_role_of_the_api_owns_nothing_and_bypasses_nothing() {
    let world = World::new().await;
    let powers: Vec<String> = world
        .column(
            "SELECT format('%s: superuser or bypassing', rolname)
            FROM pg_roles WHERE rolname LIKE 'waterclock\\_%' AND (rolsuper OR rolbypassrls)
            UNION ALL
            SELECT format('%s owns %s', pg_get_userbyid(relowner), relname)
            FROM pg_class WHERE pg_get_userbyid(relowner) LIKE 'waterclock\\_%'
            UNION ALL
            SELECT format('%s may become %s', member::regrole, roleid::regrole)
            FROM pg_auth_members WHERE member::regrole::text LIKE 'waterclock\\_%'
            UNION ALL
            SELECT format('%s may create in %s', role, nspname)
            FROM pg_namespace CROSS JOIN unnest(ARRAY['waterclock_api', 'waterclock_engine']) AS role
            WHERE has_schema_privilege(role, oid, 'CREATE')",
            &[],
        )
        .await;
    assert_eq!(powers, [""; 0]);
}
