//! Verifies a token: its form, its signature, its claims, in this order.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Header, crypto, decode_header};
use serde_json::{Map, Value};
use waterclock_core::clock::SharedClock;

use super::claims::{ClaimError, Claims, Expected};
use super::config::{AuthConfig, AuthConfigError, Keys};
use super::key::VerifyingKey;
use super::key_set::KeySet;

/// The longest token that is looked at.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// Turns tokens into claims, by the configuration it was made from.
#[derive(Debug)]
pub struct Authenticator {
    issuer: String,
    audience: String,
    keys: KeySource,
    clock: SharedClock,
}

#[derive(Debug)]
enum KeySource {
    One(VerifyingKey),
    Set(Arc<KeySet>),
}

/// Why a token is refused. The texts are for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is longer than any we issue or accept.
    #[error("the token is longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    /// It is not three parts of base64url with JSON inside.
    #[error("the token is not a JSON Web Token")]
    NotAToken,
    /// The header demands something that this service does not understand.
    #[error("the token's header has `{0}`, which is not supported")]
    Header(&'static str),
    /// No configured key verifies it: another key, another algorithm, or a changed text.
    #[error("the token's signature cannot be verified with a configured key")]
    Signature,
    /// What it claims is missing, malformed, for somebody else, or not valid now.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

impl Authenticator {
    /// Refuses a configuration whose keys do not protect anything.
    pub fn new(config: AuthConfig, clock: SharedClock) -> Result<Self, AuthConfigError> {
        config.check_claims()?;
        let keys = match config.keys {
            Keys::Secret(secret) => KeySource::One(VerifyingKey::from_secret(&secret)?),
            Keys::PublicKey(pem) => KeySource::One(VerifyingKey::from_pem(&pem)?),
            Keys::Jwks(source) => KeySource::Set(KeySet::new(source)?),
        };
        Ok(Self {
            issuer: config.issuer,
            audience: config.audience,
            keys,
            clock,
        })
    }

    /// The claims of `token`, if it is one that the configuration accepts now.
    pub async fn authenticate(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::TooLong);
        }
        let header = decode_header(token).map_err(|_| TokenError::NotAToken)?;
        check_header(&header)?;
        let key = self.key(&header).await.ok_or(TokenError::Signature)?;
        let claims = verified_claims(token, &header, &key)?;
        let expected = Expected {
            issuer: &self.issuer,
            audience: &self.audience,
            now: self.clock.now(),
        };
        Ok(Claims::read(&claims, &expected)?)
    }

    /// The clock by which tokens expire.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    async fn key(&self, header: &Header) -> Option<VerifyingKey> {
        match &self.keys {
            KeySource::One(key) => Some(key.clone()),
            KeySource::Set(set) => set.find(header.kid.as_deref()).await,
        }
    }
}

/// Refuses headers that ask for a processing we would not do. What the header says about keys is not looked at.
fn check_header(header: &Header) -> Result<(), TokenError> {
    if header.crit.is_some() {
        return Err(TokenError::Header("crit"));
    }
    if header.enc.is_some() || header.zip.is_some() {
        return Err(TokenError::Header("enc"));
    }
    if header.extras.inner().contains_key("b64") {
        return Err(TokenError::Header("b64"));
    }
    match header.typ.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("jwt" | "at+jwt" | "application/jwt" | "application/at+jwt") => Ok(()),
        Some(_) => Err(TokenError::Header("typ")),
    }
}

/// The claims, once the signature over them is verified with the key's own algorithm.
fn verified_claims(
    token: &str,
    header: &Header,
    key: &VerifyingKey,
) -> Result<Map<String, Value>, TokenError> {
    if header.alg != key.algorithm {
        return Err(TokenError::Signature);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenError::NotAToken)?;
    let genuine = crypto::verify(signature, message.as_bytes(), &key.key, key.algorithm);
    if !genuine.unwrap_or(false) {
        return Err(TokenError::Signature);
    }
    let (_, payload) = message.rsplit_once('.').ok_or(TokenError::NotAToken)?;
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| TokenError::NotAToken)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::NotAToken)
}
