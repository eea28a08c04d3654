//! What a verified token claims, read without benefit of the doubt.
//!
//! Each claim has to be there, of its type, and not empty. Times are compared with the clock that the process was given,
//! with one minute of leeway for machines that disagree. `iat` is ignored: it says when, not whether.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::scope::Scopes;

/// How far the clocks of the issuer and of this machine may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// The longest subject that is kept beside what it did.
const LONGEST_SUBJECT: usize = 255;

/// The claims of a token whose signature, issuer, audience and time have been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who the token was issued to.
    pub subject: Arc<str>,
    /// The key of the tenant that the token was issued for.
    pub tenant: Arc<str>,
    /// What the token allows.
    pub scopes: Scopes,
    /// The instant of the token's `exp`.
    pub expires_at: DateTime<Utc>,
}

/// What the claims of a token are compared with.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// Why the claims of a token with a good signature are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// A claim that has to be there is not.
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    /// A claim is empty, or not of the type that it has to be.
    #[error("the token's `{0}` is malformed")]
    Malformed(&'static str),
    /// The token is of another issuer or for another audience.
    #[error("the token's `{0}` is not the expected one")]
    Unexpected(&'static str),
    /// The token has expired.
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
}

impl Claims {
    pub(super) fn read(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<Self, ClaimError> {
        let expires_at = check_time(claims, expected.now)?;
        if text(claims, "iss")? != expected.issuer {
            return Err(ClaimError::Unexpected("iss"));
        }
        check_audience(claims, expected.audience)?;
        let subject = text(claims, "sub")?;
        if subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
            return Err(ClaimError::Malformed("sub"));
        }
        let tenant = text(claims, "tenant")?;
        if !is_tenant_key(tenant) {
            return Err(ClaimError::Malformed("tenant"));
        }
        Ok(Self {
            subject: subject.into(),
            tenant: tenant.into(),
            scopes: Scopes::from_words(text(claims, "scope")?),
            expires_at,
        })
    }
}

/// Whether `key` can be the key of a tenant: `^[a-z0-9][a-z0-9_-]{0,62}$`.
#[must_use]
pub fn is_tenant_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&key.len())
        && key.bytes().next().is_some_and(plain)
        && key.bytes().all(|byte| plain(byte) || matches!(byte, b'_' | b'-'))
}

fn check_time(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<DateTime<Utc>, ClaimError> {
    let expires_at = instant(claims, "exp")?.ok_or(ClaimError::Missing("exp"))?;
    if now - LEEWAY >= expires_at {
        return Err(ClaimError::Expired);
    }
    match instant(claims, "nbf")? {
        Some(not_before) if now + LEEWAY < not_before => Err(ClaimError::NotYetValid),
        _ => Ok(expires_at),
    }
}

fn check_audience(claims: &Map<String, Value>, audience: &str) -> Result<(), ClaimError> {
    let named = match claims.get("aud").ok_or(ClaimError::Missing("aud"))? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>()
            .ok_or(ClaimError::Malformed("aud"))?,
        _ => return Err(ClaimError::Malformed("aud")),
    };
    if named.is_empty() || named.iter().any(|name| name.trim().is_empty()) {
        return Err(ClaimError::Malformed("aud"));
    }
    if named.contains(&audience) {
        Ok(())
    } else {
        Err(ClaimError::Unexpected("aud"))
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, ClaimError> {
    match claims.get(name).ok_or(ClaimError::Missing(name))? {
        Value::String(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(ClaimError::Malformed(name)),
    }
}

/// A number of seconds since 1970, with or without a fraction.
fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Option<DateTime<Utc>>, ClaimError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let malformed = ClaimError::Malformed(name);
    let Value::Number(number) = value else {
        return Err(malformed);
    };
    let whole = number
        .as_i64()
        .or_else(|| number.as_f64().and_then(whole_seconds));
    match whole.and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
        // Comparisons add and subtract the leeway; years that chrono cannot represent are no dates of a token.
        Some(instant) if (DateTime::UNIX_EPOCH..DateTime::<Utc>::MAX_UTC - LEEWAY).contains(&instant) => {
            Ok(Some(instant))
        }
        _ => Err(malformed),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked on the line before"
)]
fn whole_seconds(seconds: f64) -> Option<i64> {
    (0.0..1e15).contains(&seconds).then(|| seconds.floor() as i64)
}
