//! Whether a call of a webhook comes from whoever holds its secret.
//!
//! Each scheme signs other things, and what it does not sign proves nothing. From what is signed comes also what makes one call
//! differ from another, so that a call that is sent again, by its sender or by somebody who listened, is known for what it is.
//! Signatures are compared in a time that does not depend on where they differ, and over the bytes as they came.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::WebhookSecret;
use crate::run::named;
use crate::workflow::Digest;

named! {
    /// How calls of a webhook are signed.
    Scheme {
        /// As Standard Webhooks has it: id, instant and body, in `webhook-id`, `webhook-timestamp` and `webhook-signature`.
        Standard = "STANDARD",
        /// As GitHub does: the body, in `x-hub-signature-256`.
        GitHub = "GITHUB",
        /// As Stripe does: instant and body, in `stripe-signature`.
        Stripe = "STRIPE",
        /// As Slack does: instant and body, in `x-slack-request-timestamp` and `x-slack-signature`.
        Slack = "SLACK",
    }
}

/// Headers by their names in lower case.
pub type Headers = BTreeMap<String, String>;

/// A call whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genuine {
    /// What makes it differ from every other call: a name that was signed, or a digest of what was.
    pub cause: String,
    /// The second at which it was signed, where that was signed.
    pub signed_at: Option<i64>,
}

/// The most bytes of the name of a delivery.
const LONGEST_ID: usize = 255;

impl Scheme {
    /// The headers that hold signatures, which nobody is shown.
    #[must_use]
    pub fn signature_headers() -> &'static [&'static str] {
        &[
            "webhook-signature",
            "x-hub-signature",
            "x-hub-signature-256",
            "stripe-signature",
            "x-slack-signature",
        ]
    }

    /// The sender's name for a delivery, where the scheme has one.
    #[must_use]
    pub fn delivery_id(self, headers: &Headers) -> Option<&String> {
        match self {
            Self::Standard => headers.get("webhook-id"),
            Self::GitHub => headers.get("x-github-delivery"),
            Self::Stripe | Self::Slack => None,
        }
    }

    /// What a call is, when one of the secrets has signed it.
    #[must_use]
    pub fn verify(self, secrets: &[WebhookSecret], headers: &Headers, body: &[u8]) -> Option<Genuine> {
        let claim = self.claim(headers, body)?;
        let is_genuine = secrets
            .iter()
            .filter_map(|secret| secret.key(self))
            .any(|key| claim.is_signed_with(&key));
        is_genuine.then(|| Genuine {
            cause: claim.cause(body),
            signed_at: claim.signed_at,
        })
    }

    /// What the headers claim; `None` when they do not follow the scheme.
    fn claim(self, headers: &Headers, body: &[u8]) -> Option<Claim> {
        let header = |name: &str| headers.get(name).map(String::as_str);
        match self {
            Self::Standard => {
                let id = header("webhook-id").filter(|id| (1..=LONGEST_ID).contains(&id.len()))?;
                let at = header("webhook-timestamp")?;
                let signatures = header("webhook-signature")?.split(' ');
                let signatures = signatures.filter_map(|one| one.strip_prefix("v1,"));
                Some(Claim {
                    id: Some(id.to_owned()),
                    signed: [id.as_bytes(), b".", at.as_bytes(), b".", body].concat(),
                    signed_at: Some(at.parse().ok()?),
                    signatures: signatures
                        .filter_map(|text| BASE64_STANDARD.decode(text).ok())
                        .collect(),
                })
            }
            Self::GitHub => Some(Claim {
                id: None,
                signed: body.to_vec(),
                signed_at: None,
                signatures: vec![hexadecimal(
                    header("x-hub-signature-256")?.strip_prefix("sha256=")?,
                )?],
            }),
            Self::Stripe => {
                let parts = || {
                    let parts = header("stripe-signature").unwrap_or_default().split(',');
                    parts.filter_map(|part| part.trim().split_once('='))
                };
                let (_, at) = parts().find(|(name, _)| *name == "t")?;
                let signatures = parts().filter(|(name, _)| *name == "v1");
                Some(Claim {
                    id: None,
                    signed: [at.as_bytes(), b".", body].concat(),
                    signed_at: Some(at.parse().ok()?),
                    signatures: signatures.filter_map(|(_, text)| hexadecimal(text)).collect(),
                })
            }
            Self::Slack => {
                let at = header("x-slack-request-timestamp")?;
                Some(Claim {
                    id: None,
                    signed: [b"v0:", at.as_bytes(), b":", body].concat(),
                    signed_at: Some(at.parse().ok()?),
                    signatures: vec![hexadecimal(header("x-slack-signature")?.strip_prefix("v0=")?)?],
                })
            }
        }
    }
}

/// What a call says of itself, which a signature makes true.
struct Claim {
    /// A name that is signed.
    id: Option<String>,
    signed: Vec<u8>,
    signed_at: Option<i64>,
    signatures: Vec<Vec<u8>>,
}

impl Claim {
    fn is_signed_with(&self, key: &[u8]) -> bool {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return false;
        };
        let mac = mac.chain_update(&self.signed);
        self.signatures
            .iter()
            .any(|signature| mac.clone().verify_slice(signature).is_ok())
    }

    /// Without a name that is signed it is the digest of all that is: a body that comes twice without an instant is the same call.
    fn cause(&self, body: &[u8]) -> String {
        match (&self.id, self.signed_at) {
            (Some(id), _) => format!("id {id}"),
            (None, Some(at)) => format!("at {at} sha256 {}", Digest::of(body)),
            (None, None) => format!("sha256 {}", Digest::of(body)),
        }
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn secret(text: &str) -> Vec<WebhookSecret> {
        vec![WebhookSecret::stored(text.to_owned())]
    }

    /// The example of the specification's reference libraries.
    #[test]
    fn the_published_example_of_standard_webhooks_is_genuine() {
        let body = br#"{"test": 2432232314}"#;
        let sent = headers(&[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1a,bm9wZQ== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ]);
        let secrets = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let genuine = Scheme::Standard.verify(&secrets, &sent, body).unwrap();
        assert_eq!(genuine.signed_at, Some(1_614_265_330));
        assert_eq!(genuine.cause, "id msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(Scheme::Standard.verify(&secrets, &sent, b"{}"), None);
        for (name, value) in [("webhook-id", "msg_other"), ("webhook-timestamp", "1614265331")] {
            let mut forged = sent.clone();
            forged.insert(name.to_owned(), value.to_owned());
            assert_eq!(Scheme::Standard.verify(&secrets, &forged, body), None, "{name}");
        }
    }

    /// The example of GitHub's documentation.
    #[test]
    fn the_published_example_of_github_is_genuine() {
        let sent = headers(&[(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )]);
        let secrets = secret("It's a Secret to Everybody");
        let genuine = Scheme::GitHub.verify(&secrets, &sent, b"Hello, World!").unwrap();
        assert_eq!(genuine.signed_at, None);
        assert_eq!(Scheme::GitHub.verify(&secrets, &sent, b"Hello, World"), None);
        assert_eq!(Scheme::GitHub.verify(&[], &sent, b"Hello, World!"), None);
    }

    /// The example of Slack's documentation.
    #[test]
    fn the_published_example_of_slack_is_genuine() {
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let sent = headers(&[
            ("x-slack-request-timestamp", "1531420618"),
            (
                "x-slack-signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
        ]);
        let secrets = secret("8f742231b10e8888abcd99yyyzzz85a5");
        let genuine = Scheme::Slack.verify(&secrets, &sent, body).unwrap();
        assert_eq!(genuine.signed_at, Some(1_531_420_618));
    }

    #[test]
    fn any_of_stripes_signatures_and_any_valid_secret_will_do() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"whsec_of_the_new_endpoint").unwrap();
        mac.update(b"1700000000.{}");
        let signature = mac.finalize().into_bytes();
        let written = signature.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let sent = headers(&[(
            "stripe-signature",
            &format!("t=1700000000,v1=00ff,v0=1,v1={written}"),
        )]);
        let secrets = [
            WebhookSecret::stored("whsec_of_the_old_endpoint".to_owned()),
            WebhookSecret::stored("whsec_of_the_new_endpoint".to_owned()),
        ];
        let genuine = Scheme::Stripe.verify(&secrets, &sent, b"{}").unwrap();
        assert!(genuine.cause.starts_with("at 1700000000 sha256 "));
        assert_eq!(Scheme::Stripe.verify(&secrets[..1], &sent, b"{}"), None);
    }

    #[test]
    fn what_does_not_follow_the_scheme_is_not_genuine() {
        let secrets = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        for scheme in Scheme::ALL {
            for sent in [
                headers(&[]),
                headers(&[
                    ("webhook-id", "a"),
                    ("webhook-timestamp", "now"),
                    ("webhook-signature", "v1,AAAA"),
                    ("x-hub-signature-256", "sha256=0"),
                    ("stripe-signature", "t=now,v1=zz"),
                    ("x-slack-request-timestamp", "now"),
                    ("x-slack-signature", "v0=ÿÿ"),
                ]),
            ] {
                assert_eq!(scheme.verify(&secrets, &sent, b"{}"), None, "{scheme}");
            }
        }
    }
}
