//! Subscriptions over WebSocket (`graphql-transport-ws`), which go on where they stopped.
//!
//! Every event carries a cursor. When the connection is lost, another is opened that begins after the last cursor seen, so
//! whoever reads a subscription never learns that there were several connections.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use graphql_client::{GraphQLQuery, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tracing::debug;
use url::Url;

use super::{Api, ClientError};

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a lost service is looked for.
const PATIENCE: Duration = Duration::from_mins(2);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many events may wait to be taken.
const AHEAD: usize = 256;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A subscription that can begin after a cursor.
pub(crate) trait Tail {
    /// The subscription.
    type Query: GraphQLQuery;
    /// Its variables, to begin after `cursor`.
    fn variables_after(&self, cursor: Option<&str>) -> <Self::Query as GraphQLQuery>::Variables;
    /// The cursor of an event.
    fn cursor_of(event: &EventOf<Self>) -> Option<&str>;
}

/// What a [`Tail`] gives.
pub(crate) type EventOf<T> = <<T as Tail>::Query as GraphQLQuery>::ResponseData;

/// Events of one subscription.
pub(crate) struct Subscription<T> {
    api: Api,
    tail: T,
    cursor: Option<String>,
    socket: Option<Socket>,
}

/// A frame of the protocol, as far as a client reads it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Frame {
    ConnectionAck,
    Next { payload: Value },
    Error { payload: Vec<graphql_client::Error> },
    Complete,
    Ping,
    Pong,
}

/// What one look at the socket gave.
enum Heard<E> {
    Event(E),
    End,
    Lost(Option<CloseFrame>),
}

impl<T: Tail> Subscription<T> {
    /// Subscribes. The service must be reachable now; later it may go and come.
    pub(crate) async fn open(api: Api, tail: T) -> Result<Self, ClientError> {
        let mut subscription = Self {
            api,
            tail,
            cursor: None,
            socket: None,
        };
        subscription.socket = Some(subscription.connect().await?);
        Ok(subscription)
    }

    /// The next event; `None` when the subscription is over.
    pub(crate) async fn next(&mut self) -> Result<Option<EventOf<T>>, ClientError> {
        loop {
            let heard = match &mut self.socket {
                Some(socket) => hear::<T::Query>(socket).await?,
                None => Heard::Lost(None),
            };
            match heard {
                Heard::Event(event) => {
                    if let Some(cursor) = T::cursor_of(&event) {
                        self.cursor = Some(cursor.to_owned());
                    }
                    return Ok(Some(event));
                }
                Heard::End => return Ok(None),
                Heard::Lost(close) => {
                    self.socket = None;
                    refuse_final(close)?;
                    self.socket = Some(self.reconnect().await?);
                }
            }
        }
    }

    /// The events through a channel, from which one can be taken or not without losing any.
    pub(crate) fn into_receiver(mut self) -> mpsc::Receiver<Result<EventOf<T>, ClientError>>
    where
        T: Send + Sync + 'static,
        EventOf<T>: Send,
    {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            while let Some(event) = self.next().await.transpose() {
                let is_last = event.is_err();
                if sender.send(event).await.is_err() || is_last {
                    return;
                }
            }
        });
        receiver
    }

    async fn reconnect(&self) -> Result<Socket, ClientError> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect().await {
                Err(ClientError::Unreachable { source, .. }) if Instant::now() < deadline => {
                    debug!(error = %source, "the service is away");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    async fn connect(&self) -> Result<Socket, ClientError> {
        let url = self.api.url();
        let unreachable = |error| ClientError::of_socket(url, error);
        let mut request = socket_url(url)
            .as_str()
            .into_client_request()
            .map_err(unreachable)?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        let (mut socket, _) = connect_async(request).await.map_err(unreachable)?;
        let init = json!({"type": "connection_init", "payload": {"Authorization": self.api.bearer()}});
        send(&mut socket, &init).await.map_err(unreachable)?;
        acknowledged(&mut socket, url).await?;
        send(&mut socket, &self.subscribe()).await.map_err(unreachable)?;
        Ok(socket)
    }

    fn subscribe(&self) -> Value {
        let body = T::Query::build_query(self.tail.variables_after(self.cursor.as_deref()));
        json!({"type": "subscribe", "id": "1", "payload": body})
    }
}

fn socket_url(url: &Url) -> Url {
    let mut url = url.clone();
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme)
        .expect("http and ws are both special schemes");
    url
}

async fn send(socket: &mut Socket, frame: &Value) -> Result<(), tungstenite::Error> {
    socket.send(Message::text(frame.to_string())).await
}

async fn acknowledged(socket: &mut Socket, url: &Url) -> Result<(), ClientError> {
    loop {
        match receive(socket).await {
            Ok(Frame::ConnectionAck) => return Ok(()),
            Ok(Frame::Ping) => {
                let _ = send(socket, &json!({"type": "pong"})).await;
            }
            Ok(other) => {
                return Err(ClientError::NotGraphql {
                    url: url.clone(),
                    reason: format!("{other:?} before connection_ack"),
                });
            }
            Err(close) => {
                refuse_final(close)?;
                let source = "the connection was closed before it was acknowledged".into();
                return Err(ClientError::Unreachable {
                    url: url.clone(),
                    source,
                });
            }
        }
    }
}

async fn hear<Q: GraphQLQuery>(socket: &mut Socket) -> Result<Heard<Q::ResponseData>, ClientError> {
    loop {
        match receive(socket).await {
            Ok(Frame::Next { payload }) => return event_of::<Q>(payload).map(Heard::Event),
            Ok(Frame::Error { payload }) => return Err(ClientError::of_answer(payload)),
            Ok(Frame::Complete) => return Ok(Heard::End),
            Ok(Frame::Ping) => {
                // A failure to send is heard of at the next receive.
                let _ = send(socket, &json!({"type": "pong"})).await;
            }
            Ok(Frame::Pong | Frame::ConnectionAck) => {}
            Err(close) => return Ok(Heard::Lost(close)),
        }
    }
}

/// The next frame; the reason for the close, if one was given, when the connection is over.
async fn receive(socket: &mut Socket) -> Result<Frame, Option<CloseFrame>> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(frame) => return Ok(frame),
                Err(error) => debug!(%error, "a frame that this release does not know"),
            },
            Some(Ok(Message::Close(close))) => return Err(close),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

fn event_of<Q: GraphQLQuery>(payload: Value) -> Result<Q::ResponseData, ClientError> {
    let answer: Response<Q::ResponseData> = serde_json::from_value(payload)
        .map_err(|error| ClientError::Closed(format!("an event cannot be read: {error}")))?;
    match (answer.errors, answer.data) {
        (Some(errors), _) if !errors.is_empty() => Err(ClientError::of_answer(errors)),
        (_, Some(data)) => Ok(data),
        _ => Err(ClientError::Closed("an event without data".to_owned())),
    }
}

/// Closes after which connecting again would meet the same.
fn refuse_final(close: Option<CloseFrame>) -> Result<(), ClientError> {
    let Some(close) = close else { return Ok(()) };
    let reason = close.reason.to_string();
    match u16::from(close.code) {
        4401 | 4403 => Err(ClientError::Unauthenticated(reason)),
        4400 | 4406 | 4409 => Err(ClientError::Closed(reason)),
        _ => Ok(()),
    }
}
