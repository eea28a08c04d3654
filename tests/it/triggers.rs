//! Triggers as their users meet them: what happens is said through the API, and what becomes of it is asked there.

mod rings;

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_api::auth::Scope;
use waterclock_core::run::Outcome;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::world::{Process, Running};
use waterclock_tests::{World, succeed};

use crate::graphql::{cursor, publish_no_ops, start};

/// A tenant with the workflows `pay`, which triggers wait for, and `ship`, which they start.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) api: Api,
    pub(crate) client: Client,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let world = World::new().await;
        let api = world.serve().await;
        let client = api.admin("acme");
        publish_no_ops(&client, "ship", &["only"], &[]).await;
        let pay = json!({
            "key": "pay", "publish": true, "timeout": { "after": "PT1H" },
            "nodes": [{ "key": "only", "taskNode": { "key": "ship" } }],
            "outputs": [{ "name": "state", "value": "nodes.only.state" }],
        });
        client.mutate("createWorkflow", pay, "").await;
        Self { world, api, client }
    }

    /// What `createTrigger` says to a trigger of `ship`.
    pub(crate) async fn try_trigger(&self, key: &str, on: Value, more: Value) -> Value {
        let mut input = json!({ "key": key, "workflow": { "key": "ship" }, "on": on });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        let selection = "trigger { id revision on { webhook { path } } } webhookSecret";
        self.client.try_mutate("createTrigger", input, selection).await
    }

    /// Makes a trigger of `ship` and gives its id.
    pub(crate) async fn trigger(&self, key: &str, on: Value, more: Value) -> String {
        let made = self.try_trigger(key, on, more).await;
        assert_eq!(made["userErrors"], json!([]), "{key}");
        made["trigger"]["id"].as_str().expect("an id").to_owned()
    }

    /// Publishes an event, and gives how many triggers it fires.
    async fn publish(&self, name: &str, key: Option<&str>, payload: Value) -> i64 {
        let input = json!({ "name": name, "key": key, "payload": payload });
        let made = self
            .client
            .mutate("publishEvent", input, "event { firedTriggerCount }")
            .await;
        made["event"]["firedTriggerCount"].as_i64().expect("a number")
    }

    /// Waits until nothing is left to be decided about.
    pub(crate) async fn until_decided(&self) {
        self.world
            .until_seen(
                "SELECT NOT EXISTS (SELECT FROM firings WHERE outcome = 'PENDING')
                    AND NOT EXISTS (SELECT FROM watched_runs WHERE ended_as IS NOT NULL)",
            )
            .await;
    }

    /// What became of the firings of the trigger, the oldest first: the outcome, and why.
    pub(crate) async fn told(&self, key: &str) -> Vec<String> {
        self.firings(key)
            .await
            .iter()
            .map(|firing| match firing["reason"].as_str() {
                Some(reason) => format!("{}: {reason}", firing["outcome"].as_str().expect("an outcome")),
                None => firing["outcome"].as_str().expect("an outcome").to_owned(),
            })
            .collect()
    }

    /// The firings of the trigger, the oldest first.
    pub(crate) async fn firings(&self, key: &str) -> Vec<Value> {
        let document = "query ($key: String!) { trigger(key: $key) { firings(first: 100) { nodes {
            id outcome reason facts run { id trigger startedBy priority inputs firing { id } } } } } }";
        let mut answer = self.client.ask(document, json!({ "key": key })).await;
        let mut firings = match answer["trigger"]["firings"]["nodes"].take() {
            Value::Array(firings) => firings,
            other => panic!("{other}"),
        };
        firings.reverse();
        firings
    }
}

fn paid() -> Value {
    json!({ "event": { "name": "paid" } })
}

fn pay_ended(states: Value, same_period: bool) -> Value {
    let mut ended = json!({ "workflow": { "key": "pay" }, "samePeriod": same_period });
    if !states.is_null() {
        ended["states"] = states;
    }
    json!({ "runEnded": ended })
}

#[tokio::test]
async fn an_event_starts_what_waits_for_it_and_the_filter_lets_through() {
    let scene = Scene::set().await;
    let _scheduler = scene.world.scheduler();
    let more = json!({
        "filter": "event.payload.amount > 100", "inputs": { "from": "shop" }, "priority": 7,
        "computedInputs": [{ "name": "order", "value": "event.key" }, { "name": "twice", "value": "event.payload.amount * 2" }],
    });
    scene.trigger("large", paid(), more).await;
    let about = json!({ "event": { "name": "paid", "key": "7" } });
    scene.trigger("seven", about, json!({})).await;
    assert_eq!(
        scene.publish("paid", Some("7"), json!({ "amount": 120 })).await,
        2
    );
    assert_eq!(scene.publish("paid", Some("8"), json!({ "amount": 80 })).await, 1);
    assert_eq!(scene.publish("paid", None, json!({ "sum": 1 })).await, 1);
    assert_eq!(scene.publish("refunded", None, json!({})).await, 0);
    scene.until_decided().await;
    let told = scene.told("large").await;
    assert_eq!(told.len(), 3, "{told:#?}");
    assert_eq!(told[0], "FIRED");
    assert_eq!(told[1], "FILTERED: its trigger's filter was false");
    assert!(
        told[2].starts_with("REJECTED: the filter cannot be told: "),
        "{told:#?}"
    );
    assert!(told[2].contains("amount"), "{told:#?}");
    assert_eq!(scene.told("seven").await, ["FIRED"]);
    let firing = &scene.firings("large").await[0];
    assert_eq!(
        (
            &firing["run"]["trigger"],
            &firing["run"]["startedBy"],
            &firing["run"]["priority"]
        ),
        (&json!("EVENT"), &json!("trigger:large"), &json!(7))
    );
    assert_eq!(
        firing["run"]["inputs"],
        json!({ "from": "shop", "order": "7", "twice": 240 })
    );
    assert_eq!(firing["run"]["firing"]["id"], firing["id"]);
    assert_eq!(firing["facts"]["event"]["publishedBy"], "somebody of acme");
}

#[tokio::test]
async fn each_event_fires_once_although_schedulers_die_and_come_back() {
    const EVENTS: i64 = 120;
    let scene = Scene::set().await;
    let world = &scene.world;
    let more = json!({ "computedInputs": [{ "name": "n", "value": "event.payload.n" }] });
    scene.trigger("each", paid(), more).await;
    let publishing = async {
        for n in 0..EVENTS {
            scene.publish("paid", None, json!({ "n": n })).await;
        }
    };
    let dying = async {
        let _hearing = world.relay();
        for round in 1..=8 {
            let processes = [world.process(), world.process()];
            let schedulers = processes.each_ref().map(Process::scheduler);
            let most = EVENTS * round / 9;
            let decided = format!("SELECT count(*) >= {most} FROM firings WHERE outcome <> 'PENDING'");
            world.until_seen(&decided).await;
            for scheduler in schedulers {
                scheduler.kill().await;
            }
        }
    };
    tokio::join!(publishing, dying);
    let _scheduler = world.scheduler();
    scene.until_decided().await;
    let counted: Vec<i64> = world
        .column(
            "SELECT count(*) FROM firings WHERE outcome = 'FIRED'
             UNION ALL SELECT count(DISTINCT run_id) FROM firings
             UNION ALL SELECT count(*) FROM runs
             UNION ALL SELECT count(DISTINCT inputs) FROM runs
             UNION ALL SELECT count(*) FROM events WHERE kind = 'FIRING_DECIDED'",
            &[],
        )
        .await;
    assert_eq!(counted, [EVENTS; 5]);
}

/// Starts `pay` and waits until somebody may take it.
async fn start_pay(scene: &Scene) -> String {
    start(&scene.client, "pay").await
}

#[tokio::test]
async fn the_end_of_a_run_starts_what_waits_for_ends_of_its_kind() {
    let scene = Scene::set().await;
    let _scheduler = scene.world.scheduler();
    let computed = |value: &str| json!({ "computedInputs": [{ "name": "told", "value": value }] });
    let outputs = computed("upstream.outputs.state + ' ' + upstream.workflow");
    scene
        .trigger("well", pay_ended(json!(null), false), outputs)
        .await;
    let others = pay_ended(json!(["FAILED", "CANCELLED", "TIMED_OUT"]), false);
    scene.trigger("badly", others, computed("upstream.state")).await;
    let executor = scene.world.executor("one").slots(4).only_for("acme").join().await;

    // Both are taken before either ends: what its end starts is for the same executor.
    start_pay(&scene).await;
    let first = executor.take_one().await;
    start_pay(&scene).await;
    let second = executor.take_one().await;
    executor.exchange(vec![succeed(&first)], 0).await;
    executor.report(&second, Outcome::Failed).await;
    scene.until_decided().await;
    let queued = start_pay(&scene).await;
    scene
        .client
        .mutate("cancelRun", json!({ "id": queued }), "")
        .await;
    scene.until_decided().await;
    let running = start_pay(&scene).await;
    let third = executor.take(4).await;
    scene
        .client
        .mutate("terminateRun", json!({ "id": running }), "")
        .await;
    for assignment in &third {
        executor.report(assignment, Outcome::Cancelled).await;
    }
    scene.until_decided().await;
    start_pay(&scene).await;
    scene.world.advance(Duration::from_hours(2)).await;
    scene
        .world
        .until_seen("SELECT EXISTS (SELECT FROM runs WHERE state = 'TIMED_OUT')")
        .await;
    scene.until_decided().await;

    let inputs = |firings: Vec<Value>| -> Vec<String> {
        let told = |firing: &Value| firing["run"]["inputs"]["told"].as_str().unwrap_or("-").to_owned();
        firings.iter().map(told).collect()
    };
    assert_eq!(inputs(scene.firings("well").await), ["SUCCEEDED pay"]);
    assert_eq!(
        inputs(scene.firings("badly").await),
        ["FAILED", "CANCELLED", "CANCELLED", "TIMED_OUT"]
    );
    let firing = &scene.firings("well").await[0];
    assert_eq!(firing["run"]["trigger"], "RUN_ENDED");
    assert_eq!(firing["facts"]["occurrence"], json!(null));
}

#[tokio::test]
async fn a_run_within_another_fires_nothing() {
    let scene = Scene::set().await;
    let _scheduler = scene.world.scheduler();
    let any = json!(["SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT"]);
    scene.trigger("after", pay_ended(any, false), json!({})).await;
    let outer = json!({
        "key": "outer", "publish": true, "nodes": [{ "key": "inner", "workflow": { "key": "pay" } }],
    });
    scene.client.mutate("createWorkflow", outer, "").await;
    let _executor = scene
        .world
        .executor("one")
        .slots(2)
        .only_for("acme")
        .join()
        .await
        .perform(succeed);
    start(&scene.client, "outer").await;
    scene.world.until_all_ended().await;
    scene.until_decided().await;
    let within: i64 = scene
        .world
        .value(
            "SELECT count(*) FROM runs WHERE depth = 1 AND state = 'SUCCEEDED'",
            &[],
        )
        .await;
    assert_eq!(within, 1);
    assert_eq!(scene.told("after").await, [""; 0]);
    start_pay(&scene).await;
    scene
        .world
        .until_seen("SELECT EXISTS (SELECT FROM firings WHERE outcome = 'FIRED')")
        .await;
}

#[tokio::test]
async fn a_run_for_the_same_period_has_the_occurrence_of_the_one_that_ended() {
    let scene = Scene::set().await;
    let _scheduler = scene.world.scheduler();
    let computed = json!({ "computedInputs": [{ "name": "day", "value": "occurrence.businessDate" }] });
    scene
        .trigger("same", pay_ended(json!(["CANCELLED"]), true), computed)
        .await;
    let schedule = json!({
        "key": "daily", "workflow": { "key": "pay" },
        "timing": { "rule": { "at": { "instants": ["2070-01-01T00:00:00Z"] } }, "timeZone": "Europe/Berlin" },
    });
    let made = scene
        .client
        .mutate("createSchedule", schedule, "schedule { id }")
        .await;
    let asked = json!({ "id": made["schedule"]["id"] });
    let asked = scene
        .client
        .mutate("triggerNow", asked, "occurrence { run { id } }")
        .await;
    let of_schedule = asked["occurrence"]["run"]["id"].clone();
    let plain = start_pay(&scene).await;
    for run in [of_schedule, json!(plain)] {
        scene.client.mutate("cancelRun", json!({ "id": run }), "").await;
        scene.until_decided().await;
    }
    let told = scene.told("same").await;
    assert_eq!(told[0], "FIRED");
    assert!(
        told[1].starts_with("REJECTED: the run ") && told[1].contains("no occurrence of a schedule"),
        "{told:#?}"
    );
    let same: bool = scene
        .world
        .value(
            "SELECT t.occurrence = s.occurrence AND t.inputs ->> 'day' = s.occurrence ->> 'businessDate' AND t.schedule_id IS NULL
             FROM runs AS t, runs AS s WHERE t.trigger = 'RUN_ENDED' AND s.trigger = 'SCHEDULE'",
            &[],
        )
        .await;
    assert!(same);
}

#[tokio::test]
async fn a_paused_trigger_records_and_starts_nothing_and_makes_up_for_nothing() {
    let scene = Scene::set().await;
    let id = scene.trigger("each", paid(), json!({})).await;
    // Nobody schedules: what has happened by now is decided about by whoever changes the trigger.
    scene.publish("paid", None, json!(1)).await;
    assert_eq!(scene.told("each").await, ["PENDING"]);
    let pause = json!({ "id": id, "reason": "the bank is closed" });
    let paused = scene
        .client
        .mutate("pauseTrigger", pause, "trigger { state stateReason changedBy }")
        .await;
    assert_eq!(
        paused["trigger"],
        json!({ "state": "PAUSED", "stateReason": "the bank is closed", "changedBy": "somebody of acme" })
    );
    scene.publish("paid", None, json!(2)).await;
    let resumed = scene
        .client
        .mutate(
            "resumeTrigger",
            json!({ "id": id }),
            "trigger { state stateReason }",
        )
        .await;
    assert_eq!(
        resumed["trigger"],
        json!({ "state": "ACTIVE", "stateReason": null })
    );
    let _scheduler = scene.world.scheduler();
    scene.publish("paid", None, json!(3)).await;
    scene.until_decided().await;
    assert_eq!(
        scene.told("each").await,
        ["FIRED", "PAUSED: its trigger was paused", "FIRED"]
    );
}

#[tokio::test]
async fn what_happened_before_an_edit_is_judged_by_what_the_trigger_was() {
    let scene = Scene::set().await;
    let id = scene
        .trigger("each", paid(), json!({ "filter": "event.payload == 1" }))
        .await;
    scene.publish("paid", None, json!(1)).await;
    let edit = json!({
        "id": id, "expectedRevision": 1, "workflow": { "key": "ship" }, "on": { "event": { "name": "sent" } },
        "filter": "event.payload == 2",
    });
    let made = scene
        .client
        .mutate("updateTrigger", edit, "trigger { revision filter }")
        .await;
    assert_eq!(
        made["trigger"],
        json!({ "revision": 2, "filter": "event.payload == 2" })
    );
    assert_eq!(scene.told("each").await, ["FIRED"]);
    assert_eq!(scene.publish("paid", None, json!(2)).await, 0);
    assert_eq!(scene.publish("sent", None, json!(2)).await, 1);
    let _scheduler = scene.world.scheduler();
    scene.until_decided().await;
    assert_eq!(scene.told("each").await, ["FIRED", "FIRED"]);
    let other = json!({
        "id": id, "expectedRevision": 2, "workflow": { "key": "ship" }, "on": { "webhook": { "scheme": "GITHUB" } },
    });
    let payload = scene.client.try_mutate("updateTrigger", other, "").await;
    assert_eq!(
        payload["userErrors"][0]["path"],
        json!(["input", "on"]),
        "{payload:#}"
    );
}

#[tokio::test]
async fn an_event_that_is_published_again_under_its_key_fires_nothing_again() {
    let scene = Scene::set().await;
    scene.trigger("each", paid(), json!({})).await;
    let input = json!({ "name": "paid", "payload": 1, "idempotencyKey": "once" });
    let publish = async |input| {
        let selection = "event { id firedTriggerCount wokenTaskRunCount }";
        scene.client.mutate("publishEvent", input, selection).await
    };
    let first = publish(input.clone()).await;
    assert_eq!(first["event"]["firedTriggerCount"], 1);
    assert_eq!(publish(input).await, first);
    let _scheduler = scene.world.scheduler();
    scene.until_decided().await;
    assert_eq!(scene.told("each").await, ["FIRED"]);
}

/// What a transaction decides about is bounded, so an edit that finds more takes several.
#[tokio::test]
async fn all_that_happened_before_an_edit_is_judged_however_much_it_is() {
    const HAPPENED: usize = 220;
    let scene = Scene::set().await;
    let id = scene
        .trigger("each", paid(), json!({ "filter": "event.payload == 1" }))
        .await;
    for _ in 0..HAPPENED {
        scene.publish("paid", None, json!(1)).await;
    }
    let edit = json!({
        "id": id, "expectedRevision": 1, "workflow": { "key": "ship" }, "on": paid(),
        "filter": "event.payload == 2",
    });
    scene
        .client
        .mutate("updateTrigger", edit, "trigger { revision }")
        .await;
    let decided: String = scene
        .world
        .value(
            "SELECT string_agg(format('%s %s', outcome, n), ', ')
             FROM (SELECT outcome, count(*) AS n FROM firings GROUP BY outcome) AS told",
            &[],
        )
        .await;
    assert_eq!(decided, format!("FIRED {HAPPENED}"));
}

#[tokio::test]
async fn what_cannot_run_is_rejected_with_the_reason() {
    let scene = Scene::set().await;
    let _scheduler = scene.world.scheduler();
    let nodes = json!([{ "key": "only", "taskNode": { "key": "ship" } }]);
    let draft = json!({ "key": "draft", "nodes": nodes });
    scene.client.mutate("createWorkflow", draft, "").await;
    let choosy = json!({
        "key": "choosy", "publish": true, "nodes": nodes, "inputs": [{ "name": "day", "type": "STRING", "required": true }],
    });
    scene.client.mutate("createWorkflow", choosy, "").await;
    let to = |workflow: &str| json!({ "workflow": { "key": workflow } });
    scene.trigger("unpublished", paid(), to("draft")).await;
    let mut more = to("choosy");
    let refused = scene.try_trigger("refused", paid(), more.clone()).await;
    assert_eq!(
        refused["userErrors"][0]["path"],
        json!(["input", "inputs", "day"])
    );
    more["computedInputs"] = json!([{ "name": "day", "value": "event.payload" }]);
    scene.trigger("choosy", paid(), more).await;
    scene.publish("paid", None, json!(3)).await;
    scene.publish("paid", None, json!("today")).await;
    scene.until_decided().await;
    let told = scene.told("unpublished").await;
    assert!(told[0].contains("no published version"), "{told:#?}");
    let told = scene.told("choosy").await;
    assert!(
        told[0].starts_with("REJECTED: the workflow does not take its inputs"),
        "{told:#?}"
    );
    assert_eq!(told[1], "FIRED");
}

#[tokio::test]
async fn what_is_beyond_the_quota_is_rejected_for_that() {
    let scene = Scene::set().await;
    let platform = scene.api.client("operations", &[Scope::Platform]);
    let quota = json!({ "tenant": "acme", "mostLiveRuns": 2 });
    platform.mutate("setQuotas", quota, "").await;
    scene.trigger("each", paid(), json!({})).await;
    for n in 0..4 {
        scene.publish("paid", None, json!(n)).await;
    }
    let _scheduler = scene.world.scheduler();
    scene.until_decided().await;
    let told = scene.told("each").await;
    assert_eq!(told[..2], ["FIRED", "FIRED"]);
    for told in &told[2..] {
        assert!(
            told.starts_with("REJECTED_QUOTA: the tenant has 2 live runs"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_deleted_trigger_fires_no_more_and_its_firings_stay() {
    let scene = Scene::set().await;
    let id = scene.trigger("each", paid(), json!({})).await;
    scene
        .trigger("after", pay_ended(json!(["CANCELLED"]), false), json!({}))
        .await;
    scene.publish("paid", None, json!(1)).await;
    for workflow in ["pay", "ship"] {
        let document = "query ($key: String!) { workflow(key: $key) { id revision } }";
        let found = scene.client.ask(document, json!({ "key": workflow })).await["workflow"].take();
        let delete = json!({ "id": found["id"], "expectedRevision": found["revision"] });
        let payload = scene.client.try_mutate("deleteWorkflow", delete, "").await;
        let message = payload["userErrors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains("after"), "{payload:#}");
    }
    let firing = scene.firings("each").await[0]["id"].clone();
    let delete = json!({ "id": id, "expectedRevision": 1 });
    scene.client.mutate("deleteTrigger", delete, "deletedId").await;
    assert_eq!(scene.publish("paid", None, json!(2)).await, 0);
    let document =
        "query ($id: ID!) { node(id: $id) { ... on Firing { outcome trigger { key } run { state } } } }";
    let kept = scene.client.ask(document, json!({ "id": firing })).await;
    assert_eq!(
        kept["node"],
        json!({ "outcome": "FIRED", "trigger": null, "run": { "state": "QUEUED" } })
    );
    let watched: i64 = scene
        .world
        .value("SELECT count(*) FROM workflow_watchers", &[])
        .await;
    assert_eq!(watched, 1, "the other trigger watches, and nobody else");
}

#[tokio::test]
async fn decisions_are_followed_each_once_and_in_order() {
    let scene = Scene::set().await;
    let id = scene.trigger("mine", paid(), json!({})).await;
    scene.trigger("other", paid(), json!({})).await;
    let after = cursor(&scene.client).await;
    let document = "subscription ($id: ID, $after: String) { firings(triggerId: $id, after: $after) {
        cursor firing { trigger { key } outcome facts } } }";
    let variables = json!({ "id": id, "after": after });
    let mut following = scene.client.follow(document, variables).await;
    let _scheduler: Running = scene.world.scheduler();
    for n in 0..3 {
        scene.publish("paid", None, json!(n)).await;
    }
    for n in 0..3 {
        let heard = following.next().await.expect("a decision");
        assert_eq!(heard["firing"]["trigger"]["key"], "mine");
        assert_eq!(heard["firing"]["facts"]["event"]["payload"], json!(n));
        assert_eq!(heard["firing"]["outcome"], "FIRED");
    }
    let listed = scene
        .client
        .ask(
            "{ triggers(filter: { keyPrefix: \"m\" }) { nodes { key on { event { name } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        listed["triggers"]["nodes"],
        json!([{ "key": "mine", "on": { "event": { "name": "paid" } } }])
    );
}
