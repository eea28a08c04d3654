//! Tokens that are accepted, and the many that are not.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use waterclock_core::clock::{Clock as _, ManualClock};

use super::*;

const SECRET: &[u8] = b"nY4!tq0-Kd82_xvPz7.Lw3mHs6@Rb1gEc9";
const RSA: &str = include_str!("test_keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("test_keys/rsa.pub.pem");
const RSA_1024_PUBLIC: &str = include_str!("test_keys/rsa1024.pub.pem");
const EC: &str = include_str!("test_keys/ec.pem");
const EC_PUBLIC: &str = include_str!("test_keys/ec.pub.pem");
const EC_384_PUBLIC: &str = include_str!("test_keys/ec384.pub.pem");
const ED: &str = include_str!("test_keys/ed.pem");
const ED_PUBLIC: &str = include_str!("test_keys/ed.pub.pem");

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).expect("an instant")
}

fn config(keys: Keys) -> AuthConfig {
    AuthConfig {
        issuer: "https://issuer.test".into(),
        audience: "waterclock".into(),
        keys,
    }
}

fn authenticator(keys: Keys) -> Result<Authenticator, AuthConfigError> {
    Authenticator::new(config(keys), Arc::new(ManualClock::new(noon())))
}

fn with_secret() -> Authenticator {
    authenticator(Keys::Secret(SECRET.to_vec())).expect("a good secret")
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.test",
        "aud": "waterclock",
        "sub": "ada",
        "tenant": "acme",
        "scope": "operator openid",
        "exp": noon().timestamp() + 600,
    })
}

fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn sign(claims: &Value) -> String {
    sign_with(
        &Header::new(Algorithm::HS256),
        claims,
        &EncodingKey::from_secret(SECRET),
    )
}

fn sign_with(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    encode(header, claims, key).expect("signed")
}

/// A token with exactly this header and a correct HS256 signature over it.
fn sign_raw(header: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(&claims()));
    let key = EncodingKey::from_secret(SECRET);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("signed");
    format!("{message}.{signature}")
}

async fn refusal(token: &str) -> TokenError {
    with_secret().authenticate(token).await.expect_err(token)
}

#[tokio::test]
async fn a_good_token_says_who_calls() {
    let claims = with_secret()
        .authenticate(&sign(&claims()))
        .await
        .expect("accepted");
    assert_eq!(&*claims.subject, "ada");
    assert_eq!(&*claims.tenant, "acme");
    assert_eq!(claims.scopes, Scopes::from(Scope::Operator));
    assert_eq!(claims.expires_at, noon() + TimeDelta::seconds(600));
}

#[tokio::test]
async fn every_required_claim_has_to_be_there_of_its_type_and_not_empty() {
    for name in ["exp", "iss", "aud", "sub", "tenant", "scope"] {
        let mut without = claims();
        without.as_object_mut().expect("an object").remove(name);
        assert_eq!(
            refusal(&sign(&without)).await,
            TokenError::Claim(ClaimError::Missing(name))
        );
        for wrong in [
            json!(null),
            json!(""),
            json!("  "),
            json!([]),
            json!({}),
            json!(true),
            json!([null]),
            json!([""]),
        ] {
            let refused = refusal(&sign(&claims_with(name, wrong.clone()))).await;
            assert_eq!(
                refused,
                TokenError::Claim(ClaimError::Malformed(name)),
                "{name}: {wrong}"
            );
        }
    }
    for (name, wrong) in [
        ("iss", json!(["https://issuer.test"])),
        ("sub", json!(7)),
        ("sub", json!("a\u{0}b")),
        ("sub", json!("x".repeat(256))),
        ("scope", json!(["admin"])),
        ("exp", json!("1900000600")),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MAX)),
        ("nbf", json!("0")),
        ("nbf", json!(null)),
        ("tenant", json!("Acme")),
        ("tenant", json!("-acme")),
        ("tenant", json!("acme ")),
        ("tenant", json!("../acme")),
        ("tenant", json!("a".repeat(64))),
    ] {
        let refused = refusal(&sign(&claims_with(name, wrong.clone()))).await;
        assert_eq!(
            refused,
            TokenError::Claim(ClaimError::Malformed(name)),
            "{name}: {wrong}"
        );
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    for (name, other) in [
        ("iss", json!("https://issuer.test/")),
        ("aud", json!("waterclock2")),
        ("aud", json!(["other", "another"])),
    ] {
        let refused = refusal(&sign(&claims_with(name, other))).await;
        assert_eq!(refused, TokenError::Claim(ClaimError::Unexpected(name)));
    }
    let among_others = sign(&claims_with("aud", json!(["other", "waterclock"])));
    assert!(with_secret().authenticate(&among_others).await.is_ok());
}

#[tokio::test]
async fn times_are_compared_with_a_minute_of_leeway() {
    let at = |name, offset: i64| sign(&claims_with(name, json!(noon().timestamp() + offset)));
    assert!(with_secret().authenticate(&at("exp", -59)).await.is_ok());
    assert_eq!(
        refusal(&at("exp", -60)).await,
        TokenError::Claim(ClaimError::Expired)
    );
    assert!(with_secret().authenticate(&at("nbf", 60)).await.is_ok());
    assert_eq!(
        refusal(&at("nbf", 61)).await,
        TokenError::Claim(ClaimError::NotYetValid)
    );
    assert!(with_secret().authenticate(&at("iat", 9_999_999)).await.is_ok());
}

#[tokio::test]
async fn a_token_expires_by_the_injected_clock() {
    let clock = Arc::new(ManualClock::new(noon()));
    let authenticator =
        Authenticator::new(config(Keys::Secret(SECRET.to_vec())), clock.clone()).expect("configured");
    let token = sign(&claims());
    assert!(authenticator.authenticate(&token).await.is_ok());
    clock.advance(TimeDelta::seconds(660));
    assert!(authenticator.authenticate(&token).await.is_err());
}

#[tokio::test]
async fn scopes_that_nobody_knows_allow_nothing() {
    let token = sign(&claims_with("scope", json!("openid Admin admin,viewer")));
    let claims = with_secret().authenticate(&token).await.expect("valid");
    assert_eq!(claims.scopes, Scopes::NONE);
}

#[tokio::test]
async fn a_header_cannot_choose_how_it_is_verified() {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let payload = part(claims());
    for alg in ["none", "None", "NONE", ""] {
        let unsigned = format!("{}.{payload}.", part(json!({ "alg": alg, "typ": "JWT" })));
        assert_eq!(refusal(&unsigned).await, TokenError::NotAToken, "{alg}");
    }
    for alg in ["HS384", "HS512", "RS256", "ES256", "EdDSA", "PS256"] {
        assert_eq!(
            refusal(&sign_raw(&json!({ "alg": alg }))).await,
            TokenError::Signature,
            "{alg}"
        );
    }
    assert_eq!(
        refusal(&sign_raw(&json!({ "alg": "HS256", "crit": ["exp"] }))).await,
        TokenError::Header("crit")
    );
    assert_eq!(
        refusal(&sign_raw(&json!({ "alg": "HS256", "crit": [] }))).await,
        TokenError::Header("crit")
    );
    assert_eq!(
        refusal(&sign_raw(&json!({ "alg": "HS256", "b64": false }))).await,
        TokenError::Header("b64")
    );
    assert_eq!(
        refusal(&sign_raw(&json!({ "alg": "HS256", "typ": "dpop+jwt" }))).await,
        TokenError::Header("typ")
    );
    let own_key =
        json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "c2VjcmV0" }, "kid": "../../dev/null" });
    assert!(
        with_secret().authenticate(&sign_raw(&own_key)).await.is_ok(),
        "the configured key signed it"
    );
}

#[tokio::test]
async fn a_changed_or_malformed_token_is_refused() {
    let token = sign(&claims());
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let other = sign(&claims_with("tenant", json!("other")));
    let payload_of_other = other.split('.').nth(1).expect("a payload");
    let header = token.split('.').next().expect("a header");
    assert_eq!(
        refusal(&format!("{header}.{payload_of_other}.{signature}")).await,
        TokenError::Signature
    );
    assert_eq!(refusal(&format!("{message}.")).await, TokenError::Signature);
    assert_eq!(
        refusal(&format!("{message}.{signature}=")).await,
        TokenError::Signature
    );
    for nonsense in ["", ".", "..", "a.b.c", "a.b", message] {
        refusal(nonsense).await;
    }
    let long = sign(&claims_with("padding", json!("x".repeat(LONGEST_TOKEN))));
    assert_eq!(refusal(&long).await, TokenError::TooLong);
}

#[tokio::test]
async fn a_public_key_fixes_its_algorithm() {
    let cases = [
        (
            RSA_PUBLIC,
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(RSA.as_bytes()),
        ),
        (
            EC_PUBLIC,
            Algorithm::ES256,
            EncodingKey::from_ec_pem(EC.as_bytes()),
        ),
        (
            ED_PUBLIC,
            Algorithm::EdDSA,
            EncodingKey::from_ed_pem(ED.as_bytes()),
        ),
    ];
    for (public, algorithm, private) in cases {
        let authenticator = authenticator(Keys::PublicKey(public.into())).expect("a good key");
        let token = sign_with(&Header::new(algorithm), &claims(), &private.expect("a key"));
        authenticator.authenticate(&token).await.expect("accepted");

        let as_secret = EncodingKey::from_secret(public.as_bytes());
        let confused = sign_with(&Header::new(Algorithm::HS256), &claims(), &as_secret);
        assert_eq!(
            authenticator.authenticate(&confused).await,
            Err(TokenError::Signature)
        );
        assert_eq!(
            authenticator.authenticate(&sign(&claims())).await,
            Err(TokenError::Signature)
        );
    }
}

#[tokio::test]
async fn a_longer_digest_of_the_same_key_is_another_algorithm() {
    let authenticator = authenticator(Keys::PublicKey(RSA_PUBLIC.into())).expect("a good key");
    let private = EncodingKey::from_rsa_pem(RSA.as_bytes()).expect("a key");
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = sign_with(&Header::new(algorithm), &claims(), &private);
        assert_eq!(
            authenticator.authenticate(&token).await,
            Err(TokenError::Signature)
        );
    }
}

#[test]
fn keys_that_protect_nothing_stop_the_start_by_name() {
    for pem in [
        RSA,
        EC_384_PUBLIC,
        RSA_1024_PUBLIC,
        "",
        "nonsense",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ] {
        let error = authenticator(Keys::PublicKey(pem.into()))
            .expect_err(pem)
            .to_string();
        assert!(error.contains(PUBLIC_KEY_VARIABLE), "{error}");
    }
    let error = authenticator(Keys::Secret(b"secret".to_vec()))
        .expect_err("short")
        .to_string();
    assert!(error.contains(SECRET_VARIABLE), "{error}");
    let missing = Keys::Jwks("/nowhere/keys.json".parse().expect("a path"));
    let error = authenticator(missing).expect_err("missing").to_string();
    assert!(error.contains(JWKS_VARIABLE), "{error}");
    let mut no_issuer = config(Keys::Secret(SECRET.to_vec()));
    no_issuer.issuer = String::new();
    let error = Authenticator::new(no_issuer, Arc::new(ManualClock::new(noon())))
        .expect_err("empty")
        .to_string();
    assert!(error.contains("WATERCLOCK_JWT_ISSUER"), "{error}");
}

#[tokio::test]
async fn an_issued_token_is_accepted() {
    let grant = Grant {
        issuer: "https://issuer.test".into(),
        audience: "waterclock".into(),
        subject: "ada".into(),
        tenant: "acme".into(),
        scopes: vec![Scope::Admin],
        ttl: TimeDelta::hours(1),
    };
    let clock = ManualClock::new(noon());
    let token = issue(SECRET, &grant, &clock).expect("issued");
    let claims = with_secret().authenticate(&token).await.expect("accepted");
    assert!(claims.scopes.allows(Scope::Developer));
    assert_eq!(claims.expires_at, clock.now() + grant.ttl);
    assert!(matches!(
        issue(b"short", &grant, &clock),
        Err(IssueError::Secret(_))
    ));
    let elsewhere = Grant {
        tenant: "A b".into(),
        ..grant
    };
    assert!(matches!(
        issue(SECRET, &elsewhere, &clock),
        Err(IssueError::Tenant(_))
    ));
}

mod key_sets {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn public_jwk(private: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
        let mut jwk = Jwk::from_encoding_key(private, algorithm).expect("a public key");
        jwk.common.key_id = Some(kid.into());
        serde_json::to_value(jwk).expect("JSON")
    }

    fn rsa() -> EncodingKey {
        EncodingKey::from_rsa_pem(RSA.as_bytes()).expect("a key")
    }

    fn ec() -> EncodingKey {
        EncodingKey::from_ec_pem(EC.as_bytes()).expect("a key")
    }

    fn token(key: &EncodingKey, algorithm: Algorithm, kid: Option<&str>) -> String {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_owned);
        sign_with(&header, &claims(), key)
    }

    /// Serves a key set on loopback and counts how often it is read.
    struct Issuer {
        keys: Arc<Mutex<Value>>,
        readings: Arc<AtomicUsize>,
        source: JwksSource,
    }

    impl Issuer {
        async fn start(keys: Value) -> Self {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port");
            let source = format!("http://{}/jwks", listener.local_addr().expect("an address"))
                .parse()
                .expect("a URL");
            let (keys, readings) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicUsize::new(0)));
            let (served, counted) = (Arc::clone(&keys), Arc::clone(&readings));
            let answer = move || {
                counted.fetch_add(1, Ordering::SeqCst);
                let body = served.lock().expect("not poisoned").to_string();
                async move { body }
            };
            let router = axum::Router::new().route("/jwks", axum::routing::get(answer));
            tokio::spawn(async move { axum::serve(listener, router).await });
            Self {
                keys,
                readings,
                source,
            }
        }

        fn rotate(&self, keys: Value) {
            *self.keys.lock().expect("not poisoned") = keys;
        }

        fn readings(&self) -> usize {
            self.readings.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_rotated_key_is_found_and_a_flood_of_unknown_ones_is_not_passed_on() {
        let issuer = Issuer::start(json!({ "keys": [public_jwk(&rsa(), Algorithm::RS256, "one")] })).await;
        let authenticator = authenticator(Keys::Jwks(issuer.source.clone())).expect("configured");
        let first = token(&rsa(), Algorithm::RS256, Some("one"));
        authenticator.authenticate(&first).await.expect("accepted");
        assert_eq!(issuer.readings(), 1);

        issuer.rotate(json!({ "keys": [public_jwk(&ec(), Algorithm::ES256, "two")] }));
        let second = token(&ec(), Algorithm::ES256, Some("two"));
        authenticator
            .authenticate(&second)
            .await
            .expect("accepted after reading again");
        assert_eq!(
            authenticator.authenticate(&first).await,
            Err(TokenError::Signature),
            "withdrawn"
        );
        for number in 0..20 {
            let unknown = token(&rsa(), Algorithm::RS256, Some(&number.to_string()));
            assert_eq!(
                authenticator.authenticate(&unknown).await,
                Err(TokenError::Signature)
            );
        }
        assert_eq!(issuer.readings(), 2);
    }

    #[tokio::test]
    async fn many_tokens_at_once_cause_one_reading() {
        let issuer = Issuer::start(json!({ "keys": [public_jwk(&rsa(), Algorithm::RS256, "one")] })).await;
        let authenticator = Arc::new(authenticator(Keys::Jwks(issuer.source.clone())).expect("configured"));
        let token = token(&rsa(), Algorithm::RS256, Some("one"));
        let calls = (0..16).map(|_| {
            let (authenticator, token) = (Arc::clone(&authenticator), token.clone());
            async move { authenticator.authenticate(&token).await }
        });
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(issuer.readings(), 1);
    }

    #[tokio::test]
    async fn only_signature_keys_are_used_and_a_bad_entry_spoils_nothing() {
        let mut for_encryption = public_jwk(&rsa(), Algorithm::RS256, "enc");
        for_encryption["use"] = json!("enc");
        let mut other_algorithm = public_jwk(&rsa(), Algorithm::RS256, "rs512");
        other_algorithm["alg"] = json!("RS512");
        let shared =
            json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET), "alg": "HS256", "kid": "oct" });
        let good = public_jwk(&rsa(), Algorithm::RS256, "good");
        let keys = json!({ "keys": [for_encryption, other_algorithm, shared, { "kty": "?" }, 7, good] });
        let issuer = Issuer::start(keys).await;
        let authenticator = authenticator(Keys::Jwks(issuer.source.clone())).expect("configured");
        for kid in ["enc", "rs512"] {
            let refused = authenticator
                .authenticate(&token(&rsa(), Algorithm::RS256, Some(kid)))
                .await;
            assert_eq!(refused, Err(TokenError::Signature), "{kid}");
        }
        let with_shared = token(&EncodingKey::from_secret(SECRET), Algorithm::HS256, Some("oct"));
        assert_eq!(
            authenticator.authenticate(&with_shared).await,
            Err(TokenError::Signature)
        );
        authenticator
            .authenticate(&token(&rsa(), Algorithm::RS256, Some("good")))
            .await
            .expect("accepted");
        authenticator
            .authenticate(&token(&rsa(), Algorithm::RS256, None))
            .await
            .expect("the only key");
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_refuses_tokens_but_not_the_start() {
        let nobody = "http://127.0.0.1:9/jwks".parse().expect("a URL");
        let authenticator = authenticator(Keys::Jwks(nobody)).expect("starts");
        let refused = authenticator
            .authenticate(&token(&rsa(), Algorithm::RS256, Some("one")))
            .await;
        assert_eq!(refused, Err(TokenError::Signature));
    }
}
