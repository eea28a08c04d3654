//! What all transports share: from parameters to an operation, and from an operation to replies.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, ServerError, Variables};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::code::ErrorCode;
use super::completion::{Asked, FieldTypes};
use super::document;
use super::engine::Engine;
use super::limits::DEFAULT_BODY_BYTES;
use super::params::Params;
use super::persisted::PersistedQueries;
use super::reply::{Reply, internal_error};
use super::request_id::RequestId;
use crate::auth::{Caller, Gate, LEEWAY};

/// How long things may take, and how many there may be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a query or mutation may take.
    pub request_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long a socket may take until it has said who calls.
    pub init_timeout: Duration,
    /// How often a socket is asked for a sign of life. One that gives none until it is asked again is closed.
    pub ping_interval: Duration,
    /// How long a client may leave what is sent to it unread.
    pub stall_timeout: Duration,
    /// How often a stream of events is kept alive.
    pub keep_alive: Duration,
    /// How long sockets may go on after the service was told to stop.
    pub drain: Duration,
    /// How many operations may run on one socket at once.
    pub operations_per_socket: usize,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            init_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(12),
            drain: Duration::from_secs(1),
            operations_per_socket: 256,
            max_body_bytes: DEFAULT_BODY_BYTES,
        }
    }
}

/// Tells the streams that the service stops, and knows when they have ended.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when the service is to stop.
    pub token: CancellationToken,
    pub(crate) streams: TaskTracker,
}

impl Shutdown {
    /// A shutdown that begins when `token` is cancelled.
    #[must_use]
    pub fn on(token: CancellationToken) -> Self {
        Self {
            token,
            streams: TaskTracker::new(),
        }
    }
}

/// The schema behind its gate.
pub(crate) struct Service {
    engine: Arc<dyn Engine>,
    pub(super) gate: Gate,
    pub(super) settings: Settings,
    pub(super) shutdown: Shutdown,
    persisted: PersistedQueries,
    types: Arc<FieldTypes>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("gate", &self.gate)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Who asks, in which request.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) caller: Caller,
    pub(super) request_id: RequestId,
}

/// An operation that is worth executing.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) kind: OperationType,
    asked: Asked,
    request: Request,
}

/// What a running operation brings forth, until its stream ends.
#[derive(Debug)]
pub(super) enum Step {
    /// A result.
    Next(Reply),
    /// The request is refused; nothing follows.
    Refused(Reply),
    /// The client reads too slowly; nothing follows.
    TooSlow,
}

impl Service {
    /// A service of the schema that `sdl` is the printed form of.
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        sdl: &str,
        gate: Gate,
        settings: Settings,
        shutdown: Shutdown,
    ) -> Self {
        let types = FieldTypes::read(sdl).unwrap_or_else(|error| {
            tracing::error!(%error, "the printed schema cannot be read, so failed fields do not respect it");
            FieldTypes::default()
        });
        Self {
            engine,
            gate,
            settings,
            shutdown,
            persisted: PersistedQueries::default(),
            types: Arc::new(types),
        }
    }

    /// The operation that the parameters mean.
    pub(super) fn prepare(&self, params: Params) -> Result<Operation, Reply> {
        self.read(params).map_err(Reply::refused)
    }

    fn read(&self, mut params: Params) -> Result<Operation, ServerError> {
        let text = self.persisted.document(params.query.take(), &params.extensions)?;
        let document = document::parse(&text)?;
        self.persisted.remember(&text, &params.extensions);
        let operation = document::operation(&document, params.operation_name.as_deref())?;
        document::check_variables(operation, &params.variables)?;
        document::fill_variables_of_others(&document, operation, &mut params.variables);
        let kind = operation.ty;
        let mut request =
            Request::new(&*text).variables(Variables::from_json(Value::Object(params.variables)));
        request.operation_name.clone_from(&params.operation_name);
        request.set_parsed_query(document);
        let asked = Asked {
            document: text,
            operation: params.operation_name,
        };
        Ok(Operation { kind, asked, request })
    }

    /// Executes a query or mutation within its time.
    pub(super) async fn execute(&self, operation: Operation, asker: &Asker) -> Reply {
        let request = asker.ask(operation.request);
        let execution = AssertUnwindSafe(self.engine.execute(request)).catch_unwind();
        match tokio::time::timeout(self.settings.request_timeout, execution).await {
            Ok(Ok(mut response)) => {
                self.types.complete(&mut response, &operation.asked);
                Reply::answered(response, &asker.request_id)
            }
            // The panic hook has logged where.
            Ok(Err(_panic)) => Reply::refused(internal_error(&asker.request_id)),
            Err(_elapsed) => Reply::refused(ErrorCode::Timeout.request_error(format!(
                "The request took longer than {} s and was given up.",
                self.settings.request_timeout.as_secs()
            ))),
        }
    }

    /// Runs an operation of any kind.
    pub(super) fn run(self: &Arc<Self>, params: Params, asker: Asker) -> BoxStream<'static, Step> {
        match self.prepare(params) {
            Ok(operation) => self.run_prepared(operation, asker),
            Err(refusal) => stream::once(async { Step::Refused(refusal) }).boxed(),
        }
    }

    pub(super) fn run_prepared(
        self: &Arc<Self>,
        operation: Operation,
        asker: Asker,
    ) -> BoxStream<'static, Step> {
        if operation.kind == OperationType::Subscription {
            return self.subscribe(operation, asker);
        }
        let service = Arc::clone(self);
        stream::once(async move { Step::of(service.execute(operation, &asker).await) }).boxed()
    }

    fn subscribe(&self, operation: Operation, asker: Asker) -> BoxStream<'static, Step> {
        let responses = self.engine.subscribe(asker.ask(operation.request));
        let responses = AssertUnwindSafe(responses).catch_unwind();
        let (types, source) = (Arc::clone(&self.types), operation.asked);
        let complete = move |response: &mut Response| types.complete(response, &source);
        stream::unfold(Some((responses, asker, complete)), |state| async move {
            let (mut responses, asker, complete) = state?;
            let step = match responses.next().await? {
                Ok(mut response) => {
                    complete(&mut response);
                    Step::of(Reply::answered(response, &asker.request_id))
                }
                Err(_panic) => Step::Refused(Reply::refused(internal_error(&asker.request_id))),
            };
            let goes_on = matches!(step, Step::Next(_));
            Some((step, goes_on.then_some((responses, asker, complete))))
        })
        .boxed()
    }

    /// Waits until the grant of a caller whose stream has just begun ends.
    ///
    /// That is when its token expires. A token that is in its leeway already has been accepted all the same, since the
    /// clocks may differ, and gets what is left of that. The injected clock is asked again from time to time, for it may
    /// be set, and in tests it is.
    pub(super) fn expiry(&self, caller: &Caller) -> impl Future<Output = ()> + Send + 'static {
        const LOOK_AGAIN: Duration = Duration::from_secs(10);
        let clock = Arc::clone(self.gate.clock());
        let ends = ends_at(caller.expires_at, clock.now());
        async move {
            while let Ok(left) = (ends - clock.now()).to_std()
                && !left.is_zero()
            {
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        }
    }
}

fn ends_at(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    if expires_at > now {
        expires_at
    } else {
        expires_at + LEEWAY
    }
}

impl Asker {
    fn ask(&self, request: Request) -> Request {
        request.data(self.caller.clone()).data(self.request_id.clone())
    }
}

impl Step {
    fn of(reply: Reply) -> Self {
        if reply.is_slow_consumer() {
            Self::TooSlow
        } else if reply.is_refused() {
            Self::Refused(reply)
        } else {
            Self::Next(reply)
        }
    }
}

impl Operation {
    /// Whether this may be asked with a method that promises to change nothing.
    pub(super) fn is_safe(&self) -> bool {
        self.kind != OperationType::Mutation
    }
}
