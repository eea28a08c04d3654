//! How many more runs tenants may have.
//!
//! A quota is exact: whoever starts runs of a tenant that has one counts them and adds to them under the tenant's lock. Runs that end
//! take no lock, since a count that is too high only ever errs on the safe side. Tenants without a quota pay for none of this.
//!
//! Runs within other runs are neither counted nor refused. What is under way could else wait for a place that it holds itself.

use std::collections::HashMap;

use crate::error::{Refusal, RefusalCode};
use crate::id::TenantId;
use crate::store::quotas::{count_live_runs, find_quota, lock_quotas};
use crate::store::{StoreError, Transaction};

/// What is left of the quotas of some tenants, as long as this transaction lasts.
#[derive(Debug, Default)]
pub(crate) struct Room {
    left: HashMap<TenantId, Left>,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    most: u32,
    free: u32,
}

/// A tenant has as many runs as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tenant has {most} live runs already, as many as it may; wait until some have ended, or cancel some"
)]
pub(crate) struct QuotaReached {
    most: u32,
}

impl Room {
    /// The room of the tenant.
    pub(crate) async fn of(transaction: &Transaction, tenant: TenantId) -> Result<Self, StoreError> {
        let quota = find_quota(transaction, tenant).await?;
        Self::within(
            transaction,
            &quota.map(|most| (tenant, most)).into_iter().collect::<Vec<_>>(),
        )
        .await
    }

    /// The room of tenants with these quotas.
    pub(crate) async fn within(
        transaction: &Transaction,
        quotas: &[(TenantId, u32)],
    ) -> Result<Self, StoreError> {
        if quotas.is_empty() {
            return Ok(Self::default());
        }
        let tenants: Vec<TenantId> = quotas.iter().map(|(tenant, _)| *tenant).collect();
        lock_quotas(transaction, &tenants).await?;
        let live: HashMap<TenantId, u32> = count_live_runs(transaction, quotas).await?.into_iter().collect();
        let left = quotas.iter().map(|&(tenant, most)| {
            let free = most.saturating_sub(live.get(&tenant).copied().unwrap_or_default());
            (tenant, Left { most, free })
        });
        Ok(Self { left: left.collect() })
    }

    /// Takes the place of one run.
    pub(crate) fn take(&mut self, tenant: TenantId) -> Result<(), QuotaReached> {
        self.take_many(tenant, 1).map_err(|(reached, _)| reached)
    }

    /// Takes the places of `count` runs, or none, and tells how many there would have been.
    pub(crate) fn take_many(&mut self, tenant: TenantId, count: usize) -> Result<(), (QuotaReached, usize)> {
        let Some(left) = self.left.get_mut(&tenant) else {
            return Ok(());
        };
        let free = left.free as usize;
        if count > free {
            return Err((QuotaReached { most: left.most }, free));
        }
        left.free -= u32::try_from(count).unwrap_or(left.free);
        Ok(())
    }
}

impl QuotaReached {
    /// As callers are told, at `path`.
    pub(crate) fn refusal(self, path: impl IntoIterator<Item = impl Into<String>>) -> Refusal {
        let code = RefusalCode::QuotaExceeded {
            limit: self.most.into(),
        };
        Refusal::new(code, path, self.to_string())
    }
}
