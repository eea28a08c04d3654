//! The secrets that calls of webhooks are signed with.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::signature::Scheme;
use crate::alert::channel::{SECRET_PREFIX, signing_key};

/// The fewest bytes of a secret that is taken as it is written.
const SHORTEST: usize = 16;
/// The most.
const LONGEST: usize = 256;
/// How many random bytes a secret holds that the service makes.
const RANDOM: usize = 32;

/// A secret that calls of a webhook are signed with. It is shown when it is made and never again.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// A secret that nobody can guess, good for every scheme.
    #[must_use]
    pub fn generate() -> Self {
        let random: [u8; RANDOM] = rand::random();
        Self(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(random)))
    }

    /// The secret that the sender signs with, or why it cannot be. It is not repeated there.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, String> {
        let fits = match scheme {
            Scheme::Standard => signing_key(text).is_some_and(|key| (24..=64).contains(&key.len())),
            Scheme::GitHub | Scheme::Stripe | Scheme::Slack => {
                (SHORTEST..=LONGEST).contains(&text.len()) && !text.contains('\0')
            }
        };
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(match scheme {
            Scheme::Standard => "this is not a secret to sign with; write it as whsec_ and 24 to 64 random bytes in base64, or leave it \
                                 out and one is made"
                .to_owned(),
            _ => format!(
                "a secret has {SHORTEST} to {LONGEST} bytes and no NUL character; leave it out and one is made"
            ),
        })
    }

    /// The secret as it was stored.
    #[must_use]
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The bytes that are signed with.
    pub(super) fn key(&self, scheme: Scheme) -> Option<Vec<u8>> {
        match scheme {
            Scheme::Standard => signing_key(&self.0),
            Scheme::GitHub | Scheme::Stripe | Scheme::Slack => Some(self.0.clone().into_bytes()),
        }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_was_made_is_good_for_every_scheme_and_shows_nothing() {
        let secret = WebhookSecret::generate();
        for scheme in Scheme::ALL {
            assert_eq!(WebhookSecret::parse(*scheme, secret.reveal()), Ok(secret.clone()));
        }
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
    }

    #[test]
    fn what_can_be_guessed_is_refused_without_repeating_it() {
        for scheme in Scheme::ALL {
            for text in ["", "whsec_c2hvcnQ=", "hunter2"] {
                let told = WebhookSecret::parse(*scheme, text).unwrap_err();
                assert!(text.is_empty() || !told.contains(text), "{told}");
            }
        }
    }
}
