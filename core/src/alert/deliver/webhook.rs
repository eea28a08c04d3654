//! Posts deliveries to webhooks, as Standard Webhooks has it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::Arrival;
use crate::alert::signature::sign;
use crate::egress::{EgressError, EgressPolicy};
use crate::store::alert_deliveries::Claimed;

/// How much of an answer is read and told, in bytes.
const EXCERPT: usize = 300;

/// Posts over connections that all deliveries share.
#[derive(Clone)]
pub(super) struct Poster {
    client: Client,
    policy: Arc<EgressPolicy>,
}

impl Poster {
    /// Posts to what `policy` allows.
    pub(super) fn new(policy: EgressPolicy) -> std::io::Result<Self> {
        let policy = Arc::new(policy);
        let client = policy.client().build().map_err(std::io::Error::other)?;
        Ok(Self { client, policy })
    }

    /// Posts the delivery to `url`.
    pub(super) async fn post(&self, url: &str, claimed: &Claimed) -> Arrival {
        match self.send(url, claimed).await {
            Ok(response) => judge(response, claimed.now).await,
            Err(why) => Arrival::Failed {
                http_status: None,
                why,
                not_before: None,
            },
        }
    }

    async fn send(&self, url: &str, claimed: &Claimed) -> Result<Response, String> {
        let url: Url = url
            .parse()
            .map_err(|error| format!("the address cannot be called: {error}"))?;
        self.policy
            .check_url(&url)
            .map_err(|refused| refused.to_string())?;
        let body = claimed.body.to_string();
        let id = format!("msg_{}", claimed.id.0.simple());
        let timestamp = claimed.now.timestamp();
        let signature = claimed
            .secret
            .as_deref()
            .and_then(|secret| sign(secret, &id, timestamp, &body))
            .ok_or("the channel has no secret to sign with; edit it")?;
        self.client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await
            .map_err(|error| explain(&error))
    }
}

async fn judge(response: Response, now: DateTime<Utc>) -> Arrival {
    let status = response.status();
    if status.is_success() {
        return Arrival::Arrived {
            http_status: Some(status.as_u16()),
        };
    }
    let not_before = retry_after(response.headers(), now);
    let why = format!("it answered {}{}", status.as_u16(), excerpt(response).await);
    if status == StatusCode::GONE {
        return Arrival::Gone {
            http_status: status.as_u16(),
            why,
        };
    }
    Arrival::Failed {
        http_status: Some(status.as_u16()),
        why,
        not_before,
    }
}

/// The beginning of an answer. The rest is not even read.
async fn excerpt(mut response: Response) -> String {
    let chunk = response.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&chunk[..chunk.len().min(EXCERPT)]).replace('\0', "");
    match text.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// For how long the receiver wants nothing: seconds, or until an instant.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    (until.with_timezone(&Utc) - now).to_std().ok()
}

/// Why nothing was answered.
fn explain(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut deepest = None;
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<EgressError>() {
            return refused.to_string();
        }
        deepest = Some(error);
        cause = error.source();
    }
    let what = if error.is_connect() {
        "it could not be connected to"
    } else {
        "the connection broke before it answered"
    };
    deepest.map_or_else(|| what.to_owned(), |deepest| format!("{what}: {deepest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_in_seconds_or_by_an_instant_when_it_wants_more() {
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let asked = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            retry_after(&headers, now)
        };
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert_eq!(
            asked("Sat, 21 Nov 2026 08:05:00 GMT"),
            Some(Duration::from_mins(5))
        );
        assert_eq!(asked("Sat, 21 Nov 2026 07:00:00 GMT"), None);
        assert_eq!(asked("soon"), None);
    }
}
