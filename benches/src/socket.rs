//! A subscription to the events of one run, over a WebSocket of its own (`graphql-transport-ws`).

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::Api;
use crate::figures::now_micros;

const PROTOCOL: &str = "graphql-transport-ws";
const RUN_EVENTS: &str = "subscription ($id: ID!) { runEvents(runId: $id) { at } }";

/// The events of one run, as they arrive.
#[derive(Debug)]
pub(crate) struct RunEvents {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// An event, and when it was heard of; both in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// When the transaction that caused the event began.
    pub(crate) happened: i64,
    pub(crate) received: i64,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Frame {
    ConnectionAck,
    Next { payload: Payload },
    Error { payload: Value },
    Complete,
    Ping,
    Pong,
}

#[derive(Debug, Deserialize)]
struct Payload {
    data: Option<Told>,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    run_events: Event,
}

#[derive(Debug, Deserialize)]
struct Event {
    at: DateTime<Utc>,
}

impl RunEvents {
    /// Subscribes, from the run's first event on.
    pub(crate) async fn open(api: &Api, run: &str) -> anyhow::Result<Self> {
        let mut request = api.url().replacen("http", "ws", 1).into_client_request()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        let (socket, _) = connect_async(request).await?;
        let mut events = Self { socket };
        let authorization = format!("Bearer {}", api.token());
        events
            .send(&json!({"type": "connection_init", "payload": {"Authorization": authorization}}))
            .await?;
        match events.receive().await?.0 {
            Frame::ConnectionAck => {}
            other => bail!("{other:?} in place of connection_ack"),
        }
        let payload = json!({"query": RUN_EVENTS, "variables": {"id": run}});
        events
            .send(&json!({"type": "subscribe", "id": "1", "payload": payload}))
            .await?;
        Ok(events)
    }

    /// The next event; `None` when the run has ended.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Arrival>> {
        loop {
            match self.receive().await? {
                (Frame::Next { payload }, received) => {
                    let told = payload
                        .data
                        .with_context(|| format!("a failed event: {:?}", payload.errors))?;
                    let happened = told.run_events.at.timestamp_micros();
                    return Ok(Some(Arrival { happened, received }));
                }
                (Frame::Complete, _) => return Ok(None),
                (Frame::Error { payload }, _) => bail!("the subscription failed: {payload}"),
                (Frame::Ping, _) => self.send(&json!({"type": "pong"})).await?,
                (Frame::ConnectionAck | Frame::Pong, _) => {}
            }
        }
    }

    async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(frame.to_string())).await?)
    }

    /// The next frame, and when it came.
    async fn receive(&mut self) -> anyhow::Result<(Frame, i64)> {
        loop {
            match self.socket.next().await.context("the socket was closed")?? {
                Message::Text(text) => {
                    let received = now_micros();
                    return Ok((serde_json::from_str(&text)?, received));
                }
                Message::Close(frame) => bail!("the socket was closed: {frame:?}"),
                _ => {}
            }
        }
    }
}
