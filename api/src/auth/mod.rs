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

mod caller;
mod claims;
mod scope;

pub use caller::{Caller, Tenants, TenantsError};
pub use claims::Claims;
pub use scope::{Scope, Scopes};
