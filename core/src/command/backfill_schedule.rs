//! Has a schedule's past run, foresees that, and calls it off.
//!
//! A backfill is planned and written under the lock of the tenant's schedules, once what is due is settled; so what the plan passes over
//! because it is under way cannot start a second time, and nothing that the plan names can be taken up by anybody else. It is a
//! scheduler that starts the steps.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Author;
use super::cancel_run::{Force, LONGEST_REASON, cancel_run};
use super::conclude::conclude;
use super::edit_schedule::{ScheduleEditor, standing};
use super::idempotency::{Claim, check_idempotency_key, claim};
use super::occurrences::Armed;
use super::partition_lock::under_lock;
use crate::backfill::{Backfill, BackfillState};
use crate::check::{Faults, check_range, check_text, holds_nul};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{BackfillId, ScheduleId, TenantId};
use crate::schedule::backfill::{
    BackfillError, BackfillRequest, BackfillScope, BackfillStep, MOST_BACKFILLED, name_occurrences,
    plan_backfill,
};
use crate::signal::Signal;
use crate::store::backfills::{
    NewBackfill, cancel_backfills, insert_backfill, list_backfills_by_id, list_existing, list_open_backfills,
    list_runs_of_backfill,
};
use crate::store::{Actor, Transaction};

/// The name under which idempotency keys of this command are kept.
const MUTATION: &str = "backfillSchedule";

/// The most backfills of one tenant that are under way.
const MOST_OPEN: usize = 20;

/// The most runs of a backfill that may be under way together.
const MOST_RUNNING: i64 = 1_000;

/// What somebody wants to have run of a schedule's past.
#[derive(Clone, Debug, Serialize)]
pub struct BackfillSchedule {
    /// Whose past.
    pub schedule: ScheduleId,
    /// Which occurrences, in which order.
    pub wanted: BackfillRequest,
    /// How many of its runs may be under way together.
    pub most_running: i32,
    /// What every run is given over what the schedule gives.
    pub inputs: Map<String, Value>,
    /// Why, for whoever reads it later.
    pub reason: Option<String>,
    /// The caller's name for this call: made again under the same name, it answers the same backfill.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

impl ScheduleEditor {
    /// Records a backfill. When this returns it is durable, and a scheduler starts its steps.
    pub async fn backfill(
        &self,
        author: &Author,
        wanted: &BackfillSchedule,
    ) -> Result<Backfill, CommandError> {
        check(wanted)?;
        under_lock!(self, author, |transaction, signals| {
            self.record_backfill(transaction, author, wanted, signals).await
        })
    }

    /// Tells what a backfill would do, occurrence by occurrence in its order, and does nothing.
    pub async fn foresee_backfill(
        &self,
        tenant: TenantId,
        schedule: ScheduleId,
        wanted: &BackfillRequest,
    ) -> Result<Vec<BackfillStep>, CommandError> {
        let mut transaction = self.database.begin(Actor::Tenant(tenant)).await?;
        let planned = self
            .plan_backfill(&mut transaction, tenant, schedule, wanted)
            .await;
        conclude(transaction, planned.map(|(_, steps)| steps)).await
    }

    /// Ends a backfill. When this returns, it starts nothing any more. Its runs under way are told to stop if `force` says how; else
    /// they go on.
    ///
    /// One that was cancelled stays so, and its runs may be stopped still; one that has ended, or is not the tenant's, is refused.
    pub async fn cancel_backfill(
        &self,
        author: &Author,
        id: BackfillId,
        force: Option<Force>,
    ) -> Result<Backfill, CommandError> {
        let cancelled = self.call_off(author, id).await?;
        let Some(force) = force else {
            return Ok(cancelled);
        };
        // Nothing joins them any more, so they are stopped one by one, as their author could do it, and occurrences of others
        // do not wait for that.
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        let runs = list_runs_of_backfill(&mut transaction, author.tenant, id).await?;
        transaction.commit().await?;
        for run in runs {
            let reason = Some("its backfill was cancelled");
            match cancel_run(&self.database, &self.signals, author, run, force, reason).await {
                // It has ended meanwhile.
                Ok(()) | Err(CommandError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cancelled)
    }

    async fn record_backfill(
        &self,
        transaction: &mut Transaction,
        author: &Author,
        wanted: &BackfillSchedule,
        signals: &mut BTreeSet<Signal>,
    ) -> Result<Backfill, CommandError> {
        let (tenant, id) = (author.tenant, BackfillId::generate());
        let key = wanted.idempotency_key.as_deref();
        if let Claim::Made(earlier) = claim(transaction, tenant, MUTATION, key, wanted, id.0).await? {
            return find(transaction, tenant, earlier.into()).await;
        }
        self.settle(transaction, tenant, &[wanted.schedule], signals)
            .await?;
        let (armed, steps) = self
            .plan_backfill(transaction, tenant, wanted.schedule, &wanted.wanted)
            .await?;
        self.check_inputs(transaction, &armed, &wanted.inputs).await?;
        if steps.iter().all(|step| step.passed_over.is_some()) {
            let refusal = Refusal::new(RefusalCode::Conflict, ["scope"], nothing_to_run(&steps));
            return Err(CommandError::refused(refusal));
        }
        if list_open_backfills(transaction, tenant, None).await?.len() >= MOST_OPEN {
            let message = format!("{MOST_OPEN} backfills are under way; wait for one of them, or cancel one");
            let limit = i64::try_from(MOST_OPEN).unwrap_or(i64::MAX);
            let refusal = Refusal::new(RefusalCode::QuotaExceeded { limit }, ["id"], message);
            return Err(CommandError::refused(refusal));
        }
        let new = NewBackfill {
            id,
            schedule_id: wanted.schedule,
            order: wanted.wanted.order,
            reprocess: wanted.wanted.reprocess,
            most_running: wanted.most_running,
            inputs: &Value::Object(wanted.inputs.clone()),
            reason: wanted.reason.as_deref(),
            created_by: &author.subject,
            steps: &steps,
        };
        insert_backfill(transaction, tenant, &new).await?;
        find(transaction, tenant, id).await
    }

    /// What a backfill would do with what there is at this moment.
    async fn plan_backfill(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        schedule: ScheduleId,
        wanted: &BackfillRequest,
    ) -> Result<(Arc<Armed>, Vec<BackfillStep>), CommandError> {
        let standing = standing(transaction, tenant, schedule).await?;
        let armed = self.arm(transaction, &standing).await?;
        let named = name_occurrences(&armed.plan, &wanted.scope, standing.now)
            .map_err(|error| refuse(&error, &wanted.scope))?;
        let instants: Vec<_> = named.iter().map(|planned| planned.nominal).collect();
        let existing = list_existing(transaction, tenant, schedule, &instants).await?;
        let steps = plan_backfill(named, wanted, |nominal| existing.get(&nominal).copied());
        Ok((armed, steps))
    }

    async fn call_off(&self, author: &Author, id: BackfillId) -> Result<Backfill, CommandError> {
        under_lock!(self, author, |transaction, _signals| {
            let found = find(transaction, author.tenant, id).await?;
            if found.state.is_terminal() && found.state != BackfillState::Cancelled {
                let message = format!("the backfill has ended already: it is {}", found.state);
                let refusal = Refusal::new(RefusalCode::Conflict, ["id"], message);
                return Err(CommandError::refused(refusal));
            }
            let reason = format!("cancelled by {}", author.subject);
            cancel_backfills(transaction, author.tenant, &[id], &author.subject, &reason).await?;
            find(transaction, author.tenant, id).await
        })
    }
}

async fn find(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: BackfillId,
) -> Result<Backfill, CommandError> {
    let found = list_backfills_by_id(transaction, tenant, &[id]).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| CommandError::refused(Refusal::not_found(["id"], "there is no backfill with that id")))
}

/// Everything that is wrong with what is wanted, as far as it shows by itself.
fn check(wanted: &BackfillSchedule) -> Result<(), CommandError> {
    let mut faults = Faults::default();
    faults.within("mostRunning", |faults| {
        let what = "the number of runs under way together";
        check_range(faults, what, wanted.most_running.into(), 1..=MOST_RUNNING);
    });
    if let Some(reason) = &wanted.reason {
        faults.within("reason", |faults| check_text(faults, reason, LONGEST_REASON));
    }
    if holds_nul(&Value::Object(wanted.inputs.clone())) {
        faults.within("inputs", |faults| {
            faults.invalid("the inputs hold a NUL character, which cannot be stored");
        });
    }
    check_idempotency_key(&mut faults, wanted.idempotency_key.as_deref());
    faults.into_result()
}

/// Why a plan in which nothing runs is none.
fn nothing_to_run(steps: &[BackfillStep]) -> String {
    match steps.first().and_then(|step| Some((step, step.passed_over?))) {
        None => "the schedule names no occurrence there; name another time".to_owned(),
        Some((step, why)) => format!(
            "none of these occurrences ({}) would run, that of {} because {why}; say with `reprocess` what is to run again",
            steps.len(),
            step.planned.nominal
        ),
    }
}

/// What is wrong with the scope, at its place in the input.
fn refuse(error: &BackfillError, scope: &BackfillScope) -> CommandError {
    let place = |field: &str, inner: &[&str]| {
        let outer = ["scope", field].into_iter();
        outer.chain(inner.iter().copied()).map(str::to_owned).collect()
    };
    let listed = |wanted| match scope {
        BackfillScope::List { instants } => instants.iter().position(|instant| *instant == wanted),
        BackfillScope::Range { .. } => None,
    };
    let at = |instant| match listed(instant) {
        Some(number) => place("instants", &[&number.to_string()]),
        None => place("range", &["until"]),
    };
    let path: Vec<String> = match (error, scope) {
        (BackfillError::FollowsRuns, _) => vec!["id".to_owned()],
        (BackfillError::Backwards, _) => place("range", &["until"]),
        (BackfillError::TooMany, BackfillScope::List { .. }) => place("instants", &[]),
        (BackfillError::TooMany, BackfillScope::Range { .. }) => place("range", &[]),
        (BackfillError::NotDue { nominal, .. }, _) => at(*nominal),
        (BackfillError::NotNamed { instant, .. }, _) => at(*instant),
    };
    let code = match error {
        BackfillError::FollowsRuns => RefusalCode::Conflict,
        BackfillError::TooMany => RefusalCode::QuotaExceeded {
            limit: i64::try_from(MOST_BACKFILLED).unwrap_or(i64::MAX),
        },
        _ => RefusalCode::InvalidInput,
    };
    CommandError::refused(Refusal::new(code, path, error.to_string()))
}
