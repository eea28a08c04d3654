//! The API on a loopback port, and clients of it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use waterclock_api::auth::{AuthConfig, Authenticator, Gate, Grant, Keys, Scope, issue};
use waterclock_api::callbacks::{self, Callbacks};
use waterclock_api::graphql::{self, Services};
use waterclock_api::health::Readiness;
use waterclock_api::packages::{self, Packages};
use waterclock_api::server::{self, ServerConfig};
use waterclock_api::tenants::StoredTenants;
use waterclock_api::transport::{AllowedOrigins, Settings, Shutdown};
use waterclock_api::webhooks::{self, Webhooks};
use waterclock_core::clock::SystemClock;
use waterclock_core::metrics::Metrics;
use waterclock_core::store::Versions;
use waterclock_core::watch::Watch;
use waterclock_core::workflow::WorkflowLimits;

use crate::world::{PATIENCE, Running, World};

const SECRET: &[u8] = b"7gQ-rT2_vX9.bN4!kL6zM1@pW8sD3#hJ5";
const ISSUER: &str = "tests";
const AUDIENCE: &str = "waterclock";

/// The API of a world, until it is dropped.
pub struct Api {
    /// Where it listens: `127.0.0.1:…`.
    pub address: String,
    http: reqwest::Client,
    _serving: Running,
    _watching: Running,
}

/// Tests serve what is ready.
struct Ready;

#[async_trait]
impl Readiness for Ready {
    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

impl World {
    /// Serves the API.
    pub async fn serve(&self) -> Api {
        self.serve_within(WorkflowLimits::default()).await
    }

    /// Serves the API, which takes workflows within these limits.
    pub async fn serve_within(&self, workflow_limits: WorkflowLimits) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a port").to_string();
        let auth = AuthConfig {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            keys: Keys::Secret(SECRET.to_vec()),
        };
        let authenticator = Authenticator::new(auth, Arc::new(SystemClock)).expect("a good secret");
        let gate = Gate::new(
            Arc::new(authenticator),
            Arc::new(StoredTenants::new(self.api.clone())),
        );
        let watch = Watch::new(self.api.clone(), self.signals.clone());
        let versions = Versions::default();
        let schema = graphql::schema(Services {
            database: self.api.clone(),
            signals: self.signals.clone(),
            watch: watch.clone(),
            versions: versions.clone(),
            workflow_limits,
            sends_mail: self.sends_mail,
        });
        let packages = Packages {
            gate: gate.clone(),
            database: self.api.clone(),
        };
        let webhooks = Webhooks {
            database: self.api.clone(),
            signals: self.signals.clone(),
        };
        let callbacks = Callbacks {
            database: self.api.clone(),
            signals: self.signals.clone(),
            versions,
        };
        let serving = Running::spawn(async move |shutdown| {
            let shutdown = Shutdown::on(shutdown);
            let router = server::router(ServerConfig {
                engine: Arc::new(schema),
                sdl: graphql::sdl(),
                gate,
                allowed_origins: AllowedOrigins::parse("").expect("no origins"),
                settings: Settings::default(),
                readiness: Arc::new(Ready),
                metrics: Metrics::new().registry,
                routes: packages::routes(packages)
                    .merge(callbacks::routes(callbacks))
                    .merge(webhooks::routes(webhooks)),
                shutdown: shutdown.clone(),
            });
            server::serve(listener, router, shutdown)
                .await
                .expect("the API serves");
        });
        Api {
            address,
            http: reqwest::Client::new(),
            _serving: serving,
            _watching: Running::spawn(async move |shutdown| watch.run(&shutdown).await),
        }
    }
}

impl Api {
    /// Somebody of the tenant `key`, who may do everything there; the tenant exists from the first call on.
    #[must_use]
    pub fn admin(&self, key: &str) -> Client {
        self.client(key, &[Scope::Admin])
    }

    /// Somebody of the tenant `key` with these scopes.
    #[must_use]
    pub fn client(&self, key: &str, scopes: &[Scope]) -> Client {
        let grant = Grant {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            subject: format!("somebody of {key}"),
            tenant: key.to_owned(),
            scopes: scopes.to_vec(),
            ttl: TimeDelta::hours(1),
        };
        Client {
            address: self.address.clone(),
            http: self.http.clone(),
            token: issue(SECRET, &grant, &SystemClock).expect("a token"),
        }
    }
}

/// Somebody who speaks GraphQL.
#[derive(Clone)]
pub struct Client {
    address: String,
    http: reqwest::Client,
    /// The token that is presented.
    pub token: String,
}

impl Client {
    /// The whole answer to an operation.
    pub async fn answer(&self, document: &str, variables: Value) -> Value {
        let response = self
            .http
            .post(format!("http://{}/graphql", self.address))
            .bearer_auth(&self.token)
            .header("accept", "application/graphql-response+json")
            .json(&json!({ "query": document, "variables": variables }))
            .send()
            .await
            .expect("an answer");
        response.json().await.expect("an answer in JSON")
    }

    /// The data of an operation that goes well.
    pub async fn ask(&self, document: &str, variables: Value) -> Value {
        let mut answer = self.answer(document, variables).await;
        assert!(answer.get("errors").is_none(), "{document}\n{answer:#}");
        answer["data"].take()
    }

    /// The payload of a mutation with one input that goes well. `selection` is what is wanted of it.
    pub async fn mutate(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let mut payload = self.try_mutate(mutation, input, selection).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload.take()
    }

    /// The payload of a mutation with one input, which may say what is wrong with it.
    pub async fn try_mutate(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let kind = match mutation {
            "terminateRun" => "CancelRunInput".to_owned(),
            deletes if deletes.starts_with("delete") => "DeleteInput".to_owned(),
            _ => format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]),
        };
        let document = format!(
            "mutation ($input: {kind}!) {{ {mutation}(input: $input) {{
                {selection} userErrors {{ __typename code message path }} }} }}"
        );
        self.ask(&document, json!({ "input": input })).await[mutation].take()
    }

    /// Uploads a package and gives its digest.
    pub async fn upload(&self, file_name: &str, content: Vec<u8>) -> String {
        let digest = waterclock_core::workflow::Digest::of(&content).to_string();
        let response = self
            .http
            .put(format!("http://{}/packages/{digest}", self.address))
            .query(&[("fileName", file_name)])
            .bearer_auth(&self.token)
            .body(content)
            .send()
            .await
            .expect("an answer");
        assert!(response.status().is_success(), "{response:?}");
        digest
    }

    /// Follows a subscription.
    pub async fn follow(&self, document: &str, variables: Value) -> Following {
        let mut request = format!("ws://{}/graphql", self.address)
            .into_client_request()
            .expect("a request");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "graphql-transport-ws".parse().expect("a header"),
        );
        let (socket, _) = connect_async(request).await.expect("a socket");
        let mut following = Following { socket };
        let bearer = format!("Bearer {}", self.token);
        following
            .say(json!({ "type": "connection_init", "payload": { "Authorization": bearer } }))
            .await;
        assert_eq!(following.hear().await["type"], "connection_ack");
        following
            .say(json!({
                "id": "1", "type": "subscribe", "payload": { "query": document, "variables": variables }
            }))
            .await;
        following
    }
}

/// A subscription under way.
pub struct Following {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Following {
    async fn say(&mut self, message: Value) {
        let sent = self.socket.send(Message::text(message.to_string())).await;
        sent.expect("the socket is open");
    }

    async fn hear(&mut self) -> Value {
        let hearing = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let message: Value = serde_json::from_str(&text).expect("a message in JSON");
                        if message["type"] != "ping" {
                            return message;
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("the socket was closed: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, hearing)
            .await
            .expect("the subscription says something")
    }

    /// The next result of the field at the root; `None` when the subscription is complete.
    pub async fn next(&mut self) -> Option<Value> {
        let mut message = self.hear().await;
        match message["type"].as_str() {
            Some("next") => {
                let payload = message["payload"].take();
                assert!(payload.get("errors").is_none(), "{payload:#}");
                let data = payload["data"].as_object().expect("data");
                data.values().next().cloned()
            }
            Some("complete") => None,
            _ => panic!("{message:#}"),
        }
    }

    /// What the subscription says first, whatever it is.
    pub async fn first_word(&mut self) -> Value {
        self.hear().await
    }

    /// Everything until the subscription is complete.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut heard = Vec::new();
        while let Some(next) = self.next().await {
            heard.push(next);
        }
        heard
    }
}
