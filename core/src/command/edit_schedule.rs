//! Registers, edits and steers schedules.
//!
//! All of it holds the lock under which the tenant's schedules are settled, and first settles what is due by the rule that is about
//! to change. So whatever became due before the edit is what the old rule says, whatever becomes due after it is what the
//! new one says, and no edit can fire the past or lose it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Author;
use super::conclude::conclude;
use super::occurrences::{Armed, Memory, settle_schedules};
use super::partition_lock::under_lock;
use super::register::{New, register_in};
use super::revise::{Edit, check_revision, lock_current, revise_in};
use crate::check::Faults;
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{ScheduleId, TenantId};
use crate::schedule::occurrence::ScheduleState;
use crate::schedule::overlap::OverlapScope;
use crate::schedule::spec::{Schedule, ScheduleProposal, ScheduleSpec};
use crate::signal::{Signal, Signals};
use crate::store::backfills::{cancel_backfills, list_open_backfills};
use crate::store::registry::Registry as _;
use crate::store::schedule_states::{
    DueSchedule, find_due_schedule, find_due_schedules, forget_watcher, insert_standing, replan, set_state,
    watch_workflow,
};
use crate::store::{Actor, Database, StoreError, Transaction};

/// Keeps schedules and calendars.
#[derive(Clone)]
pub struct ScheduleEditor {
    pub(super) database: Database,
    pub(super) signals: Signals,
    pub(super) memory: Memory,
}

/// Where somebody wants a schedule to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// It names occurrences from now on.
    Start,
    /// It records occurrences and starts nothing.
    Pause,
    /// It starts them again, those from now on.
    Resume,
    /// It names none.
    Stop,
}

impl Steer {
    /// The state that it leads to from `state`; a sentence when it leads nowhere.
    fn from(self, state: ScheduleState) -> Result<ScheduleState, String> {
        use ScheduleState as Is;
        match (self, state) {
            (Self::Start, Is::Stopped | Is::Finished | Is::Active)
            | (Self::Resume, Is::Paused | Is::Active) => Ok(Is::Active),
            (Self::Pause, Is::Active | Is::Paused) => Ok(Is::Paused),
            (Self::Stop, _) => Ok(Is::Stopped),
            (Self::Start, Is::Paused) => {
                Err("the schedule is paused; resume it with resumeSchedule".to_owned())
            }
            (Self::Pause, state) => Err(format!(
                "the schedule is {state}: only one that is ACTIVE can be paused"
            )),
            (Self::Resume, state) => Err(format!(
                "the schedule is {state}, not PAUSED; start it with startSchedule"
            )),
        }
    }
}

impl ScheduleEditor {
    /// Keeps schedules in `database`, and raises `signals` for them.
    #[must_use]
    pub fn new(database: Database, signals: Signals) -> Self {
        Self {
            database,
            signals,
            memory: Memory::default(),
        }
    }

    /// Registers a schedule; it names occurrences from now on if it `starts`, and none until somebody starts it else.
    pub async fn create(
        &self,
        author: &Author,
        new: &New<ScheduleProposal>,
        starts: bool,
    ) -> Result<Schedule, CommandError> {
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        let created = create_in(&mut transaction, author, new, starts).await;
        let created = conclude(transaction, created).await?;
        self.raise(author.tenant, BTreeSet::new());
        Ok(created)
    }

    /// Edits a schedule. What was due by the old rule has become what that rule says; the new rule says what is due from now on.
    pub async fn update(
        &self,
        author: &Author,
        edit: &Edit<ScheduleProposal>,
    ) -> Result<Schedule, CommandError> {
        under_lock!(self, author, |transaction, signals| {
            self.settle(transaction, author.tenant, &[edit.id], signals)
                .await?;
            let before = lock_current::<ScheduleSpec>(transaction, author, edit.id).await?;
            let outstanding = self.outstanding(transaction, author.tenant, &[edit.id]).await?;
            let after = revise_in(transaction, author, edit).await?;
            if after.spec != before.spec {
                replan(transaction, author.tenant, &[edit.id]).await?;
                self.record_forgone(transaction, author.tenant, outstanding)
                    .await?;
                watch(transaction, author.tenant, &after).await?;
            }
            Ok(after)
        })
    }

    /// Deletes a schedule. What it started goes on, what waited to start does not, and what became of its occurrences stays. Its
    /// backfills are cancelled.
    pub async fn delete(
        &self,
        author: &Author,
        id: ScheduleId,
        expected_revision: i32,
    ) -> Result<(), CommandError> {
        under_lock!(self, author, |transaction, signals| {
            let current = lock_current::<ScheduleSpec>(transaction, author, id).await?;
            let mut faults = Faults::default();
            check_revision(&current, expected_revision, &mut faults);
            faults.into_result()?;
            self.bring_to(transaction, author, id, ScheduleState::Stopped, None, signals)
                .await?;
            forget_watcher(transaction, author.tenant, id.0).await?;
            let open = list_open_backfills(transaction, author.tenant, Some(id)).await?;
            let reason = format!("its schedule was deleted by {}", author.subject);
            cancel_backfills(transaction, author.tenant, &open, &author.subject, &reason).await?;
            Ok(ScheduleSpec::remove(transaction, author.tenant, id.0).await?)
        })
    }

    /// Starts, pauses, resumes or stops a schedule, and gives it. One that stands there already is left as it is.
    pub async fn steer(
        &self,
        author: &Author,
        id: ScheduleId,
        steer: Steer,
        reason: Option<&str>,
    ) -> Result<Schedule, CommandError> {
        under_lock!(self, author, |transaction, signals| {
            let current = lock_current::<ScheduleSpec>(transaction, author, id).await?;
            let stands = standing(transaction, author.tenant, id).await?;
            let state = steer.from(stands.state).map_err(|message| {
                CommandError::refused(Refusal::new(RefusalCode::Conflict, ["id"], message))
            })?;
            if state != stands.state {
                self.bring_to(transaction, author, id, state, reason, signals)
                    .await?;
            }
            Ok(current)
        })
    }

    pub(super) fn raise(&self, tenant: TenantId, mut signals: BTreeSet<Signal>) {
        signals.insert(Signal::Occurrences(tenant.partition()));
        signals.insert(Signal::Events(tenant));
        self.signals.raise(signals);
    }

    /// The schedule, ready to be asked.
    pub(super) async fn arm(
        &self,
        transaction: &mut Transaction,
        due: &DueSchedule,
    ) -> Result<Arc<Armed>, CommandError> {
        let armed = self.memory.plans.get(transaction, &[due.into()]).await?;
        let armed = armed.into_values().next().expect("the schedule was asked for");
        armed.map_err(|fault| CommandError::refused(Refusal::new(RefusalCode::Conflict, ["id"], fault)))
    }

    /// Settles what is due of the schedules.
    pub(super) async fn settle(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        schedules: &[ScheduleId],
        signals: &mut BTreeSet<Signal>,
    ) -> Result<(), CommandError> {
        let mut due = find_due_schedules(transaction, tenant, schedules).await?;
        due.retain(|schedule| schedule.state != ScheduleState::Stopped);
        signals.extend(settle_schedules(transaction, &self.memory, due).await?.signals);
        Ok(())
    }

    /// Settles what is due of the schedule and brings it to `state`. What waits to start does not, unless it goes on.
    async fn bring_to(
        &self,
        transaction: &mut Transaction,
        author: &Author,
        id: ScheduleId,
        state: ScheduleState,
        reason: Option<&str>,
        signals: &mut BTreeSet<Signal>,
    ) -> Result<(), CommandError> {
        self.settle(transaction, author.tenant, &[id], signals).await?;
        let told = match (state, reason) {
            (ScheduleState::Active, _) => None,
            (_, Some(reason)) => Some(reason.to_owned()),
            (ScheduleState::Paused, None) => Some(format!("paused by {}", author.subject)),
            (_, None) => Some(format!("stopped by {}", author.subject)),
        };
        set_state(
            transaction,
            author.tenant,
            id,
            state,
            &author.subject,
            told.as_deref(),
        )
        .await?;
        if state != ScheduleState::Active {
            super::occurrences::give_up_waiting(transaction, author.tenant, id, state).await?;
        }
        Ok(())
    }
}

async fn create_in(
    transaction: &mut Transaction,
    author: &Author,
    new: &New<ScheduleProposal>,
    starts: bool,
) -> Result<Schedule, CommandError> {
    let (schedule, made_now) = register_in(transaction, author, new).await?;
    if made_now {
        let state = if starts {
            ScheduleState::Active
        } else {
            ScheduleState::Stopped
        };
        insert_standing(transaction, author.tenant, schedule.id, state, &author.subject).await?;
        watch(transaction, author.tenant, &schedule).await?;
    }
    Ok(schedule)
}

/// Watches all runs of the workflow if the schedule's occurrences may not overlap with them.
async fn watch(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: &Schedule,
) -> Result<(), StoreError> {
    forget_watcher(transaction, tenant, schedule.id.0).await?;
    if schedule.spec.policies.overlap_scope == OverlapScope::Workflow {
        watch_workflow(transaction, tenant, schedule.spec.workflow, schedule.id.0).await?;
    }
    Ok(())
}

/// The schedule as it stands.
pub(super) async fn standing(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: ScheduleId,
) -> Result<DueSchedule, CommandError> {
    let found = find_due_schedule(transaction, tenant, id).await?;
    found
        .ok_or_else(|| CommandError::refused(Refusal::not_found(["id"], "there is no schedule with that id")))
}
