//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.
//!
//! One task serves one socket: it reads frames, polls the socket's operations, and writes their results. There is no
//! queue between an operation and the socket, so a client that reads slowly slows its own subscriptions down, which hold
//! their bounded buffers where events arrive. When such a buffer overflows, or a write waits for too long, the socket is
//! closed with 4413 and the client resumes from its cursor. Nothing is dropped in silence.

mod protocol;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, AbortHandle, BoxStream, SelectAll};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until, timeout};

use super::code::ErrorCode;
use super::limits::MAX_MESSAGE_BYTES;
use super::params::Params;
use super::reply::Reply;
use super::request_id::RequestId;
use super::service::{Asker, Service, Step};
use crate::auth::{Refusal, bearer, bearer_token};
use protocol::{ClientMessage, Closing, SUBPROTOCOL, ServerMessage, write};

/// A message without a payload.
type Bare<'a> = ServerMessage<'a, ()>;

/// How many results are written before they are flushed together.
const MOST_AT_ONCE: usize = 64;
/// Sockets idle most of the time, and there are many: their buffers start small.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;

/// Takes a socket over from HTTP.
pub(super) fn accept(
    service: Arc<Service>,
    upgrade: WebSocketUpgrade,
    headers: &HeaderMap,
    request_id: RequestId,
) -> Response {
    let header_token = bearer(headers).map(|token| token.map(str::to_owned));
    let shutdown = service.shutdown.clone();
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        // A little more than is allowed, so that what is a little too much is refused in our words.
        .max_message_size(MAX_MESSAGE_BYTES + READ_BUFFER)
        .max_frame_size(MAX_MESSAGE_BYTES + READ_BUFFER)
        .on_upgrade(move |socket| {
            let connection = Connection::new(socket, service, header_token, request_id);
            shutdown.streams.track_future(connection.serve())
        })
}

/// An operation's result, with the operation that it is of.
enum Event {
    Step(Arc<str>, Step),
    Ended(Arc<str>),
}

/// One socket and what runs on it.
struct Connection {
    socket: WebSocket,
    service: Arc<Service>,
    header_token: Result<Option<String>, Refusal>,
    request_id: RequestId,
    asker: Option<Asker>,
    operations: SelectAll<BoxStream<'static, Event>>,
    live: HashMap<Arc<str>, AbortHandle>,
    /// Ends when the socket has to be initialised, and once it is, when the caller's token expires.
    deadline: BoxFuture<'static, ()>,
    heard: bool,
    next_ping: Instant,
}

impl Connection {
    fn new(
        socket: WebSocket,
        service: Arc<Service>,
        header_token: Result<Option<String>, Refusal>,
        request_id: RequestId,
    ) -> Self {
        let deadline = tokio::time::sleep(service.settings.init_timeout).boxed();
        let next_ping = Instant::now() + service.settings.ping_interval;
        Self {
            socket,
            service,
            header_token,
            request_id,
            asker: None,
            operations: SelectAll::new(),
            live: HashMap::new(),
            deadline,
            heard: true,
            next_ping,
        }
    }

    async fn serve(mut self) {
        let closing = if self.socket.protocol().is_some() {
            self.converse().await
        } else {
            ControlFlow::Break(Some(Closing::unacceptable_subprotocol()))
        };
        self.operations.clear();
        match closing {
            ControlFlow::Break(Some(closing)) => {
                tracing::debug!(
                    request.id = %self.request_id,
                    code = closing.code,
                    reason = closing.reason,
                    "closing a socket"
                );
                self.close(closing).await;
            }
            // What is left to be written is the answer to the client's own farewell.
            _ => drop(timeout(self.service.settings.stall_timeout, self.socket.flush()).await),
        }
    }

    /// Serves the socket until it has to be closed, or is gone.
    async fn converse(&mut self) -> Flow {
        let (stopping, drain) = (self.service.shutdown.token.clone(), self.service.settings.drain);
        let stopped = async {
            stopping.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        let mut stopped = std::pin::pin!(stopped.fuse());
        loop {
            tokio::select! {
                frame = self.socket.next() => match frame {
                    Some(frame) => {
                        self.heard = true;
                        self.receive(frame).await?;
                    }
                    None => return ControlFlow::Break(None),
                },
                Some(event) = self.operations.next() => self.deliver(event).await?,
                () = sleep_until(self.next_ping) => self.ping().await?,
                () = &mut self.deadline => return close(self.overdue()),
                () = &mut stopped => return close(Closing::going_away()),
            }
        }
    }

    fn overdue(&self) -> Closing {
        match self.asker {
            Some(_) => Closing::forbidden("the token has expired"),
            None => Closing::init_timeout(),
        }
    }

    async fn receive(&mut self, frame: Result<Message, axum::Error>) -> Flow {
        match frame {
            Ok(Message::Text(text)) if text.len() > MAX_MESSAGE_BYTES => close(Closing::too_big()),
            Ok(Message::Text(text)) => match ClientMessage::parse(text.as_str()) {
                Ok(message) => self.obey(message).await,
                Err(closing) => close(closing),
            },
            Ok(Message::Binary(_)) => close(Closing::invalid("it is binary")),
            Ok(Message::Ping(_) | Message::Pong(_)) => ControlFlow::Continue(()),
            // The text is all that axum lets through of the cause.
            Err(error) if error.to_string().contains("too long") => close(Closing::too_big()),
            Ok(Message::Close(_)) | Err(_) => ControlFlow::Break(None),
        }
    }

    async fn obey(&mut self, message: ClientMessage) -> Flow {
        match message {
            ClientMessage::ConnectionInit { payload } => self.initialise(&payload).await,
            ClientMessage::Ping { payload } => self.send(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong => ControlFlow::Continue(()),
            ClientMessage::Subscribe { id, params } => self.subscribe(id, params).await,
            ClientMessage::Complete { id } => {
                if let Some(operation) = self.live.remove(id.as_str()) {
                    operation.abort();
                }
                ControlFlow::Continue(())
            }
        }
    }

    async fn initialise(&mut self, payload: &Map<String, Value>) -> Flow {
        if self.asker.is_some() {
            return close(Closing::init_again());
        }
        let token = match (payload_token(payload), &self.header_token) {
            (Some(token), _) => token.to_owned(),
            (None, Ok(Some(token))) => token.clone(),
            (None, Ok(None)) => return close(Closing::forbidden(Refusal::NoToken)),
            (None, Err(refusal)) => return close(Closing::forbidden(refusal)),
        };
        let admitted = tokio::select! {
            admitted = self.service.gate.admit(&token) => admitted,
            () = &mut self.deadline => return close(Closing::init_timeout()),
        };
        match admitted {
            Ok(caller) => {
                self.deadline = self.service.expiry(&caller).boxed();
                self.asker = Some(Asker {
                    caller,
                    request_id: self.request_id.clone(),
                });
                self.send(&Bare::ConnectionAck).await
            }
            Err(Refusal::Unavailable(_)) => close(Closing::unavailable()),
            Err(refusal) => close(Closing::forbidden(refusal)),
        }
    }

    async fn subscribe(&mut self, id: String, params: Params) -> Flow {
        let Some(asker) = self.asker.clone() else {
            return close(Closing::unauthorized());
        };
        let full = self.live.len() >= self.service.settings.operations_per_socket;
        let id: Arc<str> = id.into();
        match self.live.entry(Arc::clone(&id)) {
            Entry::Occupied(_) => return close(Closing::id_in_use(&id)),
            Entry::Vacant(_) if full => {}
            Entry::Vacant(place) => {
                let ended = stream::once(std::future::ready(Event::Ended(Arc::clone(&id))));
                let steps = self
                    .service
                    .run(params, asker)
                    .map(move |step| Event::Step(Arc::clone(&id), step));
                let (operation, handle) = stream::abortable(steps.chain(ended));
                place.insert(handle);
                self.operations.push(operation.boxed());
                return ControlFlow::Continue(());
            }
        }
        let message = "Too many operations run on this socket; complete some, or open another.";
        let refused = Reply::refused(ErrorCode::RateLimited.request_error(message));
        self.send(&ServerMessage::Error {
            id: &id,
            payload: refused.errors(),
        })
        .await
    }

    /// Writes a result and those that are ready behind it, then flushes them together.
    async fn deliver(&mut self, first: Event) -> Flow {
        let mut event = Some(first);
        for _ in 0..MOST_AT_ONCE {
            match event {
                Some(event) => self.write_event(event).await?,
                None => break,
            }
            event = self.operations.next().now_or_never().flatten();
        }
        if let Some(event) = event {
            self.write_event(event).await?;
        }
        let flushed = timeout(self.service.settings.stall_timeout, self.socket.flush()).await;
        written(flushed)
    }

    async fn write_event(&mut self, event: Event) -> Flow {
        match event {
            Event::Step(id, Step::Next(reply)) => {
                self.feed(&ServerMessage::Next {
                    id: &id,
                    payload: &reply,
                })
                .await
            }
            Event::Step(id, Step::Refused(reply)) => {
                self.end(&id);
                self.feed(&ServerMessage::Error {
                    id: &id,
                    payload: reply.errors(),
                })
                .await
            }
            Event::Step(_, Step::TooSlow) => close(Closing::too_slow()),
            Event::Ended(id) => {
                self.end(&id);
                self.feed(&Bare::Complete { id: &id }).await
            }
        }
    }

    /// Frees the id before the client learns that it is free.
    fn end(&mut self, id: &str) {
        if let Some(operation) = self.live.remove(id) {
            operation.abort();
        }
    }

    async fn ping(&mut self) -> Flow {
        if !std::mem::take(&mut self.heard) {
            return close(Closing::silent());
        }
        self.next_ping = Instant::now() + self.service.settings.ping_interval;
        let ping = self.socket.send(Message::Ping(axum::body::Bytes::new()));
        written(timeout(self.service.settings.stall_timeout, ping).await)
    }

    async fn send(&mut self, message: &ServerMessage<'_, impl serde::Serialize>) -> Flow {
        self.feed(message).await?;
        written(timeout(self.service.settings.stall_timeout, self.socket.flush()).await)
    }

    async fn feed(&mut self, message: &ServerMessage<'_, impl serde::Serialize>) -> Flow {
        match write(message) {
            Ok(text) => {
                let fed = self.socket.feed(Message::Text(text.into()));
                written(timeout(self.service.settings.stall_timeout, fed).await)
            }
            Err(closing) => close(closing),
        }
    }

    /// Says why, then reads until the client has answered: a connection that is dropped while the client's bytes wait
    /// unread is reset, and the client would never learn the code.
    async fn close(mut self, closing: Closing) {
        let frame = CloseFrame {
            code: closing.code,
            reason: closing.reason.into(),
        };
        let farewell = async {
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _gone_either_way = timeout(self.service.settings.stall_timeout, farewell).await;
    }
}

/// Whether the conversation goes on. It breaks with what to say to the client, if it is still there.
type Flow = ControlFlow<Option<Closing>>;

fn close(closing: Closing) -> Flow {
    ControlFlow::Break(Some(closing))
}

fn written(result: Result<Result<(), axum::Error>, tokio::time::error::Elapsed>) -> Flow {
    match result {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_gone)) => ControlFlow::Break(None),
        Err(_elapsed) => close(Closing::too_slow()),
    }
}

/// The token in `{"Authorization": "Bearer …"}` or `{"token": "…"}`.
fn payload_token(payload: &Map<String, Value>) -> Option<&str> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    match text("Authorization").or_else(|| text("authorization")) {
        // What is not a bearer token is passed on as it is, and refused.
        Some(header) => Some(bearer_token(header).unwrap_or(header)),
        None => text("token"),
    }
}
