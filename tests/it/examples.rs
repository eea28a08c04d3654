//! The examples do what they say, on this machine, through the command line.

use std::collections::HashMap;
use std::net::TcpListener;

use waterclock_core::workflow::Definition;
use waterclock_tests::World;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::binary::command;
use waterclock_tests::sources::root;

/// Runs a command, and gives what it printed when it went well.
async fn succeed(api: &Api, client: &Client, arguments: &[&str]) -> String {
    let output = command(api, client, arguments).await;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{arguments:?}: {}\n{printed}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

#[tokio::test]
async fn the_package_database_is_reported_and_verified() {
    let world = World::that_comes_to_rest().await;
    let (api, executor) = (world.serve().await, world.real_executor("one", 8));
    let client = api.admin("acme");
    let made = succeed(&api, &client, &["apply", "-f", "examples/packages"]).await;
    assert!(made.contains("packages-extract"), "{made}");
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (folder, port) = (
        format!("folder={}", folder.path().display()),
        format!("port={port}"),
    );
    let run = ["run", "packages", "--watch", "--input", &folder, "--input", &port];
    succeed(&api, &client, &run).await;
    executor.stop().await;
}

#[tokio::test]
async fn a_program_is_built_tested_again_and_packaged() {
    let world = World::that_comes_to_rest().await;
    let (api, executor) = (world.serve().await, world.real_executor("one", 4));
    let _scheduler = world.scheduler();
    let client = api.admin("acme");
    succeed(&api, &client, &["apply", "-f", "examples/build"]).await;
    let source = format!("source={}", root().join("examples/build/source").display());
    succeed(&api, &client, &["run", "build", "--watch", "--input", &source]).await;
    let tried_again: i64 = world
        .value("SELECT count(*) FROM task_runs WHERE attempts > 1", &[])
        .await;
    assert!(
        tried_again > 0,
        "one of its tests fails on purpose and is tried again"
    );
    executor.stop().await;
}

#[tokio::test]
async fn a_thousand_nodes_are_imported_and_run_in_the_order_of_their_edges() {
    let world = World::that_comes_to_rest().await;
    let (api, executor) = (world.serve().await, world.real_executor("one", 64));
    let client = api.admin("acme");
    let graph = "examples/thousand/thousand.json";
    let import = ["import", "dag", graph, "--scale", "0", "--run", "--watch"];
    succeed(&api, &client, &import).await;
    let ended: i64 = world
        .value("SELECT count(*) FROM task_runs WHERE state = 'SUCCEEDED'", &[])
        .await;
    assert!(ended >= 1000, "{ended}");
    assert_eq!(started_too_early(&world).await, []);
    executor.stop().await;
}

#[tokio::test]
async fn a_schedule_is_applied_once_listed_triggered_and_paused() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let apply = ["apply", "-f", "examples/schedules"];
    let made = succeed(&api, &client, &apply).await;
    assert!(made.contains("created      Schedule     report-daily"), "{made}");
    for again in [&apply[..], &["apply", "-f", "examples/schedules", "--dry-run"]] {
        let told = succeed(&api, &client, again).await;
        assert!(told.lines().all(|line| line.starts_with("unchanged")), "{told}");
    }
    let listed = succeed(&api, &client, &["schedules"]).await;
    assert!(
        listed.contains("ACTIVE") && listed.contains("At 02:30 every day"),
        "{listed}"
    );
    let run = succeed(&api, &client, &["schedule", "trigger", "report-daily"]).await;
    let runs = succeed(&api, &client, &["runs"]).await;
    assert!(runs.contains(run.trim()), "{run}{runs}");
    let occurrences = ["schedule", "occurrences", "report-daily"];
    let became = succeed(&api, &client, &occurrences).await;
    assert!(
        became.contains(&format!("FIRED             {}", run.trim())),
        "{became}"
    );
    let missed = succeed(
        &api,
        &client,
        &["schedule", "occurrences", "report-daily", "--outcome", "missed"],
    );
    assert_eq!(missed.await, "");
    let pause = ["schedule", "pause", "report-daily", "--reason", "a move"];
    succeed(&api, &client, &pause).await;
    let listed = succeed(&api, &client, &["schedules", "--search", "daily"]).await;
    assert!(listed.contains("PAUSED"), "{listed}");
    let preview = ["preview", "30 2 * * *", "--zone", "Europe/Berlin", "--limit", "2"];
    let previewed = succeed(&api, &client, &preview).await;
    assert_eq!(previewed.lines().count(), 3, "{previewed}");
}

#[tokio::test]
async fn an_event_ships_an_order_and_the_end_of_that_tells_of_it() {
    let world = World::that_comes_to_rest().await;
    let (api, executor) = (world.serve().await, world.real_executor("one", 4));
    let _scheduler = world.scheduler();
    let client = api.admin("acme");
    let apply = ["apply", "-f", "examples/triggers"];
    let made = succeed(&api, &client, &apply).await;
    assert!(
        made.contains("created      Trigger      ship-when-paid"),
        "{made}"
    );
    for again in [&apply[..], &["apply", "-f", "examples/triggers", "--dry-run"]] {
        let told = succeed(&api, &client, again).await;
        assert!(told.lines().all(|line| line.starts_with("unchanged")), "{told}");
    }
    let listed = succeed(&api, &client, &["triggers"]).await;
    for told in [
        "event order.paid",
        "run of ship ended SUCCEEDED FAILED",
        "webhook GITHUB /webhooks/",
    ] {
        assert!(listed.contains(told), "{listed}");
    }
    let publish = [
        "publish-event",
        "order.paid",
        "--key",
        "4711",
        "--payload",
        "{\"amount\": 120}",
    ];
    let told = succeed(&api, &client, &publish).await;
    assert!(told.contains("1 trigger waits for it"), "{told}");
    world
        .until_seen("SELECT count(*) = 2 AND bool_and(state = 'SUCCEEDED') FROM runs")
        .await;
    for trigger in ["ship-when-paid", "tell-when-shipped"] {
        let firings = succeed(&api, &client, &["trigger", "firings", trigger]).await;
        assert!(
            firings.contains("FIRED") && firings.lines().count() == 1,
            "{firings}"
        );
    }
    let pause = [
        "trigger",
        "pause",
        "ship-when-paid",
        "--reason",
        "the stock is counted",
    ];
    succeed(&api, &client, &pause).await;
    let listed = succeed(&api, &client, &["triggers", "--search", "ship-when"]).await;
    assert!(listed.contains("PAUSED"), "{listed}");
    succeed(&api, &client, &["trigger", "resume", "ship-when-paid"]).await;
    let rotate = ["trigger", "rotate-secret", "build-when-pushed", "--overlap", "1h"];
    let secret = succeed(&api, &client, &rotate).await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    executor.stop().await;
}

/// The edges of the only run whose second node started before the first had ended.
async fn started_too_early(world: &World) -> Vec<(u32, u32)> {
    let definition: String = world
        .value("SELECT definition::text FROM workflow_versions", &[])
        .await;
    let definition: Definition = serde_json::from_str(&definition).unwrap();
    let mut started = HashMap::new();
    let mut ended = HashMap::new();
    let steps = world
        .sql
        .query(
            "SELECT e.kind, t.node, e.seq
            FROM events AS e JOIN task_runs AS t ON t.tenant_id = e.tenant_id AND t.id = e.task_run_id",
            &[],
        )
        .await
        .unwrap();
    for step in &steps {
        let node = u32::try_from(step.get::<_, i32>(1)).unwrap();
        let number: i64 = step.get(2);
        match step.get::<_, &str>(0) {
            "TASK_RUN_STARTED" => drop(started.insert(node, number)),
            "TASK_RUN_SUCCEEDED" => drop(ended.insert(node, number)),
            _ => {}
        }
    }
    let edges = definition.edges.iter().map(|edge| (edge.from, edge.to));
    edges.filter(|(from, to)| ended[from] > started[to]).collect()
}

#[tokio::test]
async fn a_days_orders_are_shipped_and_a_large_days_asked_about_first() {
    let world = World::that_comes_to_rest().await;
    let (api, executor) = (world.serve().await, world.real_executor("one", 8));
    let _scheduler = world.scheduler();
    let client = api.admin("acme");
    succeed(&api, &client, &["apply", "-f", "examples/orders"]).await;
    let small = ["run", "orders", "--watch"];
    tokio::join!(succeed(&api, &client, &small), settle_in_no_time(&world));
    let large = succeed(&api, &client, &["run", "orders", "--input", "total=1200"]).await;
    let large = large.trim();
    world
        .until_true("SELECT EXISTS (SELECT FROM dispatch WHERE hold = 'APPROVAL')")
        .await;
    let asked = succeed(&api, &client, &["approvals"]).await;
    assert!(asked.contains(large), "{asked}");
    let approve = ["approve", large, "ask", "--answer", "reason=a good day"];
    succeed(&api, &client, &approve).await;
    settle_in_no_time(&world).await;
    world.until_all_ended().await;
    let ends: Vec<String> = world
        .column(
            "SELECT t.key || ' ' || t.state || ' ' || count(*)
            FROM task_runs AS t WHERE t.key IN ('ask', 'go-ahead', 'print-label', 'regions') AND t.item IS NULL
            GROUP BY t.key, t.state ORDER BY 1",
            &[],
        )
        .await;
    assert_eq!(
        ends,
        [
            "ask SKIPPED 1",
            "ask SUCCEEDED 1",
            "go-ahead SKIPPED 1",
            "go-ahead SUCCEEDED 1",
            "print-label SUCCEEDED 4",
            "regions SUCCEEDED 2"
        ]
    );
    executor.stop().await;
}

/// Lets the second go by that orders settle for, once they do.
async fn settle_in_no_time(world: &World) {
    world
        .until_true("SELECT EXISTS (SELECT FROM dispatch WHERE hold = 'WAIT')")
        .await;
    world.advance(std::time::Duration::from_secs(1)).await;
}

#[tokio::test]
async fn applying_twice_changes_nothing_and_a_dry_run_neither() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let apply = ["apply", "-f", "examples/packages"];
    succeed(&api, &client, &["apply", "-f", "examples/packages", "--dry-run"]).await;
    let programs: i64 = world.value("SELECT count(*) FROM programs", &[]).await;
    assert_eq!(programs, 0, "a dry run makes nothing");
    succeed(&api, &client, &apply).await;
    succeed(&api, &client, &apply).await;
    let changed: i64 = world
        .value(
            "SELECT (SELECT count(*) FROM programs WHERE revision > 1) + (SELECT count(*) FROM task_nodes WHERE revision > 1)
                + (SELECT count(*) FROM workflows WHERE latest_version > 1)",
            &[],
        )
        .await;
    assert_eq!(changed, 0);
}

#[tokio::test]
async fn a_failed_run_is_not_a_success_of_the_command_line() {
    let world = World::that_comes_to_rest().await;
    let (api, executor) = (world.serve().await, world.real_executor("one", 1));
    let client = api.admin("acme");
    let folder = tempfile::tempdir().unwrap();
    let definitions = "kind: Program\nkey: no\nruntime: EXEC\ncommand: [/bin/false]\n---\n\
        kind: TaskNode\nkey: no\nwork: {program: {key: no}}\n---\n\
        kind: Workflow\nkey: no\nnodes:\n  - {key: no, taskNode: {key: no}}\npublish: true\n";
    let file = folder.path().join("no.yaml");
    std::fs::write(&file, definitions).unwrap();
    succeed(&api, &client, &["apply", "-f", file.to_str().unwrap()]).await;
    let output = command(&api, &client, &["run", "no", "--watch"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    executor.stop().await;
}
