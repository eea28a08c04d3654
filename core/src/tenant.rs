//! The boundary of ownership and isolation.

use chrono::{DateTime, Utc};

use crate::id::TenantId;

/// Into how many slices the tenants are dealt. Each is scheduled under one advisory lock, so everything of one tenant is
/// decided in one place, and as many schedulers as slices can work at once.
pub const PARTITIONS: u16 = 64;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Names it in every other table.
    pub id: TenantId,
    /// Its name in tokens.
    pub key: String,
    /// The slice that it is scheduled with.
    pub partition: i16,
    /// How many of its runs may be live at once, those within other runs not counted; as many as it likes when absent.
    pub most_live_runs: Option<u32>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl TenantId {
    /// The platform itself, which owns shared executors.
    pub const PLATFORM: Self = Self(uuid::Uuid::nil());

    /// The slice that the tenant is scheduled with. The low bits of its id are random, so tenants spread evenly.
    #[must_use]
    pub fn partition(self) -> i16 {
        i16::try_from(self.0.as_u128() % u128::from(PARTITIONS)).expect("a remainder of 64 is below 64")
    }
}

/// Whether `text` may be a tenant's key, or the key of anything a tenant registers: lower-case letters, digits, `-`, `_`
/// and, within a tenant, `.`; at most 63 of them, beginning with a letter or digit.
#[must_use]
pub fn is_tenant_key(text: &str) -> bool {
    let begins_well = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    begins_well && text.len() <= 63 && text.bytes().all(allowed)
}
