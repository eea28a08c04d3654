//! A tenant is alone: PostgreSQL itself shows it nothing of another's, whatever a statement forgets to ask.
//!
//! The tables are taken from the catalog, so a table that is made tomorrow is tried too; until something of both tenants is
//! in it, the test fails.

use waterclock_core::id::TenantId;
use waterclock_core::run::Outcome;
use waterclock_tests::story::with;
use waterclock_tests::{World, graph, succeed};

/// A tenant that has something in every table; gives its id.
async fn tenant_with_everything(world: &World, key: &str) -> TenantId {
    let definition = with(graph("a -> b c"), "c", |node| {
        node.required_labels = vec!["nowhere".to_owned()];
    });
    let tenant = world.tenant_with(key, &definition).await;
    let id = tenant.to_string();
    world
        .execute(
            "WITH package AS (
                INSERT INTO packages (tenant_id, digest, file_name, size)
                VALUES ($1::text::uuid, decode(repeat('ab', 32), 'hex'), 'job.jar', 1)
            ), chunk AS (
                INSERT INTO package_chunks (tenant_id, digest, place, content)
                VALUES ($1::text::uuid, decode(repeat('ab', 32), 'hex'), 0, 'x')
            ), program AS (
                INSERT INTO programs (tenant_id, id, key, spec) VALUES ($1::text::uuid, gen_random_uuid(), 'p', '{}')
            ), endpoint AS (
                INSERT INTO endpoints (tenant_id, id, key, spec) VALUES ($1::text::uuid, gen_random_uuid(), 'e', '{}')
            ), node AS (
                INSERT INTO task_nodes (tenant_id, id, key, spec) VALUES ($1::text::uuid, gen_random_uuid(), 'n', '{}')
            ), published AS (
                INSERT INTO published_events (tenant_id, id, name, payload, published_by, at, woken, fired)
                VALUES ($1::text::uuid, gen_random_uuid(), 'n', '{}', 'somebody', present(), 0, 0)
            ), awaited AS (
                INSERT INTO awaited_events (tenant_id, task_run_id, run_id, name)
                VALUES ($1::text::uuid, gen_random_uuid(), gen_random_uuid(), 'n')
            ), timer AS (
                INSERT INTO timers (tenant_id, partition, due_at, kind, run_id)
                VALUES ($1::text::uuid, 0, 'infinity', 'RUN_TIMEOUT', gen_random_uuid())
            ), callback AS (
                INSERT INTO callbacks (tenant_id, token_hash, run_id, task_run_id, fence)
                VALUES ($1::text::uuid, 'x', gen_random_uuid(), gen_random_uuid(), 1)
            ), progress AS (
                INSERT INTO progress (tenant_id, task_run_id, attempt, at)
                VALUES ($1::text::uuid, gen_random_uuid(), 1, present())
            ), silence AS (
                INSERT INTO silences (tenant_id, id, reason, created_by, starts_at, ends_at)
                VALUES ($1::text::uuid, gen_random_uuid(), 'r', 'somebody', present(), present())
            ), alert AS (
                INSERT INTO alerts (
                    tenant_id, id, rule_id, rule_key, kind, severity, group_key, message, count, cause_seq, raised_at, last_at)
                VALUES ($1::text::uuid, gen_random_uuid(), gen_random_uuid(), 'r', 'RUN_FAILED', 'INFO', 'g', 'm', 1, 1,
                    present(), present())
            ), cause AS (
                INSERT INTO alert_causes (tenant_id, rule_id, cause, group_key, at)
                VALUES ($1::text::uuid, gen_random_uuid(), 'c', 'g', present())
            ), channel AS (
                INSERT INTO alert_channels (tenant_id, id, key, spec) VALUES ($1::text::uuid, gen_random_uuid(), 'c', '{}')
            ), rule AS (
                INSERT INTO alert_rules (tenant_id, id, key, spec) VALUES ($1::text::uuid, gen_random_uuid(), 'r', '{}')
            ), calendar AS (
                INSERT INTO calendars (tenant_id, id, key, spec) VALUES ($1::text::uuid, gen_random_uuid(), 'c', '{}')
            ), schedule AS (
                INSERT INTO schedules (tenant_id, id, key, workflow_id, calendars, spec)
                SELECT tenant_id, gen_random_uuid(), 's', id, '{}', '{}' FROM workflows WHERE tenant_id = $1::text::uuid
                RETURNING tenant_id, id, workflow_id
            ), state AS (
                INSERT INTO schedule_states (tenant_id, schedule_id, partition, state, changed_at, settled_until)
                SELECT tenant_id, id, 0, 'STOPPED', present(), present() FROM schedule
            ), watcher AS (
                INSERT INTO workflow_watchers (tenant_id, workflow_id, watcher_id)
                SELECT tenant_id, workflow_id, id FROM schedule
            ), watched AS (
                INSERT INTO watched_runs (tenant_id, run_id, partition, workflow_id)
                SELECT tenant_id, gen_random_uuid(), 0, workflow_id FROM schedule
            ), occurrence AS (
                INSERT INTO occurrences (tenant_id, id, schedule_id, nominal, due, outcome, reason, notes, decided_at)
                SELECT tenant_id, gen_random_uuid(), id, present(), present(), 'MISSED', 'r', '{}', present() FROM schedule
            ), delivery AS (
                INSERT INTO alert_deliveries (tenant_id, id, channel_id, body)
                VALUES ($1::text::uuid, gen_random_uuid(), gen_random_uuid(), '{}')
            )
            SELECT",
            &[&id],
        )
        .await;
    add_bulk_job(world, &id).await;
    add_what_starts_runs(world, &id).await;
    let wish = waterclock_core::command::start_run::StartRun {
        idempotency_key: Some("once".to_owned()),
        ..waterclock_tests::world::request(key)
    };
    world
        .starter
        .start(tenant, "somebody", vec![wish])
        .await
        .expect("a run");
    let executor = world.executor(key).only_for(key).join().await;
    let first = executor.take_one().await;
    world
        .execute(
            "INSERT INTO log_lines (tenant_id, task_run_id, attempt, number, stream, text, at)
            VALUES ($1::text::uuid, $2::text::uuid, 1, 1, 'STDOUT', 'secret', present())",
            &[&id, &first.task_run_id.to_string()],
        )
        .await;
    executor.exchange(vec![succeed(&first)], 0).await;
    executor.report(&executor.take_one().await, Outcome::Failed).await;
    tenant
}

/// Gives the tenant a bulk job that a run has refused.
async fn add_bulk_job(world: &World, tenant: &str) {
    let add = "WITH job AS (
            INSERT INTO bulk_jobs (tenant_id, id, action, filter, matched, matches_more, created_by)
            VALUES ($1::text::uuid, gen_random_uuid(), 'null', '{}', 1, false, 'somebody')
            RETURNING tenant_id, id
        )
        INSERT INTO bulk_refusals (tenant_id, job_id, run_id, code, message)
        SELECT tenant_id, id, gen_random_uuid(), 'CONFLICT', 'm' FROM job";
    world.execute(add, &[&tenant]).await;
}

/// Gives the tenant what starts runs by itself, beside its schedule.
async fn add_what_starts_runs(world: &World, tenant: &str) {
    add_backfill(world, tenant).await;
    add_trigger(world, tenant).await;
}

/// Gives the tenant a backfill that has passed over its only step.
async fn add_backfill(world: &World, tenant: &str) {
    let add = "WITH backfill AS (
            INSERT INTO backfills (
                tenant_id, id, schedule_id, partition, newest_first, reprocess, most_running, inputs, pending, passed_over,
                created_by)
            SELECT tenant_id, gen_random_uuid(), id, 0, false, 'NONE', 1, '{}', 0, 1, 'somebody' FROM schedules
            WHERE tenant_id = $1::text::uuid
            RETURNING tenant_id, id
        )
        INSERT INTO backfill_steps (tenant_id, backfill_id, place, nominal, due, notes, state, reason)
        SELECT tenant_id, id, 0, present(), present(), '{}', 'PASSED_OVER', 'r' FROM backfill";
    world.execute(add, &[&tenant]).await;
}

/// Gives the tenant a trigger that has fired, and that has a secret.
async fn add_trigger(world: &World, tenant: &str) {
    let add = "WITH trigger AS (
            INSERT INTO triggers (tenant_id, id, key, workflow_id, spec)
            SELECT tenant_id, gen_random_uuid(), 't', id, '{}' FROM workflows WHERE tenant_id = $1::text::uuid
            RETURNING tenant_id, id
        ), firing AS (
            INSERT INTO firings (tenant_id, id, trigger_id, partition, cause, facts, outcome, caused_at)
            SELECT tenant_id, gen_random_uuid(), id, 0, 'c', '{}', 'PENDING', present() FROM trigger
        )
        INSERT INTO webhook_secrets (tenant_id, id, trigger_id, secret)
        SELECT tenant_id, gen_random_uuid(), id, 's' FROM trigger";
    world.execute(add, &[&tenant]).await;
}

/// The tables of tenants that the API may read anything of.
async fn tenant_tables(world: &World) -> Vec<String> {
    let tables: Vec<String> = world
        .column(
            "SELECT table_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND column_name = 'tenant_id'
                AND has_any_column_privilege(
                    'waterclock_api', format('%I.%I', table_schema, table_name), 'SELECT')
            ORDER BY 1",
            &[],
        )
        .await;
    assert!(tables.len() >= 15, "{tables:?}");
    tables
}

/// Works as the API does, for the tenant or for nobody, and gives what `query` counts.
async fn count_as_api(world: &World, tenant: Option<TenantId>, query: &str) -> i64 {
    let mut client = world.connect().await;
    let transaction = client.transaction().await.unwrap();
    transaction
        .batch_execute("SET LOCAL ROLE waterclock_api")
        .await
        .unwrap();
    if let Some(tenant) = tenant {
        let set = format!("SET LOCAL app.tenant = '{tenant}'");
        transaction.batch_execute(&set).await.unwrap();
    }
    let counted = transaction.query_one(query, &[]).await;
    counted
        .unwrap_or_else(|error| panic!("{query}: {error:?}"))
        .get(0)
}

#[tokio::test]
async fn nothing_of_another_tenant_is_visible_and_without_a_tenant_nothing_at_all() {
    let world = World::new().await;
    let one = tenant_with_everything(&world, "one").await;
    let other = tenant_with_everything(&world, "other").await;
    world
        .execute(
            "INSERT INTO events (tenant_id, kind) SELECT id, 'SHARED' FROM tenants WHERE key = 'platform'",
            &[],
        )
        .await;
    for table in tenant_tables(&world).await {
        let theirs = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{other}'");
        let there: i64 = world.value(&theirs, &[]).await;
        assert!(
            there > 0,
            "nothing of the other tenant is in {table}, so nothing is proved"
        );
        assert_eq!(count_as_api(&world, Some(one), &theirs).await, 0, "{table}");
        assert_eq!(count_as_api(&world, Some(other), &theirs).await, there, "{table}");
        let any = format!("SELECT count(*) FROM {table} WHERE tenant_id IN ('{one}', '{other}')");
        assert_eq!(count_as_api(&world, None, &any).await, 0, "{table}");
        // Shared executors, and what happens to them, are the one thing that every tenant sees.
        let foreign = format!("SELECT count(*) FROM {table} WHERE tenant_id <> '{one}'");
        let shared = count_as_api(&world, Some(one), &foreign).await;
        assert_eq!(shared > 0, table == "events", "{table}");
    }
}

#[tokio::test]
async fn nothing_can_be_written_into_another_tenants_tables() {
    let world = World::new().await;
    let one = tenant_with_everything(&world, "one").await;
    let other = tenant_with_everything(&world, "other").await;
    for table in tenant_tables(&world).await {
        // The other's own row, as it is, so that nothing but the tenant can be wrong with it.
        let row: String = world
            .value(
                &format!("SELECT to_jsonb(t)::text FROM {table} AS t WHERE tenant_id = '{other}' LIMIT 1"),
                &[],
            )
            .await;
        let columns: String = world
            .value(
                "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name = $1 AND is_identity = 'NO'",
                &[&table],
            )
            .await;
        let attempts = [
            format!(
                "INSERT INTO {table} ({columns})
                SELECT {columns} FROM jsonb_populate_record(NULL::{table}, '{}')",
                row.replace('\'', "''")
            ),
            format!("UPDATE {table} SET tenant_id = '{other}'"),
            format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = '{other}'"),
            format!("DELETE FROM {table} WHERE tenant_id = '{other}'"),
        ];
        for attempt in attempts {
            let refused = refused_or_nothing(&world, one, &attempt).await;
            assert!(refused, "it went through: {attempt}");
        }
    }
}

/// Whether the database refuses the statement for its policies or grants, or lets it touch no row.
async fn refused_or_nothing(world: &World, tenant: TenantId, statement: &str) -> bool {
    let mut client = world.connect().await;
    let transaction = client.transaction().await.unwrap();
    transaction
        .batch_execute(&format!(
            "SET LOCAL ROLE waterclock_api; SET LOCAL app.tenant = '{tenant}'"
        ))
        .await
        .unwrap();
    match transaction.execute(statement, &[]).await {
        Ok(changed) => changed == 0,
        Err(error) => error.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE),
    }
}

#[tokio::test]
async fn the_api_may_not_read_or_change_who_schedules_or_rename_a_tenant() {
    let world = World::new().await;
    let tenant = world.tenant("one").await;
    for statement in [
        "SELECT count(*) FROM schedulers",
        "DELETE FROM schedulers",
        "UPDATE tenants SET key = 'mine'",
        "DELETE FROM tenants",
        "DELETE FROM runs",
        "DELETE FROM events",
        "UPDATE events SET kind = 'NOTHING'",
        "UPDATE attempts SET outcome = 'SUCCEEDED'",
        "UPDATE workflow_versions SET definition = '{}'",
        "CREATE TABLE mine ()",
        "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
    ] {
        let mut client = world.connect().await;
        let transaction = client.transaction().await.unwrap();
        let begin = format!("SET LOCAL ROLE waterclock_api; SET LOCAL app.tenant = '{tenant}'");
        transaction.batch_execute(&begin).await.unwrap();
        let refused = transaction.batch_execute(statement).await.unwrap_err();
        assert_eq!(
            refused.code(),
            Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE),
            "{statement}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_setting_does_not_outlive_its_transaction() {
    let world = World::new().await;
    let tenant = world.tenant_with("one", &graph("a")).await;
    world.start(tenant, "one").await;
    let mut client = world.connect().await;
    let transaction = client.transaction().await.unwrap();
    let begin = format!("SET LOCAL ROLE waterclock_api; SET LOCAL app.tenant = '{tenant}'");
    transaction.batch_execute(&begin).await.unwrap();
    transaction.commit().await.unwrap();
    client.batch_execute("SET ROLE waterclock_api").await.unwrap();
    let row = client.query_one("SELECT count(*) FROM runs", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}
