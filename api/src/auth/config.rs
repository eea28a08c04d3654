//! The configuration of authentication, and why it may be refused.
//!
//! A guessable key is worse than none: it looks like protection. So the process does not start with a key that is short,
//! monotonous, or put together from the words that examples are made of, and says which variable to mend.

use std::collections::HashSet;
use std::path::PathBuf;

use url::Url;

/// The variable that holds the shared secret.
pub const SECRET_VARIABLE: &str = "WATERCLOCK_JWT_SECRET";
/// The variable that names the file of the public key.
pub const PUBLIC_KEY_VARIABLE: &str = "WATERCLOCK_JWT_PUBLIC_KEY";
/// The variable that names the file or address of the key set.
pub const JWKS_VARIABLE: &str = "WATERCLOCK_JWT_JWKS";

/// The least length of a shared secret: as many bits as HS256's digest has.
const LEAST_SECRET_BYTES: usize = 32;
/// Thirty-two random bytes, also when written in hexadecimal, have more different ones than this.
const LEAST_DISTINCT_BYTES: usize = 5;

/// What every token is measured against.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// The `iss` that a token must carry.
    pub issuer: String,
    /// The `aud` that a token must carry, alone or among others.
    pub audience: String,
    /// How a token's signature is verified.
    pub keys: Keys,
}

/// Where the keys come from that verify signatures. The kind of key fixes the algorithm.
#[derive(Clone)]
pub enum Keys {
    /// A secret shared with whoever issues tokens: HS256.
    Secret(Vec<u8>),
    /// A public key in PEM: RS256, ES256 or `EdDSA`, by the key's type.
    PublicKey(String),
    /// A JSON Web Key Set that may change while the process runs.
    Jwks(JwksSource),
}

/// Where a key set is read from.
#[derive(Clone, Debug)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// An address, read with GET.
    Url(Url),
}

impl Keys {
    /// Picks the one source of keys that is configured.
    pub fn from_settings(
        secret: Option<Vec<u8>>,
        public_key_pem: Option<String>,
        jwks: Option<JwksSource>,
    ) -> Result<Self, AuthConfigError> {
        match (secret, public_key_pem, jwks) {
            (None, None, None) => Err(AuthConfigError::NoKey),
            (Some(secret), None, None) => Ok(Self::Secret(secret)),
            (None, Some(pem), None) => Ok(Self::PublicKey(pem)),
            (None, None, Some(source)) => Ok(Self::Jwks(source)),
            _ => Err(AuthConfigError::SeveralKeys),
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::PublicKey(pem) => f.debug_tuple("PublicKey").field(pem).finish(),
            Self::Jwks(source) => f.debug_tuple("Jwks").field(source).finish(),
        }
    }
}

impl std::str::FromStr for JwksSource {
    type Err = AuthConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(AuthConfigError::EmptyKey {
                variable: JWKS_VARIABLE,
            });
        }
        Ok(match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Url(url),
            _ => Self::File(PathBuf::from(text)),
        })
    }
}

/// Why authentication cannot be configured like this. Each message names the variable to mend.
#[derive(Debug, thiserror::Error)]
pub enum AuthConfigError {
    /// No source of keys at all.
    #[error(
        "no key to verify tokens with: set {SECRET_VARIABLE} to at least 32 random bytes \
         (`openssl rand -base64 48`), or {PUBLIC_KEY_VARIABLE} to a PEM file, or {JWKS_VARIABLE} to a file or URL"
    )]
    NoKey,
    /// More than one source of keys, so that the algorithm would depend on the token.
    #[error("set only one of {SECRET_VARIABLE}, {PUBLIC_KEY_VARIABLE} and {JWKS_VARIABLE}")]
    SeveralKeys,
    /// The variable is set to nothing.
    #[error("{variable} is empty: give it a key, or unset it")]
    EmptyKey {
        /// The variable to mend.
        variable: &'static str,
    },
    /// The secret has fewer than 256 bits.
    #[error(
        "{SECRET_VARIABLE} has {bits} bits and needs at least 256: make one with `openssl rand -base64 48`"
    )]
    ShortSecret {
        /// How many bits it has.
        bits: usize,
    },
    /// The secret is an example, a default, or a repetition.
    #[error("{SECRET_VARIABLE} is a well-known value: make one with `openssl rand -base64 48`")]
    WellKnownSecret,
    /// The issuer or the audience is empty, so that nothing would be compared.
    #[error("{variable} is empty: every token's claim is compared with it")]
    EmptyClaim {
        /// The variable to mend.
        variable: &'static str,
    },
    /// The text is not a public key that can be used.
    #[error("{PUBLIC_KEY_VARIABLE} is not a usable public key: {reason}")]
    PublicKey {
        /// What is wrong with it, and what is expected.
        reason: &'static str,
    },
    /// An RSA key that is too short.
    #[error("{variable} holds an RSA key of {bits} bits; at least 2048 are needed")]
    ShortRsaKey {
        /// The variable to mend.
        variable: &'static str,
        /// How many bits it has.
        bits: usize,
    },
    /// The key set's file cannot be read.
    #[error("{JWKS_VARIABLE} names the file `{}`, which cannot be read", path.display())]
    UnreadableJwks {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: std::io::Error,
    },
    /// The key set's file holds nothing to verify a signature with.
    #[error(
        "{JWKS_VARIABLE} names the file `{}`, which is not a key set with a usable signature key: {reason}",
        path.display()
    )]
    UselessJwks {
        /// The file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The machine's TLS cannot be set up, so a key set's address cannot be read.
    #[error("{JWKS_VARIABLE} names an address, but HTTPS cannot be set up on this machine")]
    Tls(#[source] reqwest::Error),
}

impl AuthConfig {
    /// Refuses an issuer or audience with which nothing would be compared.
    pub(super) fn check_claims(&self) -> Result<(), AuthConfigError> {
        let claims = [
            (&self.issuer, "WATERCLOCK_JWT_ISSUER"),
            (&self.audience, "WATERCLOCK_JWT_AUDIENCE"),
        ];
        match claims.into_iter().find(|(value, _)| value.trim().is_empty()) {
            Some((_, variable)) => Err(AuthConfigError::EmptyClaim { variable }),
            None => Ok(()),
        }
    }
}

/// Refuses a secret that could be found by trying.
pub(super) fn check_secret(secret: &[u8]) -> Result<(), AuthConfigError> {
    if secret.iter().all(u8::is_ascii_whitespace) {
        return Err(AuthConfigError::EmptyKey {
            variable: SECRET_VARIABLE,
        });
    }
    if secret.len() < LEAST_SECRET_BYTES {
        return Err(AuthConfigError::ShortSecret {
            bits: secret.len() * 8,
        });
    }
    if is_monotonous(secret) || is_well_known(secret) {
        return Err(AuthConfigError::WellKnownSecret);
    }
    Ok(())
}

/// Few different bytes.
fn is_monotonous(secret: &[u8]) -> bool {
    secret.iter().collect::<HashSet<_>>().len() < LEAST_DISTINCT_BYTES
}

/// Secrets of documentation, templates and defaults, by their letters and digits alone.
const WELL_KNOWN: [&str; 12] = [
    "astringsecretatleast256bitslong",
    "supersecretjwttokenwithatleast32characterslong",
    "your256bitsecretyour256bitsecret",
    "mysupersecretkeythatshouldbechanged",
    "thisisasecretkeypleasechangeitinproduction",
    "yoursupersecretandlongpostgresjwtsecretkey",
    "yoursecretkeyatleast32characterslong",
    "replacethiswithasecretofatleast32bytes",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "abcdefghijklmnopqrstuvwxyzabcdef",
    "abcdefghijklmnopqrstuvwxyz123456",
    "01234567890123456789012345678901",
];

/// Words that a secret is filled up with when it must only be long enough.
const FILLERS: [&str; 8] = [
    "changeme",
    "secret",
    "password",
    "waterclock",
    "deadbeef",
    "default",
    "example",
    "test",
];

/// A default that stands in somebody's documentation, or one filler over and over.
fn is_well_known(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_lowercase();
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_filled_with = |filler: &&str| {
        let rest = letters.trim_end_matches(|c: char| c.is_ascii_digit());
        !rest.is_empty() && rest.replace(*filler, "").is_empty()
    };
    WELL_KNOWN.contains(&letters.as_str()) || FILLERS.iter().any(is_filled_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(secret: &str) -> String {
        check_secret(secret.as_bytes()).expect_err(secret).to_string()
    }

    #[test]
    fn random_secrets_pass() {
        for secret in [
            "tI0m5mJYkz0o9YcQ3m3yGm0n8jF5b7rTq2wEXAMPLE1=",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "correct horse battery staple clock tower 71",
        ] {
            check_secret(secret.as_bytes()).expect(secret);
        }
    }

    #[test]
    fn an_empty_or_short_secret_is_refused_by_name() {
        for secret in ["", "   ", "secret", "changeme", "0123456789abcdef0123456789abcde"] {
            assert!(refusal(secret).contains(SECRET_VARIABLE), "{secret}");
        }
    }

    #[test]
    fn well_known_secrets_are_refused_however_long() {
        for secret in [
            "a-string-secret-at-least-256-bits-long",
            "super-secret-jwt-token-with-at-least-32-characters-long",
            "changemechangemechangemechangeme",
            "change-me-change-me-change-me-change-me!",
            "your-256-bit-secret-your-256-bit-secret",
            "my_super_secret_key_that_should_be_changed",
            "this-is-a-secret-key-please-change-it-in-production",
            "your-super-secret-and-long-postgres-jwt-secret-key",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF",
            "01234567890123456789012345678901",
            "deadbeefdeadbeefdeadbeefdeadbeef",
            "secretsecretsecretsecretsecretsecret",
            "passwordpasswordpasswordpassword1234",
        ] {
            assert!(refusal(secret).contains("well-known"), "{secret}");
        }
    }

    #[test]
    fn a_secret_of_somebodys_own_is_taken_whatever_words_it_has() {
        for secret in [
            "the-test-secret-of-our-own-suite-for-waterclock",
            "0123456789abcdef0123456789abcdef",
        ] {
            check_secret(secret.as_bytes()).expect(secret);
        }
    }

    #[test]
    fn exactly_one_source_of_keys_is_taken() {
        assert!(matches!(
            Keys::from_settings(None, None, None),
            Err(AuthConfigError::NoKey)
        ));
        assert!(matches!(
            Keys::from_settings(Some(vec![1]), Some(String::new()), None),
            Err(AuthConfigError::SeveralKeys)
        ));
    }
}
