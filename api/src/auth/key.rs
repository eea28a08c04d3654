//! A key that verifies signatures, with the one algorithm that it may be used for.
//!
//! The pair is never taken apart: a token whose header names another algorithm is refused before its signature is looked
//! at, which is what keeps a public key from being used as a shared secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::config::{AuthConfigError, PUBLIC_KEY_VARIABLE, check_secret};

/// The least length of an RSA modulus.
const LEAST_RSA_BITS: usize = 2048;

/// The object identifiers of the public keys we know, as they stand in DER.
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// A verifying key and its algorithm.
#[derive(Clone, Debug)]
pub(super) struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl VerifyingKey {
    pub(super) fn from_secret(secret: &[u8]) -> Result<Self, AuthConfigError> {
        check_secret(secret)?;
        Ok(Self {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        })
    }

    pub(super) fn from_pem(pem: &str) -> Result<Self, AuthConfigError> {
        let der = public_key_der(pem)?;
        let (algorithm, key) = if der.label == "RSA PUBLIC KEY" || contains(&der.bytes, OID_RSA) {
            (Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_bytes()))
        } else if contains(&der.bytes, OID_P256) {
            (Algorithm::ES256, DecodingKey::from_ec_pem(pem.as_bytes()))
        } else if contains(&der.bytes, OID_ED25519) {
            (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem.as_bytes()))
        } else {
            return Err(unusable("only RSA, EC on P-256 and Ed25519 keys are supported"));
        };
        let key = key.map_err(|_| unusable("the text between the markers is not a public key"))?;
        if algorithm == Algorithm::RS256 {
            check_rsa_der(&key)?;
        }
        Ok(Self { algorithm, key })
    }

    /// The key of a key set's entry, or why that entry is passed over.
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, &'static str> {
        check_purpose(jwk)?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                if base64url_bits(&rsa.n) < LEAST_RSA_BITS {
                    return Err("an RSA key needs at least 2048 bits");
                }
                Algorithm::RS256
            }
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return Err("only RSA, EC on P-256 and Ed25519 keys are supported"),
        };
        if jwk
            .common
            .key_algorithm
            .is_some_and(|named| named != KeyAlgorithm::from(algorithm))
        {
            return Err("its `alg` is not one of RS256, ES256 and EdDSA");
        }
        let key = DecodingKey::from_jwk(jwk).map_err(|_| "its parameters are malformed")?;
        Ok(Self { algorithm, key })
    }
}

/// Passes over keys that are for encryption or for anything but verifying.
fn check_purpose(jwk: &Jwk) -> Result<(), &'static str> {
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let may_verify = match &jwk.common.key_operations {
        Some(operations) => operations.contains(&KeyOperations::Verify),
        None => true,
    };
    if for_signatures && may_verify {
        Ok(())
    } else {
        Err("it is not for verifying signatures")
    }
}

struct PublicKeyDer<'a> {
    label: &'a str,
    bytes: Vec<u8>,
}

fn public_key_der(pem: &str) -> Result<PublicKeyDer<'_>, AuthConfigError> {
    let pem = pem.trim();
    if pem.is_empty() {
        return Err(AuthConfigError::EmptyKey {
            variable: PUBLIC_KEY_VARIABLE,
        });
    }
    let no_marker = || unusable("it has to begin with `-----BEGIN PUBLIC KEY-----`");
    let (label, rest) = pem
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or_else(no_marker)?;
    if label.contains("PRIVATE") {
        return Err(unusable(
            "it is a private key; extract its public part (`openssl pkey -pubout`)",
        ));
    }
    if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
        return Err(no_marker());
    }
    let body = rest
        .split_once("-----END ")
        .map(|(body, _)| body)
        .ok_or_else(|| unusable("its end marker is missing"))?;
    let text: String = body.split_whitespace().collect();
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| unusable("the text between the markers is not base64"))?;
    Ok(PublicKeyDer { label, bytes })
}

fn check_rsa_der(key: &DecodingKey) -> Result<(), AuthConfigError> {
    let malformed = || unusable("the RSA key is malformed");
    let der = key.try_get_as_bytes().map_err(|_| malformed())?;
    let bits = rsa_modulus_bits(der).ok_or_else(malformed)?;
    if bits < LEAST_RSA_BITS {
        return Err(AuthConfigError::ShortRsaKey {
            variable: PUBLIC_KEY_VARIABLE,
            bits,
        });
    }
    Ok(())
}

/// The length of `n` in `SEQUENCE { INTEGER n, INTEGER e }`.
fn rsa_modulus_bits(der: &[u8]) -> Option<usize> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (modulus, _) = der_value(sequence, 0x02)?;
    Some(significant_bits(modulus))
}

/// The content of the value with this tag that `der` begins with, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = bytes.iter().try_fold(0_usize, |length, byte| {
            length.checked_mul(256).map(|length| length + usize::from(*byte))
        })?;
        (length, rest)
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

fn base64url_bits(text: &str) -> usize {
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .map_or(0, |bytes| significant_bits(&bytes))
}

fn significant_bits(bytes: &[u8]) -> usize {
    match bytes.iter().position(|byte| *byte != 0) {
        Some(first) => (bytes.len() - first) * 8 - bytes[first].leading_zeros() as usize,
        None => 0,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn unusable(reason: &'static str) -> AuthConfigError {
    AuthConfigError::PublicKey { reason }
}
