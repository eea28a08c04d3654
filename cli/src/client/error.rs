//! Why the API did not give what it was asked for.

use std::fmt;

use graphql_client::Error as GraphqlError;
use tokio_tungstenite::tungstenite;
use url::Url;

use crate::exit::Exit;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error(
        "no token was given; set WATERCLOCK_TOKEN or --token. Where `waterclock up` runs on this machine, its data directory \
         signs one: export WATERCLOCK_TOKEN=$(waterclock token --tenant demo --scope developer)"
    )]
    NoToken,
    #[error("the service at {url} cannot be reached")]
    Unreachable {
        url: Url,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the service did not accept the token: {0}")]
    Unauthenticated(String),
    #[error("the token does not allow this: {0}")]
    Forbidden(String),
    #[error("the service refused the request: {0}")]
    Refused(Messages),
    #[error("the service failed: {0}")]
    Failed(Messages),
    #[error("{url} does not answer as a GraphQL service does ({reason}); is it Waterclock's address?")]
    NotGraphql { url: Url, reason: String },
    #[error("the service closed the subscription: {0}")]
    Closed(String),
}

/// What the service said, joined.
#[derive(Debug)]
pub(crate) struct Messages(Vec<String>);

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl ClientError {
    /// The errors of an answer, by the code of the first.
    pub(super) fn of_answer(errors: Vec<GraphqlError>) -> Self {
        let code = errors.first().and_then(code_of).unwrap_or_default();
        let said = Messages(errors.into_iter().map(|error| error.message).collect());
        match code.as_str() {
            "UNAUTHENTICATED" => Self::Unauthenticated(said.to_string()),
            "FORBIDDEN" => Self::Forbidden(said.to_string()),
            "BAD_USER_INPUT"
            | "NOT_FOUND"
            | "GRAPHQL_PARSE_FAILED"
            | "GRAPHQL_VALIDATION_FAILED"
            | "QUERY_TOO_COMPLEX"
            | "IDEMPOTENCY_CONFLICT" => Self::Refused(said),
            _ => Self::Failed(said),
        }
    }

    pub(super) fn of_socket(url: &Url, error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) if answer.status() == 401 => {
                Self::Unauthenticated("it answered 401".to_owned())
            }
            tungstenite::Error::Http(answer) => Self::NotGraphql {
                url: url.clone(),
                reason: answer.status().to_string(),
            },
            error => Self::Unreachable {
                url: url.clone(),
                source: Box::new(error),
            },
        }
    }

    /// How the process ends with this error.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoToken
            | Self::Unreachable { .. }
            | Self::Unauthenticated(_)
            | Self::Forbidden(_)
            | Self::NotGraphql { .. } => Exit::Unreachable,
            Self::Refused(_) => Exit::Usage,
            Self::Failed(_) | Self::Closed(_) => Exit::Failure,
        }
    }
}

fn code_of(error: &GraphqlError) -> Option<String> {
    let code = error.extensions.as_ref()?.get("code")?;
    code.as_str().map(str::to_owned)
}
