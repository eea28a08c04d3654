//! Proposals of schedules and calendars, as they meet the database.

use serde::Serialize;

use super::Proposal;
use super::given_inputs::check_declared;
use super::proposal::{existing, find_one};
use crate::check::Faults;
use crate::id::TenantId;
use crate::schedule::calendar::{Calendar, CalendarDefinition};
use crate::schedule::spec::{
    ScheduleProposal, ScheduleSpec, calendar_fault, check_future, join_calendars, seed_of,
};
use crate::store::registry::Registry;
use crate::store::schedule_states::read_present;
use crate::store::schedules::list_calendars_of_all;
use crate::store::{StoreError, Transaction};
use crate::workflow::Draft;

impl Proposal for CalendarDefinition {
    type Spec = Self;

    const MUTATION: &'static str = "createCalendar";

    async fn check(
        &self,
        _: &str,
        _: &mut Transaction,
        _: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<Self>, StoreError> {
        if let Err(error) = Self::check(self) {
            calendar_fault(&error, faults);
        }
        refuse_nul(self, faults);
        Ok(Some(self.clone()))
    }
}

impl Proposal for ScheduleProposal {
    type Spec = ScheduleSpec;

    const MUTATION: &'static str = "createSchedule";

    async fn check(
        &self,
        key: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<ScheduleSpec>, StoreError> {
        refuse_nul(self, faults);
        let calendar = resolve_calendar(self, transaction, tenant, faults).await?;
        let found = find_one::<Draft>(transaction, tenant, &self.workflow).await?;
        let workflow = existing::<Draft>("workflow", &self.workflow, found, faults);
        if let Some(id) = workflow {
            let given = (&self.inputs, &*self.computed_inputs);
            check_declared(transaction, tenant, id, given, faults).await?;
        }
        let plan = Self::check(self, calendar, seed_of(tenant, key), faults);
        if let Some(plan) = plan {
            check_future(&plan, read_present(transaction).await?, faults);
        }
        Ok(workflow.map(|workflow| self.clone().into_spec(workflow)))
    }
}

/// Refuses what holds a NUL, which PostgreSQL cannot.
pub(super) fn refuse_nul(proposal: &impl Serialize, faults: &mut Faults) {
    let written = serde_json::to_string(proposal).expect("a proposal is JSON");
    if written.contains(r"\u0000") {
        faults.invalid("a text in it holds a NUL character, which cannot be stored; take it out");
    }
}

/// The calendars that a proposal names, joined; they cannot be deleted until the transaction ends.
async fn resolve_calendar(
    proposal: &ScheduleProposal,
    transaction: &mut Transaction,
    tenant: TenantId,
    faults: &mut Faults,
) -> Result<Option<Calendar>, StoreError> {
    let Some(selection) = &proposal.timing.calendar else {
        return Ok(None);
    };
    let mut keys: Vec<&str> = selection.keys();
    keys.retain(|key| !key.contains('\0'));
    CalendarDefinition::hold(transaction, tenant, &[], &keys).await?;
    let wanted: Vec<_> = keys.iter().map(|key| (tenant, (*key).to_owned())).collect();
    let calendars = list_calendars_of_all(transaction, &wanted).await?;
    let find = |key: &str| calendars.get(&(tenant, key.to_owned())).cloned();
    Ok(join_calendars(&proposal.timing, &find, faults))
}
