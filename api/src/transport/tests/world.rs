//! A schema, a tenant, a clock that stands still, and tokens for it.
#![expect(
    clippy::unused_async,
    reason = "resolvers are async, whether they wait or not"
)]

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{
    Context, EmptyMutation, Error, ErrorExtensions as _, Object, Result, Schema, Subscription,
};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use waterclock_core::clock::ManualClock;
use waterclock_core::id::TenantId;

use crate::auth::{
    AuthConfig, Authenticator, Caller, Gate, Grant, Keys, Scope, Tenants, TenantsError, issue,
};
use crate::health::Readiness;
use crate::server::{ServerConfig, router};
use crate::transport::{AllowedOrigins, Engine, SLOW_CONSUMER, Settings, Shutdown, limits};

pub(crate) const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENTS: &str = "text/event-stream";
pub(crate) const ALLOWED_ORIGIN: &str = "https://app.example.com";

const SECRET: &[u8] = b"nY4!tq0-Kd82_xvPz7.Lw3mHs6@Rb1gEc9";

struct Query;

#[Object]
impl Query {
    async fn greeting(&self, #[graphql(default_with = "String::from(\"world\")")] name: String) -> String {
        format!("Hello, {name}!")
    }

    async fn tenant(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.data::<Caller>()?.tenant_key.to_string())
    }

    async fn nested(&self) -> Self {
        Self
    }

    async fn broken(&self) -> Result<Option<i32>> {
        Err(Error::from(std::io::Error::other("password of the database")))
    }

    async fn forbidden(&self) -> Result<Option<i32>> {
        Err(crate::transport::ErrorCode::Forbidden.error("An operator may do this."))
    }

    async fn panics(&self) -> i32 {
        let nothing: Vec<i32> = Vec::new();
        nothing[0]
    }

    async fn sleeps(&self) -> i32 {
        std::future::pending().await
    }

    async fn length(&self, list: Vec<i32>) -> usize {
        list.len()
    }

    #[graphql(complexity = "first.saturating_mul(child_complexity.max(1))")]
    async fn many(&self, first: usize) -> Vec<Self> {
        (0..first.min(3)).map(|_| Self).collect()
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self) -> bool {
        true
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn never(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    async fn forever(&self) -> impl Stream<Item = String> {
        stream::repeat("x".repeat(10_000))
    }

    async fn outpaced(&self) -> impl Stream<Item = Result<i32>> {
        let slow = Error::new("slow").extend_with(|_, extensions| extensions.set("code", SLOW_CONSUMER));
        stream::iter([Ok(1), Err(slow)]).chain(stream::pending())
    }
}

#[derive(Debug)]
struct OneTenant;

#[async_trait]
impl Tenants for OneTenant {
    async fn resolve(&self, key: &str) -> Result<Option<TenantId>, TenantsError> {
        match key {
            "acme" => Ok(Some(TenantId(uuid::Uuid::from_u128(1)))),
            "unlucky" => Err(TenantsError {
                key: key.into(),
                source: "no connection".into(),
            }),
            _ => Ok(None),
        }
    }
}

struct Ready(Result<(), String>);

#[async_trait]
impl Readiness for Ready {
    async fn check(&self) -> Result<(), String> {
        self.0.clone()
    }
}

/// A service and what its tests move.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shutdown: CancellationToken,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let builder = limits::apply(Schema::build(Query, Mutation, Events));
        let schema = builder.finish();
        let sdl = schema.sdl();
        Self::over(Arc::new(schema), sdl, settings, Ok(()))
    }

    pub(crate) fn unready(reason: &str) -> Self {
        let schema = Schema::new(Query, EmptyMutation, Events);
        let sdl = schema.sdl();
        Self::over(Arc::new(schema), sdl, Settings::default(), Err(reason.into()))
    }

    fn over(engine: Arc<dyn Engine>, sdl: String, settings: Settings, ready: Result<(), String>) -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let config = AuthConfig {
            issuer: "waterclock".into(),
            audience: "waterclock".into(),
            keys: Keys::Secret(SECRET.to_vec()),
        };
        let authenticator = Authenticator::new(config, clock.clone()).expect("configured");
        let shutdown = CancellationToken::new();
        let router = router(ServerConfig {
            engine,
            sdl,
            gate: Gate::new(Arc::new(authenticator), Arc::new(OneTenant)),
            allowed_origins: AllowedOrigins::parse(ALLOWED_ORIGIN).expect("an origin"),
            settings,
            readiness: Arc::new(Ready(ready)),
            metrics: prometheus::Registry::new(),
            routes: Router::new(),
            shutdown: Shutdown::on(shutdown.clone()),
        });
        Self {
            router,
            clock,
            shutdown,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).expect("UTF-8"),
        }
    }

    /// Asks with a good token, over POST.
    pub(crate) async fn ask(&self, accept: &str, body: Value) -> Answer {
        self.send(post(accept).body(body.to_string().into()).expect("a request"))
            .await
    }

    pub(crate) async fn query(&self, query: &str) -> Answer {
        self.ask(GRAPHQL_RESPONSE, json!({ "query": query })).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}

pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).expect("an instant")
}

pub(crate) fn token() -> String {
    token_for("acme", TimeDelta::hours(1))
}

pub(crate) fn token_for(tenant: &str, ttl: TimeDelta) -> String {
    let grant = Grant {
        issuer: "waterclock".into(),
        audience: "waterclock".into(),
        subject: "ada".into(),
        tenant: tenant.into(),
        scopes: vec![Scope::Admin],
        ttl,
    };
    issue(SECRET, &grant, &ManualClock::new(noon())).expect("issued")
}

pub(crate) fn bearer() -> String {
    format!("Bearer {}", token())
}

/// A request to the API with a good token.
pub(crate) fn request(method: &str, uri: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(uri)
        .header(HOST, "api.test")
        .header(AUTHORIZATION, bearer())
}

/// A POST of JSON with a good token.
pub(crate) fn post(accept: &str) -> Builder {
    request("POST", "/graphql")
        .header(CONTENT_TYPE, JSON)
        .header(ACCEPT, accept)
}

/// Settings under which nothing ends by itself.
pub(crate) fn patient() -> Settings {
    Settings {
        ping_interval: Duration::from_hours(24),
        ..Settings::default()
    }
}
