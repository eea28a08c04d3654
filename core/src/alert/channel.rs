//! Channels: where alerts are delivered to.
//!
//! A webhook's secret goes in and never comes out. The API's role may write the column and may not read it; what is shown is
//! a fingerprint, by which an edit with the same secret is known to change nothing, and by which people tell two secrets apart.
//! The secret is stored as it is: whoever can read the database as its owner can sign.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::check::{Faults, check_text, quoted};
use crate::id::AlertChannelId;
use crate::registered::{Registered, Registrable};
use crate::workflow::Digest;

/// A registered channel.
pub type AlertChannel = Registered<ChannelSpec>;

/// What a channel is.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSpec {
    /// Where deliveries go.
    pub target: Target,
    /// Why nothing is sent to it any more. To edit the channel is to try it again.
    pub disabled_reason: Option<String>,
}

/// Where deliveries go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Target {
    /// They are posted to an address.
    Webhook {
        /// The address.
        url: String,
        /// What they are signed with.
        secret: SigningSecret,
    },
    /// They are sent as mail.
    Email {
        /// To whom.
        to: Vec<String>,
        /// From whom; whoever the service sends as when absent.
        from: Option<String>,
    },
}

/// A secret as the service knows it: by its fingerprint, and by itself only between the caller and the table.
#[derive(Clone, Serialize, Deserialize)]
pub struct SigningSecret {
    /// The beginning of its SHA-256.
    pub fingerprint: String,
    #[serde(skip)]
    text: Option<String>,
}

/// How many letters of its digest a secret is known by.
const FINGERPRINT: usize = 16;

impl SigningSecret {
    /// The secret `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut fingerprint = Digest::of(text.as_bytes()).to_string();
        fingerprint.truncate(FINGERPRINT);
        Self {
            fingerprint,
            text: Some(text.to_owned()),
        }
    }

    /// The secret, when it has just come from a caller.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecret({})", self.fingerprint)
    }
}

impl Registrable for ChannelSpec {
    type Id = AlertChannelId;

    const NOUN: &'static str = "alert channel";
    const USERS: &'static str = "alert rules";
}

/// What a caller wants a channel to be.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelProposal {
    /// Where deliveries go.
    pub target: TargetProposal,
    /// Whether this service can send mail.
    #[serde(skip)]
    pub sends_mail: bool,
}

/// Where a caller wants deliveries to go.
#[derive(Clone, Serialize)]
pub enum TargetProposal {
    /// To an address.
    Webhook {
        /// The address.
        url: String,
        /// What they are signed with; as it was when absent.
        secret: Option<String>,
    },
    /// To mail addresses.
    Email {
        /// To whom.
        to: Vec<String>,
        /// From whom.
        from: Option<String>,
    },
}

impl fmt::Debug for TargetProposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook { url, .. } => f
                .debug_struct("Webhook")
                .field("url", url)
                .finish_non_exhaustive(),
            Self::Email { to, from } => f
                .debug_struct("Email")
                .field("to", to)
                .field("from", from)
                .finish(),
        }
    }
}

/// The most bytes of an address.
const LONGEST_ADDRESS: usize = 8 * 1024;
/// The most people that one channel writes to.
const MOST_PEOPLE: usize = 50;
/// How a secret of Standard Webhooks begins.
pub(crate) const SECRET_PREFIX: &str = "whsec_";

impl ChannelProposal {
    /// Checks everything; `current` is the channel as it is, if there is one.
    pub fn check(&self, current: Option<&ChannelSpec>, faults: &mut Faults) -> Option<ChannelSpec> {
        let target = faults.within("target", |faults| match &self.target {
            TargetProposal::Webhook { url, secret } => faults.within("webhook", |faults| {
                faults.within("url", |faults| check_address(faults, url));
                let secret = check_secret(secret.as_deref(), current, faults)?;
                Some(Target::Webhook {
                    url: url.clone(),
                    secret,
                })
            }),
            TargetProposal::Email { to, from } => faults.within("email", |faults| {
                check_people(to, from.as_deref(), faults);
                if !self.sends_mail {
                    faults.invalid(
                        "this service sends no mail; start its processes with --smtp-url and --smtp-from, or use a webhook",
                    );
                }
                Some(Target::Email {
                    to: to.clone(),
                    from: from.clone(),
                })
            }),
        })?;
        Some(ChannelSpec {
            target,
            disabled_reason: None,
        })
    }
}

fn check_address(faults: &mut Faults, url: &str) {
    check_text(faults, url, LONGEST_ADDRESS);
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => {
            if !parsed.username().is_empty() || parsed.password().is_some() {
                faults.invalid(
                    "an address with a password in it would be shown to whoever may look; use the secret",
                );
            }
        }
        Ok(_) => faults.invalid(format!(
            "{} is not the address of a webhook: it begins with http:// or https://",
            quoted(url)
        )),
        Err(error) => faults.invalid(format!("{} is not an address: {error}", quoted(url))),
    }
}

/// The secret that was given, or the one that the channel has.
fn check_secret(
    given: Option<&str>,
    current: Option<&ChannelSpec>,
    faults: &mut Faults,
) -> Option<SigningSecret> {
    const REMEDY: &str =
        "write it as whsec_ and 24 to 64 random bytes in base64, such as whsec_$(openssl rand -base64 32)";
    faults.within("secret", |faults| {
        match (given, current.map(|spec| &spec.target)) {
            (Some(text), _) => {
                let long_enough = signing_key(text).is_some_and(|key| (24..=64).contains(&key.len()));
                if !long_enough {
                    // The secret itself is not repeated.
                    faults.invalid(format!("this is not a secret to sign with; {REMEDY}"));
                    return None;
                }
                Some(SigningSecret::new(text))
            }
            (None, Some(Target::Webhook { secret, .. })) => Some(SigningSecret {
                text: None,
                ..secret.clone()
            }),
            (None, _) => {
                faults.invalid(format!("a webhook needs a secret to sign with; {REMEDY}"));
                None
            }
        }
    })
}

/// The bytes that a secret stands for.
pub(crate) fn signing_key(secret: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()
}

fn check_people(to: &[String], from: Option<&str>, faults: &mut Faults) {
    if to.is_empty() {
        faults.within("to", |faults| faults.invalid("mail goes to somebody"));
    }
    faults.each("to", to, MOST_PEOPLE, |faults, person| {
        check_person(faults, person);
    });
    if let Some(from) = from {
        faults.within("from", |faults| check_person(faults, from));
    }
}

fn check_person(faults: &mut Faults, person: &str) {
    check_text(faults, person, 320);
    if person.parse::<Mailbox>().is_err() {
        faults.invalid(format!(
            "{} is not a mail address: write on-call@example.org or \"On call <on-call@example.org>\"",
            quoted(person)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn webhook(url: &str, secret: Option<&str>) -> ChannelProposal {
        ChannelProposal {
            target: TargetProposal::Webhook {
                url: url.to_owned(),
                secret: secret.map(str::to_owned),
            },
            sends_mail: false,
        }
    }

    fn told(proposal: &ChannelProposal, current: Option<&ChannelSpec>) -> Vec<String> {
        let mut faults = Faults::default();
        proposal.check(current, &mut faults);
        match faults.into_result() {
            Err(CommandError::Refused(refusals)) => refusals
                .iter()
                .map(|refusal| format!("{}: {}", refusal.path.join("."), refusal.message))
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_secret_is_kept_when_none_is_given_and_shown_to_nobody() {
        let given = webhook("https://a/", Some(SECRET));
        let spec = given.check(None, &mut Faults::default()).unwrap();
        assert!(!format!("{spec:?} {given:?}").contains("MfKQ"));
        assert!(!serde_json::to_string(&spec.target).unwrap().contains("MfKQ"));
        let kept = webhook("https://a/", None).check(Some(&spec), &mut Faults::default());
        assert_eq!(kept, Some(spec), "the same channel");
        assert_eq!(told(&webhook("https://a/", None), None).len(), 1);
    }

    #[test]
    fn what_cannot_be_signed_with_or_sent_to_is_refused() {
        for secret in ["", "whsec_", "secret", "whsec_c2hvcnQ="] {
            let told = told(&webhook("https://a/", Some(secret)), None);
            assert!(told[0].starts_with("target.webhook.secret: "), "{told:?}");
        }
        for url in ["", "ftp://a/", "https://user:word@a/", "//a"] {
            let told = told(&webhook(url, Some(SECRET)), None);
            assert!(told[0].starts_with("target.webhook.url: "), "{told:?}");
        }
        let mail = ChannelProposal {
            target: TargetProposal::Email {
                to: vec!["nobody".to_owned()],
                from: None,
            },
            sends_mail: false,
        };
        let told = told(&mail, None);
        assert!(told[0].starts_with("target.email.to.0: "), "{told:?}");
        assert!(told[1].contains("--smtp-url"), "{told:?}");
    }
}
