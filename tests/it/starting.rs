//! Runs are started as they are wished for, once, and without one caller's mistake touching another's run.

use futures_util::future::join_all;
use serde_json::{Value, json};
use waterclock_core::command::start_run::{RunStarter, StartRun, StartedRun};
use waterclock_core::error::{CommandError, RefusalCode};
use waterclock_core::id::TenantId;
use waterclock_core::signal::Signals;
use waterclock_core::workflow::{Definition, InputSpec, InputType};
use waterclock_tests::world::{SUBJECT, request};
use waterclock_tests::{World, graph, succeed};

fn named(workflow: &str, key: &str) -> StartRun {
    StartRun {
        idempotency_key: Some(key.to_owned()),
        ..request(workflow)
    }
}

fn with_inputs(workflow: &str, inputs: &Value) -> StartRun {
    StartRun {
        inputs: inputs.as_object().expect("an object").clone(),
        ..request(workflow)
    }
}

/// Somebody of a tenant.
struct Caller<'a> {
    world: &'a World,
    tenant: TenantId,
}

impl Caller<'_> {
    async fn start(&self, requests: Vec<StartRun>) -> Result<Vec<StartedRun>, CommandError> {
        self.world.starter.start(self.tenant, SUBJECT, requests).await
    }

    async fn runs(&self) -> i64 {
        self.world.value("SELECT count(*) FROM runs", &[]).await
    }
}

/// Everything that was refused: the code, where, and why.
fn refusals(result: Result<Vec<StartedRun>, CommandError>) -> Vec<String> {
    let Err(CommandError::Refused(refusals)) = result else {
        panic!("the call should have been refused: {result:?}");
    };
    refusals
        .iter()
        .map(|refusal| {
            format!(
                "{:?} {}: {}",
                refusal.code,
                refusal.path.join("."),
                refusal.message
            )
        })
        .collect()
}

#[tokio::test]
async fn the_same_call_made_again_answers_the_same_run() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    let first = caller.start(vec![named("flow", "monday")]).await.unwrap()[0];
    let again = caller.start(vec![named("flow", "monday")]).await.unwrap()[0];
    assert!(!first.replayed && again.replayed);
    assert_eq!((first.id, caller.runs().await), (again.id, 1));
}

#[tokio::test]
async fn two_wishes_under_one_key_in_one_call_are_one_run() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    let started = caller
        .start(vec![named("flow", "monday"), named("flow", "monday")])
        .await
        .unwrap();
    assert_eq!(started[0].id, started[1].id);
    assert_eq!(caller.runs().await, 1);
}

#[tokio::test]
async fn a_key_stands_for_one_input_and_for_one_tenant() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let other = world.tenant("other").await;
    world.publish(other, "flow", &graph("a")).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    caller.start(vec![named("flow", "monday")]).await.unwrap();
    let urgent = StartRun {
        priority: Some(9),
        ..named("flow", "monday")
    };
    let conflict = caller.start(vec![urgent, named("flow", "tuesday")]).await;
    assert!(
        matches!(&conflict, Err(CommandError::IdempotencyConflict(key)) if key == "monday"),
        "{conflict:?}"
    );
    assert_eq!(caller.runs().await, 1, "a call starts all of its runs or none");
    let elsewhere = Caller {
        world: &world,
        tenant: other,
    };
    assert!(!elsewhere.start(vec![named("flow", "monday")]).await.unwrap()[0].replayed);
}

#[tokio::test]
async fn one_key_at_two_processes_at_once_is_one_run() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let starters: Vec<RunStarter> = (0..4)
        .map(|_| RunStarter::new(world.another_pool(), Signals::new()))
        .collect();
    for round in 0..5 {
        let keys = [format!("x{round}"), format!("y{round}")];
        let calls = starters.iter().enumerate().map(|(at, starter)| {
            let mut wishes: Vec<_> = keys.iter().map(|key| named("flow", key)).collect();
            wishes.rotate_left(at % 2);
            starter.start(tenant, SUBJECT, wishes)
        });
        for result in join_all(calls).await {
            result.unwrap();
        }
    }
    let runs: i64 = world.value("SELECT count(*) FROM runs", &[]).await;
    assert_eq!(runs, 10);
}

#[tokio::test]
async fn a_refused_call_among_others_refuses_only_itself() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a -> b")).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    caller.start(vec![named("flow", "taken")]).await.unwrap();
    let calls = (0..40).map(|n| {
        let wish = match n {
            7 => request("no-such-flow"),
            21 => StartRun {
                priority: Some(1),
                ..named("flow", "taken")
            },
            _ => request("flow"),
        };
        caller.start(vec![wish])
    });
    let results = join_all(calls).await;
    let wrong: Vec<usize> = (0..40).filter(|&n| results[n].is_err()).collect();
    assert_eq!(wrong, [7, 21]);
    assert_eq!(caller.runs().await, 39);
    let _executor = world.executor("one").slots(50).join().await.perform(succeed);
    world.until_all_ended().await;
}

#[tokio::test]
async fn many_callers_share_few_transactions() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    let calls = (0..200).map(|_| caller.start(vec![request("flow")]));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let transactions: i64 = world
        .value("SELECT count(DISTINCT xmin::text) FROM runs", &[])
        .await;
    assert!(transactions <= 4, "{transactions} transactions for 200 calls");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let world = World::new().await;
    let tenant = world.tenant("strict").await;
    let integer = InputSpec {
        r#type: InputType::Integer,
        required: true,
        default: None,
        schema: None,
        description: String::new(),
    };
    let definition = Definition {
        inputs: [("count".to_owned(), integer)].into(),
        ..graph("a")
    };
    world.publish(tenant, "strict", &definition).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    let told = refusals(
        caller
            .start(vec![
                with_inputs("strict", &json!({ "count": "three", "colour": "red" })),
                request("strict"),
                StartRun {
                    priority: Some(10),
                    idempotency_key: Some(String::new()),
                    ..request("missing")
                },
                StartRun {
                    priority: Some(-1),
                    idempotency_key: Some("k".repeat(256)),
                    ..with_inputs("strict", &json!({ "count": 3 }))
                },
            ])
            .await,
    );
    insta::assert_snapshot!(told.join("\n"), @r#"
    InvalidInput 0.inputs.colour: the workflow has no input "colour"; it has count
    InvalidInput 0.inputs.count: the input "count" is not of the type Integer
    InvalidInput 1.inputs.count: the input "count" is required
    NotFound 2.workflow: there is no workflow with the key "missing"
    InvalidInput 2.priority: the priority is 0 to 9, not 10
    InvalidInput 2.idempotencyKey: an idempotency key has 1 to 255 bytes
    InvalidInput 3.priority: the priority is 0 to 9, not -1
    InvalidInput 3.idempotencyKey: an idempotency key has 1 to 255 bytes
    "#);
    assert_eq!(caller.runs().await, 0);
}

#[tokio::test]
async fn inputs_are_completed_bounded_and_storable() {
    let world = World::new().await;
    let tenant = world.tenant("inputs").await;
    let spec = InputSpec {
        r#type: InputType::Json,
        required: false,
        default: Some(json!(7)),
        schema: None,
        description: String::new(),
    };
    let definition = Definition {
        inputs: [("a".to_owned(), spec.clone()), ("b".to_owned(), spec)].into(),
        ..graph("a")
    };
    world.publish(tenant, "inputs", &definition).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    caller
        .start(vec![with_inputs("inputs", &json!({ "a": null }))])
        .await
        .unwrap();
    let kept: String = world.value("SELECT inputs::text FROM runs", &[]).await;
    assert_eq!(kept, r#"{"a": null, "b": 7}"#);
    let long = json!({ "a": "x".repeat(256 * 1024) });
    assert_eq!(
        refusals(caller.start(vec![with_inputs("inputs", &long)]).await).len(),
        1
    );
    let nul = json!({ "a": { "k\u{0}": 1 } });
    assert_eq!(
        refusals(caller.start(vec![with_inputs("inputs", &nul)]).await).len(),
        1
    );
    // Text that only looks like an escaped NUL is as good as any.
    let harmless = json!({ "a": "\\u0000" });
    caller
        .start(vec![with_inputs("inputs", &harmless)])
        .await
        .expect("a backslash and some letters can be stored");
}

#[tokio::test]
async fn an_unpublished_workflow_and_another_tenants_are_told_apart_from_nothing_but_the_first() {
    let world = World::new().await;
    let tenant = world.tenant("one").await;
    let other = world.tenant("two").await;
    world.publish(other, "theirs", &graph("a")).await;
    world.publish(tenant, "draft", &graph("a")).await;
    world
        .execute(
            "UPDATE workflows SET published_version_id = NULL WHERE key = 'draft'",
            &[],
        )
        .await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    let mut codes = Vec::new();
    for workflow in ["draft", "theirs", "nobodys"] {
        let Err(CommandError::Refused(refusals)) = caller.start(vec![request(workflow)]).await else {
            panic!("{workflow} was started");
        };
        codes.push(refusals[0].code.clone());
    }
    assert_eq!(
        codes,
        [
            RefusalCode::Conflict,
            RefusalCode::NotFound,
            RefusalCode::NotFound
        ]
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_no_run_with_it() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let calls = (0..20).map(|_| {
        let starter = world.starter.clone();
        async move {
            let call = starter.start(tenant, SUBJECT, vec![request("flow")]);
            let _ = futures_util::poll!(std::pin::pin!(call));
        }
    });
    join_all(calls).await;
    world.until_true("SELECT count(*) = 20 FROM runs").await;
}

#[tokio::test]
async fn nothing_is_started_by_a_call_for_nothing() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let caller = Caller {
        world: &world,
        tenant,
    };
    assert!(caller.start(Vec::new()).await.unwrap().is_empty());
    assert_eq!(caller.runs().await, 0);
}
