//! Reads what schedules did and what they will do.
//!
//! What is past is rows; what is to come is nowhere but in the rule, and is worked out from it whenever somebody asks. Whoever
//! asks gets the very function that the scheduler settles by, so what is shown before a schedule is saved is what it does
//! afterwards.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::catalogue::read;
use crate::check::Faults;
use crate::error::CommandError;
use crate::id::{OccurrenceId, RunId, ScheduleId, TenantId, WorkflowId};
use crate::journal::Journal;
use crate::schedule::describe::describe;
use crate::schedule::plan::Plan;
use crate::schedule::spec::{Schedule, check_future, join_calendars, seed_of, timing_fault};
use crate::schedule::timing::{Planned, Timing};
use crate::store::schedule_states::{list_standings, read_present};
use crate::store::schedules::{Calendars, list_calendars_of_all, list_schedules_of_all};
use crate::store::timetable::{
    Occurrence, OccurrencePage, RunOfSchedule, RunsPage, ScheduleOfWorkflow, SchedulesPage, list_occurrences,
    list_occurrences_by_id, list_occurrences_of_runs, list_runs_of_schedules, list_runs_waited_for,
    list_schedules_of_runs, list_schedules_of_workflows,
};
use crate::store::{Actor, StoreError};

/// What a schedule will do, as far as its rule says.
#[derive(Clone, Debug)]
pub struct Forecast {
    plan: Plan,
    /// With a fixed delay: the end of the run that the next occurrence follows.
    follows: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Forecast {
    /// The first `limit` occurrences that are due after `after`; after the present when that is absent or earlier. After a fixed delay
    /// there is one at most, since the one behind it follows the end of its run.
    #[must_use]
    pub fn upcoming(&self, after: Option<DateTime<Utc>>, limit: usize) -> Vec<Planned> {
        let after = after.map_or(self.now, |after| after.max(self.now));
        if self.plan.follows_runs() {
            let next = self.follows.and_then(|ended| self.plan.after_run(ended));
            let next = next.filter(|next| next.due > after);
            return next.into_iter().take(limit).collect();
        }
        self.plan.upcoming(after).take(limit).collect()
    }
}

/// A timing that nobody has saved, as it would be.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The rule in plain words.
    pub words: String,
    /// What it would do.
    pub forecast: Forecast,
}

impl Journal {
    /// The same page of the occurrences of each of `schedules`, the latest first.
    pub async fn occurrences(
        &self,
        tenant: TenantId,
        schedules: &[ScheduleId],
        page: &OccurrencePage,
    ) -> Result<Vec<Occurrence>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_occurrences(
            transaction,
            tenant,
            schedules,
            page
        ))
    }

    /// The occurrences that `ids` name, in no order.
    pub async fn occurrences_by_id(
        &self,
        tenant: TenantId,
        ids: &[OccurrenceId],
    ) -> Result<Vec<Occurrence>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_occurrences_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The occurrences that `runs` were started for, in no order.
    pub async fn occurrences_of_runs(
        &self,
        tenant: TenantId,
        runs: &[RunId],
    ) -> Result<Vec<Occurrence>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| {
            list_occurrences_of_runs(transaction, tenant, runs)
        })
    }

    /// The runs that `occurrences` wait for, at most 20 of each; occurrences that wait for none are left out.
    pub async fn runs_waited_for(
        &self,
        tenant: TenantId,
        occurrences: &[OccurrenceId],
    ) -> Result<Vec<(OccurrenceId, Vec<RunId>)>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_runs_waited_for(
            transaction,
            tenant,
            occurrences
        ))
    }

    /// The schedules that started `runs`; runs that none started are left out.
    pub async fn schedules_of_runs(
        &self,
        tenant: TenantId,
        runs: &[RunId],
    ) -> Result<Vec<RunOfSchedule>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_schedules_of_runs(
            transaction,
            tenant,
            runs
        ))
    }

    /// The same page of the runs that each of `schedules` started, the newest first.
    pub async fn runs_of_schedules(
        &self,
        tenant: TenantId,
        schedules: &[ScheduleId],
        page: RunsPage,
    ) -> Result<Vec<RunOfSchedule>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_runs_of_schedules(
            transaction,
            tenant,
            schedules,
            page
        ))
    }

    /// The same page of the schedules that start runs of each of `workflows`, by key.
    pub async fn schedules_of_workflows(
        &self,
        tenant: TenantId,
        workflows: &[WorkflowId],
        page: &SchedulesPage,
    ) -> Result<Vec<ScheduleOfWorkflow>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| {
            list_schedules_of_workflows(transaction, tenant, workflows, page)
        })
    }

    /// What `schedules` will do, by id. Those that do not exist are left out, and so are those whose calendars this release cannot
    /// join.
    pub async fn forecasts(
        &self,
        tenant: TenantId,
        schedules: &[ScheduleId],
    ) -> Result<Vec<(ScheduleId, Arc<Forecast>)>, StoreError> {
        let wanted: Vec<_> = schedules.iter().map(|&id| (tenant, id)).collect();
        let mut transaction = self.database.begin(Actor::Tenant(tenant)).await?;
        let found = list_schedules_of_all(&mut transaction, &wanted).await?;
        let keys = found.iter().flat_map(|(_, schedule)| schedule.spec.calendars());
        let calendars = calendars_of(&mut transaction, tenant, keys.collect()).await?;
        let standings = list_standings(&mut transaction, tenant, schedules).await?;
        transaction.commit().await?;
        let mut forecasts = Vec::with_capacity(found.len());
        for (_, schedule) in found {
            let standing = standings.iter().find(|(id, _)| *id == schedule.id);
            let plan = plan_of(tenant, &schedule, &calendars);
            if let (Some((_, standing)), Some(plan)) = (standing, plan) {
                let forecast = Forecast {
                    plan,
                    follows: standing.follows,
                    now: standing.now,
                };
                forecasts.push((schedule.id, Arc::new(forecast)));
            }
        }
        Ok(forecasts)
    }

    /// What a schedule with this timing would do under `key`, or what is wrong with it. Nothing is saved.
    pub async fn preview(
        &self,
        tenant: TenantId,
        key: &str,
        timing: &Timing,
    ) -> Result<Preview, CommandError> {
        let mut transaction = self.database.begin(Actor::Tenant(tenant)).await?;
        let keys = timing.calendar.iter().flat_map(|selection| selection.keys());
        let calendars = calendars_of(&mut transaction, tenant, keys.map(str::to_owned).collect()).await?;
        let now = read_present(&mut transaction).await?;
        transaction.commit().await?;
        let mut faults = Faults::default();
        let seed = seed_of(tenant, key);
        let find = |key: &str| calendars.get(&(tenant, key.to_owned())).cloned();
        let calendar = join_calendars(timing, &find, &mut faults);
        let told = Plan::new(timing, calendar, seed)
            .and_then(|plan| Ok((plan, describe(timing, seed)?)))
            .map_err(|error| faults.within("timing", |faults| timing_fault(&error, faults)));
        if let Ok((plan, _)) = &told {
            check_future(plan, now, &mut faults);
        }
        faults.into_result()?;
        let (plan, words) = told.expect("what is wrong with it is among the faults");
        let forecast = Forecast {
            follows: plan.follows_runs().then_some(now),
            plan,
            now,
        };
        Ok(Preview { words, forecast })
    }
}

/// The tenant's calendars that `keys` name.
async fn calendars_of(
    transaction: &mut crate::store::Transaction,
    tenant: TenantId,
    mut keys: Vec<String>,
) -> Result<Calendars, StoreError> {
    keys.sort_unstable();
    keys.dedup();
    // PostgreSQL cannot hold a NUL, so nothing is found under a key with one.
    keys.retain(|key| !key.contains('\0'));
    if keys.is_empty() {
        return Ok(Calendars::new());
    }
    let wanted: Vec<_> = keys.into_iter().map(|key| (tenant, key)).collect();
    list_calendars_of_all(transaction, &wanted).await
}

fn plan_of(tenant: TenantId, schedule: &Schedule, calendars: &Calendars) -> Option<Plan> {
    let timing = &schedule.spec.timing;
    let find = |key: &str| calendars.get(&(tenant, key.to_owned())).cloned();
    let calendar = join_calendars(timing, &find, &mut Faults::default());
    Plan::new(timing, calendar, seed_of(tenant, &schedule.key)).ok()
}
