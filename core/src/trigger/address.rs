//! Where a webhook is called.
//!
//! An address says whose webhook it is and which; it is no secret, and opens nothing without a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::id::{TenantId, TriggerId};

/// The part of an address that names the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookAddress {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which it is.
    pub trigger: TriggerId,
}

impl WebhookAddress {
    /// The address as it stands in a path; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tenant, trigger) = bytes.split_at_checked(16)?;
        Some(Self {
            tenant: Uuid::from_slice(tenant).ok()?.into(),
            trigger: Uuid::from_slice(trigger).ok()?.into(),
        })
    }
}

impl std::fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [*self.tenant.0.as_bytes(), *self.trigger.0.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_and_nothing_else_does() {
        let address = WebhookAddress {
            tenant: TenantId::generate(),
            trigger: TriggerId::generate(),
        };
        let text = address.to_string();
        assert_eq!(WebhookAddress::parse(&text), Some(address));
        for other in ["", "x", &text[1..], &format!("{text}AA")] {
            assert_eq!(WebhookAddress::parse(other), None, "{other}");
        }
    }
}
