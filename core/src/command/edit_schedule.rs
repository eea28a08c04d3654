//! Registers, edits and steers schedules, and the calendars that they keep to.
//!
//! All of it holds the lock under which the tenant's schedules are settled, and first settles what is due by the rule that is about
//! to change. So whatever became due before the edit is what the old rule says, whatever becomes due after it is what the
//! new one says, and no edit can fire the past or lose it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::conclude::conclude;
use super::occurrences::{Armed, Case, Docket, Memory, settle_schedules};
use super::register::{New, register_in};
use super::revise::{Edit, check_revision, lock_current, revise_in};
use super::{Author, Proposal};
use crate::check::{Faults, quoted};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{CalendarId, OccurrenceId, ScheduleId, TenantId};
use crate::registered::Registered;
use crate::schedule::calendar::{Calendar, CalendarDefinition};
use crate::schedule::occurrence::ScheduleState;
use crate::schedule::overlap::OverlapScope;
use crate::schedule::spec::{
    Schedule, ScheduleProposal, ScheduleSpec, calendar_fault, check_future, join_calendars, seed_of,
};
use crate::signal::{Signal, Signals};
use crate::store::registry::Registry;
use crate::store::schedule_states::{
    DueSchedule, find_due_schedule, forget_watcher, insert_standing, list_schedules_of_calendar,
    read_present, replan, set_state, wait_for_partition, watch_workflow,
};
use crate::store::schedules::list_calendars_of_all;
use crate::store::start_runs::find_published;
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::workflow::Draft;

use super::proposal::find_one;
use super::propose_alert::existing;

/// How often an edit that met another transaction is tried again.
const TRIES: usize = 5;

/// Does `$edit` in a transaction that holds the lock of the tenant's schedules; again if it met another transaction. It is a macro,
/// because nobody can say yet that what an asynchronous closure gives may be sent to another thread.
macro_rules! under_lock {
    ($self:ident, $author:ident, |$transaction:ident, $signals:ident| $edit:block) => {{
        let mut tries = 1;
        loop {
            let mut signals = BTreeSet::new();
            let mut transaction = $self.database.begin(Actor::Tenant($author.tenant)).await?;
            let done: Result<_, CommandError> =
                match wait_for_partition(&mut transaction, $author.tenant).await {
                    Ok(()) => {
                        let ($transaction, $signals) = (&mut transaction, &mut signals);
                        async { $edit }.await
                    }
                    Err(error) => Err(error.into()),
                };
            match conclude(transaction, done).await {
                Err(CommandError::Store(StoreError::Contended(_))) if tries < TRIES => tries += 1,
                Ok(done) => {
                    $self.raise($author.tenant, signals);
                    return Ok(done);
                }
                refused => return refused,
            }
        }
    }};
}

/// Keeps schedules and calendars.
#[derive(Clone)]
pub struct ScheduleEditor {
    database: Database,
    signals: Signals,
    memory: Memory,
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
            let after = revise_in(transaction, author, edit).await?;
            if after.spec != before.spec {
                replan(transaction, author.tenant, &[edit.id]).await?;
                watch(transaction, author.tenant, &after).await?;
            }
            Ok(after)
        })
    }

    /// Deletes a schedule. What it started goes on, what waited to start does not, and what became of its occurrences stays.
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

    /// Starts the schedule's workflow now, as an occurrence that somebody asked for, with `inputs` over what the schedule gives.
    /// The rules of overlap hold for it as for any other. Gives the occurrence.
    pub async fn trigger(
        &self,
        author: &Author,
        id: ScheduleId,
        inputs: &Map<String, Value>,
    ) -> Result<OccurrenceId, CommandError> {
        under_lock!(self, author, |transaction, signals| {
            lock_current::<ScheduleSpec>(transaction, author, id).await?;
            self.settle(transaction, author.tenant, &[id], signals).await?;
            let due = standing(transaction, author.tenant, id).await?;
            let armed = self
                .memory
                .plans
                .get(transaction, std::slice::from_ref(&due))
                .await?;
            let armed: Arc<Armed> = armed
                .into_values()
                .next()
                .expect("the schedule was asked for")
                .map_err(|fault| CommandError::refused(Refusal::new(RefusalCode::Conflict, ["id"], fault)))?;
            let case = Case {
                id: OccurrenceId::generate(),
                nominal: due.now,
                due: due.now,
                notes: String::new(),
                manual: true,
                inputs: (!inputs.is_empty()).then(|| json!(inputs)),
                waited: false,
                armed: Arc::clone(&armed),
            };
            let occurrence = case.id;
            let mut docket = Docket::default();
            docket.enter(
                &due,
                &armed,
                super::occurrences::waiting_of(transaction, &due).await?,
            );
            docket.cases.push(case);
            signals.extend(docket.close(transaction, &self.memory.versions).await?);
            Ok(occurrence)
        })
    }

    /// Registers a calendar.
    pub async fn create_calendar(
        &self,
        author: &Author,
        new: &New<CalendarDefinition>,
    ) -> Result<Registered<CalendarDefinition>, CommandError> {
        super::register::register(&self.database, author, new).await
    }

    /// Edits a calendar. Schedules that keep to it keep to the new one from now on.
    pub async fn update_calendar(
        &self,
        author: &Author,
        edit: &Edit<CalendarDefinition>,
    ) -> Result<Registered<CalendarDefinition>, CommandError> {
        under_lock!(self, author, |transaction, signals| {
            let before = lock_current::<CalendarDefinition>(transaction, author, edit.id).await?;
            let users = list_schedules_of_calendar(transaction, author.tenant, &before.key).await?;
            let due: Vec<ScheduleId> = users.iter().filter(|(_, due)| *due).map(|(id, _)| *id).collect();
            self.settle(transaction, author.tenant, &due, signals).await?;
            let after = revise_in(transaction, author, edit).await?;
            if after.spec != before.spec {
                let users: Vec<ScheduleId> = users.iter().map(|(id, _)| *id).collect();
                replan(transaction, author.tenant, &users).await?;
            }
            Ok(after)
        })
    }

    /// Deletes a calendar that no schedule keeps to.
    pub async fn delete_calendar(
        &self,
        author: &Author,
        id: CalendarId,
        expected_revision: i32,
    ) -> Result<(), CommandError> {
        super::unregister::unregister::<CalendarDefinition>(&self.database, author, id, expected_revision)
            .await
    }

    fn raise(&self, tenant: TenantId, mut signals: BTreeSet<Signal>) {
        signals.insert(Signal::Occurrences(tenant.partition()));
        signals.insert(Signal::Events(tenant));
        self.signals.raise(signals);
    }

    /// Settles what is due of the schedules.
    async fn settle(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        schedules: &[ScheduleId],
        signals: &mut BTreeSet<Signal>,
    ) -> Result<(), CommandError> {
        let mut due = Vec::new();
        for id in schedules {
            due.extend(find_due_schedule(transaction, tenant, *id).await?);
        }
        due.retain(|schedule| schedule.state != ScheduleState::Stopped);
        signals.extend(settle_schedules(transaction, &self.memory, due).await?);
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
async fn standing(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: ScheduleId,
) -> Result<DueSchedule, CommandError> {
    let found = find_due_schedule(transaction, tenant, id).await?;
    found
        .ok_or_else(|| CommandError::refused(Refusal::not_found(["id"], "there is no schedule with that id")))
}

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
            check_inputs(self, transaction, tenant, id, faults).await?;
        }
        let plan = Self::check(self, calendar, seed_of(tenant, key), faults);
        if let Some(plan) = plan {
            check_future(&plan, read_present(transaction).await?, faults);
        }
        Ok(workflow.map(|workflow| self.clone().into_spec(workflow)))
    }
}

/// Refuses what holds a NUL, which PostgreSQL cannot.
fn refuse_nul(proposal: &impl Serialize, faults: &mut Faults) {
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

/// Checks the inputs by what the workflow takes, as far as it is published.
async fn check_inputs(
    proposal: &ScheduleProposal,
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: crate::id::WorkflowId,
    faults: &mut Faults,
) -> Result<(), StoreError> {
    let found = Draft::find(transaction, tenant, &[workflow.0], &[]).await?;
    let Some(workflow) = found.into_iter().next() else {
        return Ok(());
    };
    let published = find_published(transaction, tenant, &[&workflow.key]).await?;
    let Some((_, Some(version))) = published.into_iter().next() else {
        return Ok(());
    };
    let pinned = crate::store::Versions::default()
        .get(transaction, [(tenant, version)])
        .await?;
    let declared = &pinned[&version].inputs;
    if declared.is_empty() {
        return Ok(());
    }
    let unknown = |name: &str| {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        format!(
            "the workflow has no input {}; it has {}",
            quoted(name),
            known.join(", ")
        )
    };
    faults.within("inputs", |faults| {
        for name in proposal
            .inputs
            .keys()
            .filter(|name| !declared.contains_key(*name))
        {
            faults.within(name, |faults| faults.invalid(unknown(name)));
        }
        let given = |name: &String| {
            proposal.inputs.contains_key(name)
                || proposal.computed_inputs.iter().any(|input| input.name == *name)
        };
        for (name, spec) in declared {
            if spec.required && spec.default.is_none() && !given(name) {
                let message = format!("the workflow requires the input {}; give it", quoted(name));
                faults.within(name, |faults| faults.invalid(message));
            }
        }
    });
    faults.within("computedInputs", |faults| {
        for (place, input) in proposal.computed_inputs.iter().enumerate() {
            if !declared.contains_key(&input.name) {
                faults.within(&place, |faults| {
                    faults.within("name", |faults| faults.invalid(unknown(&input.name)));
                });
            }
        }
    });
    Ok(())
}
