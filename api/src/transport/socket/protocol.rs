//! The messages of `graphql-transport-ws`, and the codes with which its sockets close.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::transport::params::{MalformedRequest, Params};

/// The name of the protocol, as clients ask for it.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// The longest id of an operation.
const LONGEST_ID: usize = 128;

/// What a client sends.
#[derive(Debug)]
pub(super) enum ClientMessage {
    ConnectionInit { payload: Map<String, Value> },
    Ping { payload: Option<Value> },
    Pong,
    Subscribe { id: String, params: Params },
    Complete { id: String },
}

/// What the server sends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a, P> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<P>,
    },
    Next {
        id: &'a str,
        payload: P,
    },
    Error {
        id: &'a str,
        payload: P,
    },
    Complete {
        id: &'a str,
    },
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Closing {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        // A close frame holds 125 bytes, two of them for the code.
        let end = (0..=reason.len().min(123))
            .rev()
            .find(|end| reason.is_char_boundary(*end));
        reason.truncate(end.unwrap_or(0));
        Self { code, reason }
    }

    pub(super) fn going_away() -> Self {
        Self::new(1001, "Going away: connect again")
    }

    pub(super) fn too_big() -> Self {
        Self::new(1009, "Message larger than 1 MiB")
    }

    pub(super) fn invalid(what: impl std::fmt::Display) -> Self {
        Self::new(4400, format!("Invalid message: {what}"))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(super) fn forbidden(why: impl std::fmt::Display) -> Self {
        Self::new(4403, format!("Forbidden: {why}"))
    }

    pub(super) fn unacceptable_subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn id_in_use(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    pub(super) fn too_slow() -> Self {
        Self::new(4413, "Too slow: connect again and resume from the last cursor")
    }

    pub(super) fn init_again() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    pub(super) fn silent() -> Self {
        Self::new(4499, "No sign of life")
    }

    pub(super) fn unavailable() -> Self {
        Self::new(4500, "Internal server error: try again")
    }
}

impl ClientMessage {
    /// Reads a text frame. Whatever the protocol does not know closes the socket with 4400.
    pub(super) fn parse(text: &str) -> Result<Self, Closing> {
        let message: Value = serde_json::from_str(text).map_err(|_| Closing::invalid("it is not JSON"))?;
        let Value::Object(mut message) = message else {
            return Err(Closing::invalid("it is not a JSON object"));
        };
        let Some(Value::String(kind)) = message.remove("type") else {
            return Err(Closing::invalid("`type` is missing"));
        };
        match kind.as_str() {
            "connection_init" => Ok(Self::ConnectionInit {
                payload: payload(&mut message)?.unwrap_or_default(),
            }),
            "ping" => Ok(Self::Ping {
                payload: payload(&mut message)?.map(Value::Object),
            }),
            "pong" => payload(&mut message).map(|_| Self::Pong),
            "subscribe" => Ok(Self::Subscribe {
                id: id(&mut message)?,
                params: params(&mut message)?,
            }),
            "complete" => Ok(Self::Complete {
                id: id(&mut message)?,
            }),
            _ => Err(Closing::invalid("its `type` is not one that a client sends")),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, Closing> {
    match message.remove("id") {
        Some(Value::String(id)) if (1..=LONGEST_ID).contains(&id.len()) => Ok(id),
        _ => Err(Closing::invalid("`id` has to be a string of 1 to 128 bytes")),
    }
}

fn payload(message: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, Closing> {
    match message.remove("payload") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err(Closing::invalid("`payload` has to be an object")),
    }
}

fn params(message: &mut Map<String, Value>) -> Result<Params, Closing> {
    let payload = payload(message)?.ok_or_else(|| Closing::invalid("`payload` is missing"))?;
    Params::from_json(Value::Object(payload)).map_err(|error: MalformedRequest| Closing::invalid(error))
}

/// The text of a message.
pub(super) fn write(message: &ServerMessage<'_, impl Serialize>) -> Result<String, Closing> {
    serde_json::to_string(message).map_err(|error| {
        tracing::error!(%error, "a message could not be written as JSON");
        Closing::unavailable()
    })
}
