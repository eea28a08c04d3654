//! Calls that may be made again.
//!
//! A caller that heard no answer makes the call again under the same key, and gets what the first call made. The key is
//! claimed in the transaction that makes it: if that is rolled back, so is the claim, and a call that was refused can be
//! mended and made again under its key.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::check::Faults;
use crate::error::CommandError;
use crate::id::TenantId;
use crate::store::Transaction;
use crate::store::start_runs::{NamedCall, claim_keys};

/// What a key stands for.
pub(super) enum Claim {
    /// This call, which is the first.
    First,
    /// An earlier call, which made this.
    Made(Uuid),
}

/// Claims `key` for a call of `mutation` with the input `request`, which is going to make `object`.
pub(super) async fn claim(
    transaction: &mut Transaction,
    tenant: TenantId,
    mutation: &str,
    key: Option<&str>,
    request: &impl Serialize,
    object: Uuid,
) -> Result<Claim, CommandError> {
    let Some(key) = key else { return Ok(Claim::First) };
    let text = serde_json::to_vec(request).expect("an input is JSON");
    let call = NamedCall {
        key: key.to_owned(),
        request: Sha256::digest(text).into(),
        object_id: object,
    };
    let holders = claim_keys(transaction, tenant, mutation, std::slice::from_ref(&call)).await?;
    match holders.into_iter().next() {
        Some(holder) if holder.request != call.request => {
            Err(CommandError::IdempotencyConflict(key.to_owned()))
        }
        Some(holder) if holder.object_id != object => Ok(Claim::Made(holder.object_id)),
        _ => Ok(Claim::First),
    }
}

/// Checks the form of an idempotency key.
pub(super) fn check_idempotency_key(faults: &mut Faults, key: Option<&str>) {
    if let Some(key) = key
        && (key.is_empty() || key.len() > 255 || key.contains('\0'))
    {
        faults.within("idempotencyKey", |faults| {
            faults.invalid("an idempotency key has 1 to 255 bytes, none of them NUL");
        });
    }
}
