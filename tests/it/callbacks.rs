//! Endpoints that finish later, with nothing simulated: processes of the one binary, a server that answers 202, and calls to the
//! address that it was given.

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::binary::RoleProcess;
use waterclock_tests::endpoint::FakeEndpoint;

use crate::graphql::start;
use crate::performing::publish_endpoint;

/// All roles as processes of their own, and an endpoint that calls back when the test does.
struct Scene {
    world: World,
    _api: Api,
    client: Client,
    endpoint: FakeEndpoint,
    executor: RoleProcess,
    _roles: [RoleProcess; 2],
}

/// A port of this machine that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a port").port()
}

impl Scene {
    async fn set() -> Self {
        let world = World::that_comes_to_rest().await;
        let address = format!("127.0.0.1:{}", free_port());
        let secret = "kT4-vB9_qL2.xZ7!mN5wR8@cD1gH6#sJ";
        let roles = [
            world.role("api", &["--listen", &address, "--jwt-secret", secret]),
            world.role("scheduler", &[]),
        ];
        let public = format!("http://{address}");
        let executor = world.role(
            "executor",
            &[
                "--key",
                "one",
                "--public-url",
                &public,
                "--allow-network",
                "127.0.0.0/8",
            ],
        );
        let api = world.serve().await;
        until_it_answers(&format!("{public}/livez")).await;
        Self {
            client: api.admin("acme"),
            endpoint: FakeEndpoint::answering(|_| (202, String::new())).await,
            _api: api,
            executor,
            _roles: roles,
            world,
        }
    }

    /// Publishes a workflow of the endpoint.
    async fn publish(&self) {
        let spec = json!({ "method": "POST", "url": self.endpoint.url, "callback": { "deadline": "PT1H" } });
        publish_endpoint(&self.client, "later", spec).await;
    }

    /// Starts a run, and gives it with the address that the endpoint was told, once it has answered.
    async fn run(&self) -> (String, String) {
        let before = self.endpoint.received().len();
        let run = start(&self.client, "later").await;
        self.world
            .until_seen("SELECT EXISTS (SELECT FROM dispatch WHERE hold = 'CALLBACK')")
            .await;
        let received = self.endpoint.received();
        assert_eq!(received.len(), before + 1);
        let url = &received[before].headers["waterclock-callback-url"];
        (run, url.to_str().expect("an address").to_owned())
    }

    /// The run, once it has ended.
    async fn ended(&self, run: &str) -> Value {
        self.world
            .until_seen("SELECT NOT EXISTS (SELECT FROM runs WHERE finished_at IS NULL)")
            .await;
        let document = "query ($id: ID!) { run(id: $id) { state stateReason
            taskRuns { nodes { state output attempts { nodes { outcome } } } } } }";
        self.client.ask(document, json!({ "id": run })).await["run"].take()
    }
}

async fn until_it_answers(url: &str) {
    let asking = async { while reqwest::get(url).await.is_err() {} };
    let answered = tokio::time::timeout(Duration::from_secs(30), asking).await;
    answered.expect("the process serves");
}

/// Calls back, and gives the status.
async fn call_back(url: &str, said: &str) -> u16 {
    let request = reqwest::Client::new().post(url).body(said.to_owned());
    let answer = request.send().await.expect("an answer");
    answer.status().as_u16()
}

const DONE: &str = r#"{"outcome": "SUCCEEDED", "outputs": {"rows": 3}}"#;

#[tokio::test]
async fn an_endpoint_ends_its_attempt_by_one_call_and_no_second() {
    let scene = Scene::set().await;
    scene.publish().await;
    let (run, url) = scene.run().await;
    assert_eq!(call_back(&url, "{").await, 400);
    assert_eq!(call_back(&url, DONE).await, 204);
    let ended = scene.ended(&run).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended:#}");
    assert_eq!(ended["taskRuns"]["nodes"][0]["output"], json!({ "rows": 3 }));
    assert_eq!(call_back(&url, DONE).await, 404);
}

#[tokio::test]
async fn an_endpoint_calls_back_although_the_executor_that_called_it_is_gone() {
    let scene = Scene::set().await;
    scene.publish().await;
    let (run, url) = scene.run().await;
    scene.executor.kill().await;
    scene
        .world
        .execute(
            "UPDATE executors SET lease_until = present() - interval '1 second'",
            &[],
        )
        .await;
    scene
        .world
        .until_seen("SELECT bool_and(ended_at IS NOT NULL) FROM executors")
        .await;
    assert_eq!(call_back(&url, DONE).await, 204);
    scene
        .world
        .until_seen("SELECT NOT EXISTS (SELECT FROM runs WHERE finished_at IS NULL)")
        .await;
    let document = "query ($id: ID!) { run(id: $id) { state } }";
    let seen = scene.client.ask(document, json!({ "id": run })).await;
    assert_eq!(seen["run"]["state"], "SUCCEEDED", "{seen:#}");
}

#[tokio::test]
async fn an_endpoint_that_calls_back_after_its_deadline_or_after_a_cancel_is_not_heard() {
    let scene = Scene::set().await;
    scene.publish().await;
    let (run, url) = scene.run().await;
    let over = "UPDATE timers SET due_at = present() WHERE kind = 'CALLBACK_DUE'";
    assert_eq!(scene.world.execute(over, &[]).await, 1);
    let ended = scene.ended(&run).await;
    assert_eq!(ended["state"], "FAILED", "{ended:#}");
    let node = &ended["taskRuns"]["nodes"][0];
    assert_eq!(node["attempts"]["nodes"], json!([{ "outcome": "TIMED_OUT" }]));
    assert_eq!(call_back(&url, DONE).await, 404);

    let (run, url) = scene.run().await;
    scene.client.mutate("cancelRun", json!({ "id": run }), "").await;
    assert_eq!(call_back(&url, DONE).await, 404);
    let ended = scene.ended(&run).await;
    assert_eq!(ended["state"], "CANCELLED", "{ended:#}");
}
