//! One-time addresses by which endpoints finish later.
//!
//! An address carries the tenant and a secret. The secret is made when the attempt starts and stored as a hash only, so that
//! whoever reads the database cannot end attempts. It is good for one attempt, and once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::id::TenantId;

const SECRET: usize = 24;

/// The part of an address that names tenant and attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CallbackToken {
    tenant_id: TenantId,
    secret: [u8; SECRET],
}

impl CallbackToken {
    /// A token that nobody can guess.
    #[must_use]
    pub fn generate(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            secret: rand::random(),
        }
    }

    /// The token as it stands in an address; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tenant, secret) = bytes.split_at_checked(16)?;
        Some(Self {
            tenant_id: Uuid::from_slice(tenant).ok()?.into(),
            secret: secret.try_into().ok()?,
        })
    }

    /// Whose attempt it is for.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant_id
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

impl std::fmt::Display for CallbackToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: Vec<u8> = self
            .tenant_id
            .0
            .as_bytes()
            .iter()
            .chain(&self.secret)
            .copied()
            .collect();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let token = CallbackToken::generate(TenantId::generate());
        assert!(CallbackToken::parse(&token.to_string()) == Some(token));
        assert!(CallbackToken::parse("").is_none());
        assert!(CallbackToken::parse(&token.to_string()[1..]).is_none());
    }
}
