//! The parameters of a GraphQL request, however they arrive.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// What a client sends: a document or the hash of one, and what goes with it.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) query: Option<String>,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Map<String, Value>,
    pub(crate) extensions: Map<String, Value>,
}

/// Why something is not a well-formed request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedRequest {
    #[error("The body is not JSON.")]
    NotJson,
    #[error("The request has to be a JSON object; batches are not accepted.")]
    NotAnObject,
    #[error("`{0}` has to be {1}.")]
    WrongType(&'static str, &'static str),
    #[error("`{0}` is given more than once.")]
    Repeated(&'static str),
    #[error("`query` is missing.")]
    NoQuery,
}

impl Params {
    /// Reads the body of a POST request.
    pub(crate) fn from_json_bytes(body: &[u8]) -> Result<Self, MalformedRequest> {
        Self::from_json(serde_json::from_slice(body).map_err(|_| MalformedRequest::NotJson)?)
    }

    /// Reads the JSON object that a body or a socket's message holds.
    pub(crate) fn from_json(request: Value) -> Result<Self, MalformedRequest> {
        let Value::Object(mut request) = request else {
            return Err(MalformedRequest::NotAnObject);
        };
        Self {
            query: text(&mut request, "query")?,
            operation_name: text(&mut request, "operationName")?,
            variables: map(&mut request, "variables")?,
            extensions: map(&mut request, "extensions")?,
        }
        .complete()
    }

    /// Reads the query component of an address. An empty parameter is one that is not given.
    pub(crate) fn from_query_string(query_string: &str) -> Result<Self, MalformedRequest> {
        let parameter = |name| parameter(query_string, name);
        Self {
            query: parameter("query")?.map(Cow::into_owned),
            operation_name: parameter("operationName")?.map(Cow::into_owned),
            variables: json_map(parameter("variables")?, "variables")?,
            extensions: json_map(parameter("extensions")?, "extensions")?,
        }
        .complete()
    }

    /// A request without a document is one only if it names a persisted one.
    fn complete(self) -> Result<Self, MalformedRequest> {
        if self.query.is_none() && !self.extensions.contains_key("persistedQuery") {
            return Err(MalformedRequest::NoQuery);
        }
        Ok(self)
    }
}

fn text(request: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, MalformedRequest> {
    match request.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(MalformedRequest::WrongType(name, "a string")),
    }
}

fn map(request: &mut Map<String, Value>, name: &'static str) -> Result<Map<String, Value>, MalformedRequest> {
    match request.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(MalformedRequest::WrongType(name, "an object")),
    }
}

fn parameter<'a>(
    query_string: &'a str,
    name: &'static str,
) -> Result<Option<Cow<'a, str>>, MalformedRequest> {
    let mut values = url::form_urlencoded::parse(query_string.as_bytes()).filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(MalformedRequest::Repeated(name)),
        (value, None) => Ok(value.map(|(_, value)| value).filter(|value| !value.is_empty())),
    }
}

fn json_map(text: Option<Cow<'_, str>>, name: &'static str) -> Result<Map<String, Value>, MalformedRequest> {
    let Some(text) = text else {
        return Ok(Map::new());
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        _ => Err(MalformedRequest::WrongType(name, "an object in JSON")),
    }
}
