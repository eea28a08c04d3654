//! Takes a call of a webhook.
//!
//! Whether the call is genuine is decided before anything of it is read, and until then every call gets the same answer: whoever cannot
//! sign learns neither what there is nor what is wrong. What is taken is a firing, durable when the caller is answered. The same
//! call made again, by a sender that heard no answer or by somebody who listened, is the same firing.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use crate::check::holds_nul;
use crate::expression::RequestFacts;
use crate::id::FiringId;
use crate::signal::{Signal, Signals};
use crate::store::firings::{NewFiring, find_firing, insert_firings};
use crate::store::registry::Registry;
use crate::store::schedule_states::read_present;
use crate::store::webhook_secrets::list_valid_secrets;
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::trigger::address::WebhookAddress;
use crate::trigger::firing::{Cause, FiringFacts};
use crate::trigger::signature::{Genuine, Headers, Scheme};
use crate::trigger::source::Source;
use crate::trigger::spec::TriggerSpec;

/// A call of a webhook, as it came.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Where it came to.
    pub address: WebhookAddress,
    /// Its headers.
    pub headers: &'a Headers,
    /// Its body.
    pub body: &'a [u8],
}

/// What was made of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is this firing.
    Firing(FiringId),
    /// It asks whether anybody is there, and fires nothing.
    Ping,
    /// It asks that this be answered, and fires nothing.
    Challenge(String),
}

/// Why a call is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no such webhook, or the call is not signed with its secret.
    #[error("there is no such webhook, or its signature is not right")]
    Unknown,
    /// It was signed too long ago, or in the future.
    #[error(
        "the call was signed {seconds} s from now, and at most {tolerance} s are taken; check the sender's clock, or send it anew"
    )]
    Untimely {
        /// How far from the present.
        seconds: i64,
        /// How far it may be.
        tolerance: i64,
    },
    /// Its body cannot be read.
    #[error("the body cannot be read: {0}")]
    Body(String),
    /// The database did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a call. When this returns, the firing is durable.
pub async fn receive_webhook(
    database: &Database,
    signals: &Signals,
    call: &Call<'_>,
) -> Result<Received, CallError> {
    let tenant = call.address.tenant;
    let mut transaction = database.begin(Actor::Tenant(tenant)).await?;
    let received = receive_in(&mut transaction, call).await;
    match &received {
        Ok(_) => transaction.commit().await?,
        Err(CallError::Store(_)) => drop(transaction),
        Err(_) => transaction.rollback().await?,
    }
    if let Ok(Received::Firing(_)) = &received {
        signals.raise([Signal::Occurrences(tenant.partition()), Signal::Events(tenant)]);
    }
    received
}

async fn receive_in(transaction: &mut Transaction, call: &Call<'_>) -> Result<Received, CallError> {
    let WebhookAddress { tenant, trigger } = call.address;
    let found = TriggerSpec::find(transaction, tenant, &[trigger.0], &[]).await?;
    let Some(Source::Webhook { scheme, tolerance_ms }) = found.first().map(|found| &found.spec.on) else {
        return Err(CallError::Unknown);
    };
    let secrets = list_valid_secrets(transaction, tenant, trigger).await?;
    let genuine = scheme.verify(&secrets, call.headers, call.body);
    let genuine = genuine.ok_or(CallError::Unknown)?;
    let now = read_present(transaction).await?;
    check_timely(&genuine, now.timestamp(), *tolerance_ms)?;
    let body = read_body(call)?;
    if let Some(answer) = question(*scheme, call.headers, &body) {
        return Ok(answer);
    }
    let request = RequestFacts {
        id: scheme.delivery_id(call.headers).cloned(),
        received_at: now,
        headers: shown(call.headers),
        body: Arc::new(body),
    };
    let firing = NewFiring {
        tenant_id: tenant,
        id: FiringId::generate(),
        trigger_id: trigger,
        cause: Cause::Call(genuine.cause),
        facts: FiringFacts::Webhook { request },
        caused_at: None,
    };
    let recorded = insert_firings(transaction, std::slice::from_ref(&firing)).await?;
    if recorded.contains(&firing.id) {
        return Ok(Received::Firing(firing.id));
    }
    let earlier = find_firing(transaction, tenant, trigger, &firing.cause).await?;
    earlier.map(Received::Firing).ok_or(CallError::Unknown)
}

/// Refuses what was signed too far from the present. Where no instant is signed, there is none to look at.
fn check_timely(genuine: &Genuine, now: i64, tolerance_ms: i64) -> Result<(), CallError> {
    let seconds = genuine
        .signed_at
        .map_or(0, |at| now.saturating_sub(at).saturating_abs());
    let tolerance = TimeDelta::milliseconds(tolerance_ms).num_seconds();
    if seconds > tolerance {
        return Err(CallError::Untimely { seconds, tolerance });
    }
    Ok(())
}

/// The body: JSON, or the JSON in the field `payload` of a form, or else the fields of the form.
fn read_body(call: &Call<'_>) -> Result<Value, CallError> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let is_form = call
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(FORM));
    let unreadable = |error: serde_json::Error| CallError::Body(format!("it is not JSON: {error}"));
    let body = if is_form {
        let fields = || url::form_urlencoded::parse(call.body);
        match fields().find(|(name, _)| name == "payload") {
            Some((_, payload)) => serde_json::from_str(&payload).map_err(unreadable)?,
            None => fields()
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect(),
        }
    } else {
        serde_json::from_slice(call.body).map_err(unreadable)?
    };
    if holds_nul(&body) {
        let told = "it holds a NUL character, which cannot be stored";
        return Err(CallError::Body(told.to_owned()));
    }
    Ok(body)
}

/// What is answered to a sender that only asks whether this is the right place.
fn question(scheme: Scheme, headers: &Headers, body: &Value) -> Option<Received> {
    match scheme {
        Scheme::GitHub if headers.get("x-github-event").is_some_and(|event| event == "ping") => {
            Some(Received::Ping)
        }
        Scheme::Slack if body["type"] == "url_verification" => {
            Some(Received::Challenge(body["challenge"].as_str()?.to_owned()))
        }
        _ => None,
    }
}

/// The headers without what whoever reads firings has no business with.
fn shown(headers: &Headers) -> Headers {
    const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
    headers
        .iter()
        .filter(|(name, _)| {
            !CREDENTIALS.contains(&name.as_str()) && !Scheme::signature_headers().contains(&name.as_str())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{TenantId, TriggerId};

    fn body(kind: &str, body: &[u8]) -> Result<Value, String> {
        let headers = Headers::from([("content-type".to_owned(), kind.to_owned())]);
        let call = Call {
            address: WebhookAddress {
                tenant: TenantId::generate(),
                trigger: TriggerId::generate(),
            },
            headers: &headers,
            body,
        };
        read_body(&call).map_err(|error| error.to_string())
    }

    #[test]
    fn a_body_is_json_or_a_form_with_json_in_it_or_a_form() {
        assert_eq!(body("application/json", b"{\"a\": 1}"), Ok(json!({"a": 1})));
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(body(form, b"payload=%7B%22a%22%3A+1%7D"), Ok(json!({"a": 1})));
        assert_eq!(
            body(form, b"command=%2Fdeploy&text="),
            Ok(json!({"command": "/deploy", "text": ""}))
        );
        for (kind, wrong) in [
            ("", &b""[..]),
            ("text/plain", b"hello"),
            (form, b"payload=x"),
            ("", br#"["\u0000"]"#),
        ] {
            assert!(body(kind, wrong).is_err(), "{kind}");
        }
    }

    #[test]
    fn an_instant_that_is_signed_may_lie_within_the_tolerance_on_either_side() {
        let signed = |at: Option<i64>| Genuine {
            cause: String::new(),
            signed_at: at,
        };
        for (at, taken) in [
            (Some(1_000), true),
            (Some(1_300), true),
            (Some(700), true),
            (Some(1_301), false),
            (Some(699), false),
            (Some(i64::MIN), false),
            (Some(i64::MAX), false),
            (None, true),
        ] {
            assert_eq!(check_timely(&signed(at), 1_000, 300_000).is_ok(), taken, "{at:?}");
        }
    }

    #[test]
    fn credentials_are_shown_to_nobody() {
        let headers: Headers = ["authorization", "cookie", "stripe-signature", "x-github-event"]
            .map(|name| (name.to_owned(), "x".to_owned()))
            .into();
        assert_eq!(
            shown(&headers).into_keys().collect::<Vec<_>>(),
            ["x-github-event"]
        );
    }
}
