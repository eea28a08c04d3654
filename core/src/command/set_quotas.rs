//! Bounds what a tenant may have.

use super::Author;
use crate::check::Faults;
use crate::error::{CommandError, Refusal};
use crate::store::tenants::set_most_live_runs;
use crate::store::{Actor, Database};
use crate::tenant::Tenant;

/// The highest quota of live runs.
pub const HIGHEST_QUOTA: i32 = 1_000_000;

/// What a tenant may have from now on.
#[derive(Clone, Debug)]
pub struct SetQuotas {
    /// The tenant's key.
    pub tenant: String,
    /// How many of its runs may be live at once; as many as it likes when absent.
    pub most_live_runs: Option<i32>,
}

/// Sets what a tenant may have, on behalf of the platform. What it has already stays.
pub async fn set_quotas(
    database: &Database,
    author: &Author,
    wanted: &SetQuotas,
) -> Result<Tenant, CommandError> {
    let mut faults = Faults::default();
    if let Some(most) = wanted
        .most_live_runs
        .filter(|most| !(1..=HIGHEST_QUOTA).contains(most))
    {
        let message =
            format!("1 to {HIGHEST_QUOTA} runs may be live at once, not {most}; leave it out for no bound");
        faults.within("mostLiveRuns", |faults| faults.invalid(message));
    }
    faults.into_result()?;
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let set = set_most_live_runs(&mut transaction, &wanted.tenant, wanted.most_live_runs).await?;
    transaction.commit().await?;
    set.ok_or_else(|| {
        let message = format!("there is no tenant with the key {:?}", wanted.tenant);
        CommandError::refused(Refusal::not_found(["tenant"], message))
    })
}
