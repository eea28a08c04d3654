//! Every door of the API, tried with another tenant's ids.
//!
//! What there is to try is read from the schema. A mutation, a subscription, an argument or a kind of node that nobody has
//! said here how to try fails the test, so that a new one cannot be forgotten.

mod alerts;
mod schedules;
mod steering;
mod triggers;
mod waits;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waterclock_api::auth::Scope;
use waterclock_core::run::Outcome;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::{World, ended};

use crate::graphql::{cursor, publish_no_ops, start};
use crate::introspection::{Schema, is_required, named};
use words::{literal, names, with_unknown_names};

/// A word that is in everything the owner says, and in nothing that a stranger does.
const SECRET_WORD: &str = "confidential";

/// What the owner has: one of each kind of node, and what else things are known by.
struct Estate {
    ids: BTreeMap<String, String>,
    /// Objects of their own for the mutations that would change them, by mutation.
    spares: BTreeMap<&'static str, String>,
    digest: String,
}

/// What deliveries are signed with.
const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// When silences begin: so late that they cover nothing of what a test does.
const FAR: &str = "2070-01-01T00:00:00Z";

/// The key of everything that the owner has.
fn key(of: &str) -> String {
    format!("{SECRET_WORD}-{of}")
}

impl Estate {
    async fn found(world: &World, owner: &Client) -> Self {
        let mut estate = Self {
            ids: BTreeMap::new(),
            spares: BTreeMap::new(),
            digest: owner.upload(&key("job.py"), SECRET_WORD.into()).await,
        };
        let made = async |mutation: &str, input: Value, field: &str| {
            let made = owner.mutate(mutation, input, &format!("{field} {{ id }}")).await;
            made[field]["id"].as_str().expect("an id").to_owned()
        };
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateProgram")),
            ("spare", Some("deleteProgram")),
        ] {
            let input = json!({ "key": key(name), "runtime": "EXEC", "command": ["/bin/true"] });
            estate.keep("Program", spare, made("registerProgram", input, "program").await);
        }
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateEndpoint")),
            ("spare", Some("deleteEndpoint")),
        ] {
            let input = json!({ "key": key(name), "method": "GET", "url": "http://127.0.0.1/" });
            estate.keep(
                "Endpoint",
                spare,
                made("registerEndpoint", input, "endpoint").await,
            );
        }
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateTaskNode")),
            ("spare", Some("deleteTaskNode")),
        ] {
            let input = json!({ "key": key(name), "work": { "noOp": true } });
            estate.keep("TaskNode", spare, made("createTaskNode", input, "taskNode").await);
        }
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateWorkflow")),
            ("unpublished", Some("publishWorkflow")),
            ("superseded", Some("rollBackWorkflow")),
            ("spare", Some("deleteWorkflow")),
        ] {
            let nodes = json!([{ "key": key("node"), "taskNode": { "key": key("main") } }]);
            let input = json!({ "key": key(name), "nodes": nodes, "publish": matches!(spare, None | Some("rollBackWorkflow")) });
            estate.keep("Workflow", spare, made("createWorkflow", input, "workflow").await);
        }
        estate.found_alerts(owner).await;
        let wish = json!({ "workflow": key("main"), "inputs": { SECRET_WORD: SECRET_WORD } });
        let done = made("startRun", wish.clone(), "run").await;
        let executor = world
            .executor(&key("executor"))
            .slots(9)
            .only_for("owner")
            .join()
            .await;
        let first = executor.take_one().await;
        executor.exchange(vec![ended(&first, Outcome::Failed)], 0).await;
        estate.keep("Run", None, done.clone());
        for spare in ["cancelRun", "terminateRun"] {
            estate.keep("Run", Some(spare), made("startRun", wish.clone(), "run").await);
        }
        estate.found_task_runs(world, owner).await;
        estate.found_question(owner).await;
        estate.learn(owner, &done).await;
        estate.learn_of_alerts(world, owner).await;
        estate.found_schedules(owner).await;
        estate.found_triggers(owner).await;
        estate
    }

    fn keep(&mut self, kind: &str, spare: Option<&'static str>, id: String) {
        match spare {
            Some(mutation) => drop(self.spares.insert(mutation, id)),
            None => drop(self.ids.insert(kind.to_owned(), id)),
        }
    }

    /// Finds the ids of what was made on the way.
    async fn learn(&mut self, owner: &Client, run: &str) {
        let answer = owner
            .ask(
                "query ($run: ID!) { viewer { tenant { id } }
                    run(id: $run) { version { id } taskRuns(first: 1) { nodes { id } } }
                    executors(first: 1) { nodes { id } } }",
                json!({ "run": run }),
            )
            .await;
        for (kind, path) in [
            ("Tenant", "/viewer/tenant/id"),
            ("WorkflowVersion", "/run/version/id"),
            ("TaskRun", "/run/taskRuns/nodes/0/id"),
            ("Executor", "/executors/nodes/0/id"),
        ] {
            let id = answer.pointer(path).and_then(Value::as_str);
            let id = id.unwrap_or_else(|| panic!("{path} in {answer:#}"));
            self.ids.insert(kind.to_owned(), id.to_owned());
        }
        self.spares.insert("drainExecutor", self.ids["Executor"].clone());
    }

    /// Everything by which an answer would betray that it is about the owner's things.
    fn traces(&self) -> Vec<&str> {
        let ids = self.ids.values().chain(self.spares.values());
        ids.map(String::as_str)
            .chain([SECRET_WORD, self.digest.as_str()])
            .collect()
    }

    /// What the argument of a field at the root may be, to lead to the owner's things.
    fn argument(&self, field: &str, name: &str, kind: &str) -> Vec<Value> {
        match (name, kind) {
            ("id" | "runId" | "taskRunId", "ID") => self.ids.values().map(|id| json!(id)).collect(),
            ("ids", "ID") => vec![json!(self.ids.values().collect::<Vec<_>>())],
            ("key", "String") if field == "tenant" => vec![json!("owner")],
            ("key", "String") => ["main", "executor"].iter().map(|of| json!(key(of))).collect(),
            ("digest", "String") => vec![json!(self.digest)],
            ("input", "DryRunInput") => vec![
                json!({ "workflow": key("main") }),
                json!({ "versionId": self.ids["WorkflowVersion"] }),
            ],
            ("input", "PreviewScheduleInput") => vec![schedules::preview()],
            ("input", "PreviewBackfillInput") => vec![self.backfill("Schedule")],
            // The fault in it is told to whoever asks; the task node that it names is the owner's.
            ("input", "CreateWorkflowInput") => vec![json!({
                "key": key("theirs"),
                "nodes": [{ "key": key("node"), "taskNode": { "id": self.ids["TaskNode"] } }],
                "edges": [{ "from": key("node"), "to": key("node") }],
            })],
            _ => panic!("nobody has said how to try the argument {name}: {kind} of {field}"),
        }
    }

    /// An input of the mutation that is right in everything, but for whose things it is about.
    fn input(&self, mutation: &str) -> Value {
        let spare = || json!(self.spares[mutation]);
        let node = json!([
            { "key": "a", "taskNode": { "id": self.ids["TaskNode"] } },
            { "key": "b", "workflow": { "key": key("main") } },
        ]);
        match mutation {
            "createTenant" => json!({ "key": "owner" }),
            "setQuotas" => json!({ "tenant": "owner", "mostLiveRuns": 1 }),
            "registerProgram" => {
                json!({ "key": key("theirs"), "runtime": "PYTHON", "package": { "digest": self.digest, "fileName": "a.py" }, "entryPoint": "a.py" })
            }
            "updateProgram" => {
                json!({ "id": spare(), "expectedRevision": 1, "runtime": "EXEC", "command": ["/bin/false"] })
            }
            "registerEndpoint" => {
                json!({ "key": key("theirs"), "method": "GET", "url": "http://127.0.0.1/" })
            }
            "updateEndpoint" => {
                json!({ "id": spare(), "expectedRevision": 1, "method": "GET", "url": "http://127.0.0.2/" })
            }
            "createTaskNode" => {
                json!({ "key": key("theirs"), "work": { "program": { "id": self.ids["Program"] } } })
            }
            "updateTaskNode" => {
                json!({ "id": spare(), "expectedRevision": 1, "work": { "endpoint": { "id": self.ids["Endpoint"] } } })
            }
            "createWorkflow" => json!({ "key": key("theirs"), "nodes": node }),
            "updateWorkflow" => json!({ "id": spare(), "expectedRevision": 1, "nodes": node }),
            "rollBackWorkflow" => json!({ "id": spare(), "number": 1, "expectedRevision": 2 }),
            "publishWorkflow" => json!({ "id": spare(), "expectedRevision": 1 }),
            "deleteProgram" | "deleteEndpoint" | "deleteTaskNode" | "deleteWorkflow" => {
                json!({ "id": spare(), "expectedRevision": 1 })
            }
            "startRun" => json!({ "workflow": key("main") }),
            "startRuns" => json!({ "runs": [{ "workflow": key("main") }] }),
            "pauseRun"
            | "resumeRun"
            | "cancelRun"
            | "terminateRun"
            | "drainExecutor"
            | "testAlertChannel"
            | "endSilence"
            | "resendAlertDelivery" => {
                json!({ "id": spare() })
            }
            "answerApproval" => json!({ "id": spare(), "answer": "APPROVE" }),
            "publishEvent" => json!({ "name": "paid", "payload": {} }),
            _ => self
                .alert_input(mutation)
                .or_else(|| self.steering_input(mutation))
                .or_else(|| self.schedule_input(mutation))
                .or_else(|| self.trigger_input(mutation))
                .unwrap_or_else(|| panic!("nobody has said how to try the mutation {mutation}")),
        }
    }
}

/// The mutations in which nothing of another tenant's can be named; a stranger makes something of its own with them.
const NAMES_NOTHING_FOREIGN: [&str; 4] = [
    "createCalendar",
    "publishEvent",
    "registerAlertChannel",
    "registerEndpoint",
];

/// The mutations that are for the platform alone.
const PLATFORMS: [&str; 2] = ["createTenant", "setQuotas"];

struct Scene {
    world: World,
    _api: Api,
    schema: Schema,
    owner: Client,
    stranger: Client,
    estate: Estate,
}

impl Scene {
    async fn set() -> Self {
        let world = World::new().await;
        let api = world.serve().await;
        let (owner, stranger) = (api.admin("owner"), api.admin("stranger"));
        let estate = Estate::found(&world, &owner).await;
        Self {
            schema: Schema::read(&owner).await,
            world,
            _api: api,
            owner,
            stranger,
            estate,
        }
    }

    /// Asserts that nothing in the answer leads to the owner's things.
    fn assert_silent(&self, about: &str, answer: &Value, given: &Value) {
        let answer = answer.to_string();
        let given = given.to_string();
        for trace in self.estate.traces() {
            // What the stranger said itself may be repeated to it.
            assert!(
                !answer.contains(trace) || given.contains(trace),
                "{about} with {given} tells {trace}: {answer}"
            );
        }
    }

    /// What the owner has, in every table.
    async fn belongings(&self) -> BTreeMap<String, String> {
        let tables: Vec<String> = self
            .world
            .column(
                "SELECT table_name::text FROM information_schema.columns
                WHERE table_schema = 'public' AND column_name = 'tenant_id'",
                &[],
            )
            .await;
        let mut belongings = BTreeMap::new();
        for table in tables {
            let rows = format!(
                "SELECT coalesce(string_agg(t::text, ';' ORDER BY t::text), '') FROM {table} AS t
                WHERE tenant_id = (SELECT id FROM tenants WHERE key = 'owner')"
            );
            belongings.insert(table, self.world.value(&rows, &[]).await);
        }
        belongings
    }
}

#[tokio::test]
async fn another_tenants_ids_name_no_node() {
    let scene = Scene::set().await;
    let kinds = scene.schema.node_kinds();
    let tried: BTreeSet<String> = scene.estate.ids.keys().cloned().collect();
    assert_eq!(tried, kinds, "every kind of node is tried");
    for (kind, id) in &scene.estate.ids {
        let node = "query ($id: ID!) { node(id: $id) { __typename id } }";
        let own = scene.owner.ask(node, json!({ "id": id })).await;
        assert_eq!(
            own["node"],
            json!({ "__typename": kind, "id": id }),
            "the owner's own"
        );
        let theirs = scene.stranger.answer(node, json!({ "id": id })).await;
        assert_eq!(theirs, json!({ "data": { "node": null } }), "{kind}");
    }
    let ids: Vec<&String> = scene.estate.ids.values().collect();
    let nodes = scene
        .stranger
        .answer(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            json!({ "ids": ids }),
        )
        .await;
    assert_eq!(nodes["data"]["nodes"], json!(vec![Value::Null; ids.len()]));
}

#[tokio::test]
async fn no_query_tells_of_another_tenant() {
    let scene = Scene::set().await;
    for field in scene.schema.fields("Query") {
        let name = field["name"].as_str().unwrap();
        let kind = named(&field["type"]);
        let arguments = field["args"].as_array().unwrap();
        let required: Vec<&Value> = arguments
            .iter()
            .filter(|argument| is_required(argument))
            .collect();
        assert!(required.len() <= 1, "{name} is tried with one argument");
        let selection = scene.schema.selection(kind, 3);
        let calls: Vec<String> = match required.first() {
            None => vec![String::new()],
            Some(argument) => {
                let argument_name = argument["name"].as_str().unwrap();
                let values = scene
                    .estate
                    .argument(name, argument_name, named(&argument["type"]));
                values
                    .iter()
                    .map(|value| format!("({argument_name}: {})", literal(value)))
                    .collect()
            }
        };
        let mut told_the_owner = false;
        for call in calls {
            let document = format!("{{ {name}{call} {{ {selection} }} }}");
            let theirs = scene.stranger.answer(&document, json!({})).await;
            scene.assert_silent(name, &theirs, &json!(call));
            let own = scene.owner.answer(&document, json!({})).await;
            told_the_owner |= scene
                .estate
                .traces()
                .iter()
                .any(|trace| own["data"].to_string().contains(trace));
        }
        let is_platforms = ["tenant", "tenants"].contains(&name);
        assert!(
            told_the_owner || is_platforms,
            "{name} tells its owner nothing, so nothing is proved"
        );
    }
}

#[tokio::test]
async fn no_mutation_touches_what_is_another_tenants() {
    let scene = Scene::set().await;
    let before = scene.belongings().await;
    let mutations = scene.schema.field_names("Mutation");
    for mutation in &mutations {
        let input = scene.estate.input(mutation);
        let document = document(&scene.schema, mutation);
        let answer = scene.stranger.answer(&document, json!({ "input": input })).await;
        scene.assert_silent(mutation, &answer, &input);
        if PLATFORMS.contains(&mutation.as_str()) {
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
                "{mutation}"
            );
            continue;
        }
        let errors = &answer["data"][mutation]["userErrors"];
        if NAMES_NOTHING_FOREIGN.contains(&mutation.as_str()) {
            assert_eq!(*errors, json!([]), "{mutation}: {answer}");
            continue;
        }
        assert_eq!(errors[0]["code"], "NOT_FOUND", "{mutation}: {answer}");
        // Something that does not exist at all is answered in the same words.
        let nowhere = with_unknown_names(&input);
        let unknown = scene
            .stranger
            .answer(&document, json!({ "input": nowhere }))
            .await;
        let words = |answer: &Value, input: &Value| {
            let mut text = answer.to_string();
            for (place, name) in names(input).into_iter().enumerate() {
                text = text.replace(&name, &format!("name {place}"));
            }
            text
        };
        assert_eq!(words(&answer, &input), words(&unknown, &nowhere), "{mutation}");
    }
    assert_eq!(
        scene.belongings().await,
        before,
        "nothing of the owner's has changed"
    );

    // The same inputs are good ones: they were refused for nothing but their owner.
    for mutation in mutations
        .iter()
        .filter(|mutation| !PLATFORMS.contains(&mutation.as_str()))
    {
        let input = json!({ "input": scene.estate.input(mutation) });
        let answer = scene
            .owner
            .answer(&document(&scene.schema, mutation), input)
            .await;
        assert_eq!(
            answer["data"][mutation]["userErrors"],
            json!([]),
            "{mutation}: {answer}"
        );
    }
}

fn document(schema: &Schema, mutation: &str) -> String {
    let field = schema
        .fields("Mutation")
        .iter()
        .find(|field| field["name"] == mutation)
        .expect("a mutation");
    let input = named(&field["args"][0]["type"]);
    format!(
        "mutation ($input: {input}!) {{ {mutation}(input: $input) {{ {} userErrors {{ code message path }} }} }}",
        schema
            .selection(named(&field["type"]), 2)
            .replace("userErrors { __typename code message path }", "")
    )
}

#[tokio::test]
async fn no_subscription_tells_of_another_tenant() {
    let scene = Scene::set().await;
    for field in scene.schema.fields("Subscription") {
        let name = field["name"].as_str().unwrap();
        let kind = named(&field["type"]);
        let arguments = field["args"].as_array().unwrap();
        let selection = scene.schema.selection(kind, 3);
        match arguments.iter().find(|argument| is_required(argument)) {
            Some(argument) => {
                let argument_name = argument["name"].as_str().unwrap();
                for value in scene
                    .estate
                    .argument(name, argument_name, named(&argument["type"]))
                {
                    let document =
                        format!("subscription {{ {name}({argument_name}: {value}) {{ {selection} }} }}");
                    let mut following = scene.stranger.follow(&document, json!({})).await;
                    let said = following.first_word().await;
                    scene.assert_silent(name, &said, &value);
                    let told = said.to_string();
                    assert!(
                        said["type"] == "error" || told.contains("NOT_FOUND"),
                        "{name}: {said}"
                    );
                }
            }
            None => Box::pin(assert_hears_only_its_own(&scene, name, &selection)).await,
        }
    }
}

/// Lets the owner do something, then the stranger, and asserts that the stranger hears of its own first.
async fn assert_hears_only_its_own(scene: &Scene, subscription: &str, selection: &str) {
    let document =
        format!("subscription ($after: String!) {{ {subscription}(after: $after) {{ {selection} }} }}");
    let after = json!({ "after": cursor(&scene.stranger).await });
    let mut theirs = scene.stranger.follow(&document, after).await;
    let after = json!({ "after": cursor(&scene.owner).await });
    let mut own = scene.owner.follow(&document, after).await;
    let own_key = format!("own-{}", subscription.to_lowercase());
    match subscription {
        "runs" => {
            let wish = json!({ "workflow": key("main") });
            scene.owner.mutate("startRun", wish, "").await;
            publish_no_ops(&scene.stranger, &own_key, &["a"], &[]).await;
            start(&scene.stranger, &own_key).await;
        }
        "executors" => {
            let executor = |name: &str, tenant: &str| scene.world.executor(name).only_for(tenant).join();
            executor(&key("second"), "owner").await;
            executor(&own_key, "stranger").await;
        }
        "alerts" => alerts::raise_for_both(scene, &own_key).await,
        "occurrences" => schedules::ask_both(scene, &own_key).await,
        "firings" => triggers::fire_both(scene, &own_key).await,
        _ => panic!("nobody has said how to try the subscription {subscription}"),
    }
    let heard = own.next().await.expect("an event").to_string();
    assert!(heard.contains(SECRET_WORD), "the owner hears of its own: {heard}");
    let heard = theirs.next().await.expect("an event");
    scene.assert_silent(subscription, &heard, &json!(null));
    assert!(heard.to_string().contains(&own_key), "{heard}");
}

#[tokio::test]
async fn a_scope_that_is_not_enough_opens_nothing() {
    let world = World::new().await;
    let api = world.serve().await;
    let owner = api.admin("owner");
    let estate = Estate::found(&world, &owner).await;
    let schema = Schema::read(&owner).await;
    let viewer = api.client("owner", &[Scope::Viewer]);
    let executor = api.client("owner", &[Scope::Executor]);
    for mutation in schema.field_names("Mutation") {
        let input = json!({ "input": estate.input(&mutation) });
        for client in [&viewer, &executor] {
            let answer = client.answer(&document(&schema, &mutation), input.clone()).await;
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
                "{mutation}"
            );
        }
    }
    let answer = executor.answer("{ runs { nodes { id } } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}
