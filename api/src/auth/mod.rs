//! Turns a token into a caller.
//!
//! A JSON Web Token is a text that an attacker may write. What it says about itself (its algorithm, its key, the moment
//! of its issue) is therefore never asked; only the configuration says how a token is verified, and only what a verified
//! token claims is read. Reading is strict, since a claim that is missing, empty or of another type has, in every
//! library, at some time meant "not checked".
//!
//! The steps, each in its module: the configuration is refused when its key is guessable, the key set yields the key
//! that a token must have been signed with, the signature is verified, the claims are read against the injected clock,
//! and the tenant's key is resolved to the tenant that the database knows.

mod authenticator;
mod caller;
mod claims;
mod config;
mod gate;
mod issue;
mod key;
mod key_set;
mod scope;
#[cfg(test)]
mod tests;

pub use authenticator::{Authenticator, LONGEST_TOKEN, TokenError};
pub use caller::{Caller, Tenants, TenantsError};
pub use claims::{ClaimError, Claims, LEEWAY, is_tenant_key};
pub use config::{
    AuthConfig, AuthConfigError, JWKS_VARIABLE, JwksSource, Keys, PUBLIC_KEY_VARIABLE, SECRET_VARIABLE,
};
pub(crate) use gate::bearer_token;
pub use gate::{Gate, Refusal, bearer};
pub use issue::{Grant, IssueError, issue};
pub use scope::{Scope, Scopes};
