//! Real processes that are killed right after a control has answered.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::retry::RetryPolicy;
use waterclock_core::workflow::{Definition, Work};
use waterclock_tests::World;
use waterclock_tests::binary::RoleProcess;
use waterclock_tests::story::{graph, with};

use super::{Control, resume, started};

/// A run that real processes are at, and what tells its processes from all others of the machine.
struct Scene {
    world: World,
    tenant: TenantId,
    run: RunId,
    folder: TempDir,
    mark: String,
}

/// A run of `a`, which goes on until it may end, and `b`, which waits for the same slot; `c` waits for both.
async fn scene(control: Control) -> (Scene, [RoleProcess; 2]) {
    let world = World::that_comes_to_rest().await;
    let folder = tempfile::tempdir().expect("a folder");
    // As good as for ever, and unlike any other.
    let mark = format!("50000.{}", uuid::Uuid::new_v4().as_u128() % 1_000_000_000_000);
    let may_end = folder.path().join("may-end");
    let script = match control {
        Control::Retry => format!("test -e {}", may_end.display()),
        _ => format!("test -e {} && exit 0; sleep {mark} & wait", may_end.display()),
    };
    let mut definition = graph("a b -> c");
    for node in &mut definition.nodes {
        node.work = program(&script);
    }
    let definition = with(definition, "a", |node| {
        node.priority = Some(9);
        node.retry = RetryPolicy {
            max_attempts: 2,
            delay_ms: 3_600_000,
            ..RetryPolicy::default()
        };
    });
    let tenant = world.tenant_with("flow", &definition).await;
    world.publish(tenant, "canary", &canary()).await;
    let roles = [
        world.role("scheduler", &[]),
        world.role("executor", &["--key", "doomed", "--slots", "1"]),
    ];
    world
        .until_seen("SELECT count(*) = 1 FROM executors WHERE ended_at IS NULL")
        .await;
    let run = world.start(tenant, "flow").await;
    let scene = Scene {
        world,
        tenant,
        run,
        folder,
        mark,
    };
    (scene, roles)
}

fn program(script: &str) -> Work {
    let program = serde_json::json!({
        "key": "program", "runtime": "EXEC", "command": ["/bin/sh", "-c", script],
    });
    Work::Program(serde_json::from_value(program).expect("a program"))
}

/// A workflow whose runs show that executors are there and take what they may.
fn canary() -> Definition {
    graph("only")
}

impl Scene {
    fn may_end(&self) {
        fs::write(self.folder.path().join("may-end"), "").expect("a file is written");
    }

    /// The processes of the run.
    fn processes(&self) -> usize {
        let alive = |path: &Path| {
            let command = fs::read(path.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&self.mark)
        };
        let all = fs::read_dir("/proc").expect("the processes of the machine");
        all.flatten().filter(|entry| alive(&entry.path())).count()
    }

    async fn until_processes(&self, wanted: impl Fn(usize) -> bool) {
        let watched = async {
            while !wanted(self.processes()) {
                let _: i32 = self.world.value("SELECT 1", &[]).await;
            }
        };
        let seen = tokio::time::timeout(std::time::Duration::from_secs(30), watched).await;
        assert!(seen.is_ok(), "{} processes are there", self.processes());
    }

    async fn until_it_is(&self, key: &str, state: &str) {
        let query = format!(
            "SELECT EXISTS (SELECT FROM dispatch AS d JOIN task_runs AS t ON t.id = d.task_run_id
                WHERE t.run_id = '{}' AND t.key = '{key}' AND d.state = '{state}')",
            self.run
        );
        self.world.until_seen(&query).await;
    }

    async fn until_ended(&self, run: RunId) {
        let query = format!("SELECT finished_at IS NOT NULL FROM runs WHERE id = '{run}'");
        self.world.until_seen(&query).await;
    }

    /// Kills everybody, and waits until nothing of the run is left on the machine.
    async fn kill(&self, roles: [RoleProcess; 2]) {
        for role in roles {
            role.kill().await;
        }
        self.until_processes(|count| count == 0).await;
    }

    /// Others come, and the lease of the dead executor is over.
    async fn carry_on(&self) -> [RoleProcess; 2] {
        let roles = [
            self.world.role("scheduler", &[]),
            self.world.role("executor", &["--key", "second", "--slots", "4"]),
        ];
        self.world
            .execute(
                "UPDATE executors SET lease_until = present() - interval '1 second' WHERE key = 'doomed'",
                &[],
            )
            .await;
        roles
    }

    /// A run of another workflow goes through: whoever could start something has had the chance.
    async fn see_a_canary_through(&self) {
        let canary = self.world.start(self.tenant, "canary").await;
        self.until_ended(canary).await;
    }

    async fn state(&self, key: &str) -> String {
        self.world
            .value(
                "SELECT state FROM task_runs WHERE run_id = $1::text::uuid AND key = $2",
                &[&self.run.to_string(), &key],
            )
            .await
    }

    /// How the attempts of a node ended, and how many started.
    async fn attempts(&self, key: &str) -> Vec<String> {
        self.world
            .column(
                "SELECT a.outcome FROM attempts AS a JOIN task_runs AS t ON t.id = a.task_run_id
                WHERE t.run_id = $1::text::uuid AND t.key = $2 ORDER BY a.number",
                &[&self.run.to_string(), &key],
            )
            .await
    }
}

/// Of a stopped run nothing starts, and nothing is left running.
async fn nothing_is_left_of(control: Control) {
    let (scene, roles) = scene(control).await;
    scene.until_processes(|count| count > 1).await;
    control
        .apply(&scene.world, scene.tenant, scene.run, "a")
        .await
        .expect("the run is stopped");
    let before = started(&scene.world, scene.run).await;
    scene.kill(roles).await;
    let _others = scene.carry_on().await;
    scene.until_ended(scene.run).await;
    scene.see_a_canary_through().await;
    assert_eq!(started(&scene.world, scene.run).await, before);
    assert!(
        scene.world.tree(scene.run).await.starts_with("run CANCELLED"),
        "{control:?}"
    );
    for key in ["b", "c"] {
        assert_eq!(scene.attempts(key).await, [""; 0], "{control:?} of {key}");
    }
    assert_eq!(scene.processes(), 0, "{control:?}");
}

#[tokio::test]
async fn nothing_is_left_of_a_cancelled_run_although_everybody_was_killed() {
    nothing_is_left_of(Control::Cancel).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_terminated_run_although_everybody_was_killed() {
    nothing_is_left_of(Control::Terminate).await;
}

#[tokio::test]
async fn a_paused_run_starts_nothing_although_everybody_was_killed_and_goes_on_with_others() {
    let (scene, roles) = scene(Control::Pause).await;
    scene.until_processes(|count| count > 1).await;
    Control::Pause
        .apply(&scene.world, scene.tenant, scene.run, "a")
        .await
        .expect("the run is paused");
    scene.kill(roles).await;
    let before = started(&scene.world, scene.run).await;
    let _others = scene.carry_on().await;
    scene.until_it_is("a", "READY").await;
    scene.see_a_canary_through().await;
    assert_eq!(started(&scene.world, scene.run).await, before);
    scene.may_end();
    resume(&scene.world, scene.tenant, scene.run).await;
    // The resume is told to this process only; the others look by themselves.
    scene.until_ended(scene.run).await;
    assert_eq!(scene.attempts("a").await, ["FAULT", "SUCCEEDED"]);
    assert!(scene.world.tree(scene.run).await.starts_with("run SUCCEEDED"));
}

/// What was skipped or marked is never begun, and what ran is made again.
async fn never_begins_after(control: Control, b: &str, c: &str) {
    let (scene, roles) = scene(control).await;
    scene.until_processes(|count| count > 1).await;
    control
        .apply(&scene.world, scene.tenant, scene.run, "b")
        .await
        .expect("the task run waits for a slot");
    scene.kill(roles).await;
    scene.may_end();
    let _others = scene.carry_on().await;
    scene.until_ended(scene.run).await;
    assert_eq!(scene.attempts("a").await, ["FAULT", "SUCCEEDED"]);
    assert_eq!(scene.attempts("b").await, [""; 0]);
    assert_eq!([scene.state("b").await, scene.state("c").await], [b, c]);
}

#[tokio::test]
async fn what_was_skipped_stays_so_although_everybody_was_killed() {
    never_begins_after(Control::Skip, "SKIPPED", "SKIPPED").await;
}

#[tokio::test]
async fn what_was_marked_stays_so_although_everybody_was_killed() {
    never_begins_after(Control::Mark, "SUCCEEDED", "SUCCEEDED").await;
}

#[tokio::test]
async fn an_attempt_that_was_brought_forward_is_made_although_everybody_was_killed() {
    let (scene, roles) = scene(Control::Retry).await;
    scene.until_it_is("a", "RETRY_WAIT").await;
    scene.may_end();
    Control::Retry
        .apply(&scene.world, scene.tenant, scene.run, "a")
        .await
        .expect("the task run waits for its next attempt");
    scene.kill(roles).await;
    let _others = scene.carry_on().await;
    let succeeded = format!(
        "SELECT EXISTS (SELECT FROM task_runs WHERE run_id = '{}' AND key = 'a' AND state = 'SUCCEEDED')",
        scene.run
    );
    scene.world.until_seen(&succeeded).await;
    let attempts = scene.attempts("a").await;
    assert_eq!(attempts.first().map(String::as_str), Some("FAILED"));
    let successes = attempts.iter().filter(|outcome| *outcome == "SUCCEEDED");
    assert_eq!(successes.count(), 1, "{attempts:?}");
    scene.until_ended(scene.run).await;
}
