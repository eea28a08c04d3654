//! A schedule as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime as Instant, Utc};
use waterclock_core::schedule::describe::describe;
use waterclock_core::schedule::spec::{self, seed_of};
use waterclock_core::schedule::{occurrence, timing::Planned};
use waterclock_core::store::backfills::BackfillsPage;
use waterclock_core::store::schedule_states::Standing;
use waterclock_core::store::timetable::{OccurrencePage, RunsPage};

use super::occurrence::{Occurrence, OccurrenceFilter, PlannedOccurrence};
use super::policy::SchedulePolicies;
use super::timing::ScheduleTiming;
use crate::graphql::backfill::{Backfill, BackfillFilter};
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::guard::caller;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{self, ForecastOf, PageOf};
use crate::graphql::loader::{StandingOf, load};
use crate::graphql::registration::Registration;
use crate::graphql::run::Run;
use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::workflow::{NamedExpression, Workflow, named_expressions};
use crate::transport::ErrorCode;

/// Where a schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "occurrence::ScheduleState")]
pub(crate) enum ScheduleState {
    /// It names no occurrences.
    Stopped,
    /// It starts what is due.
    Active,
    /// It records what is due and starts nothing.
    Paused,
    /// It has named its last occurrence.
    Finished,
}

/// When a workflow runs.
#[derive(Clone)]
pub(crate) struct Schedule(pub(crate) Arc<spec::Schedule>);

impl From<spec::Schedule> for Schedule {
    fn from(schedule: spec::Schedule) -> Self {
        Self(Arc::new(schedule))
    }
}

impl Schedule {
    async fn standing(&self, context: &Context<'_>) -> Result<Arc<Standing>> {
        let found = load(context, StandingOf(self.0.id)).await?;
        found.ok_or_else(|| ErrorCode::NotFound.error("The schedule was deleted meanwhile."))
    }
}

/// What is to come, as a page.
pub(super) fn planned(page: &Page, rows: Vec<Planned>) -> Connection<PlannedOccurrence> {
    page.connection(rows, |planned| planned.due.to_rfc3339(), Into::into)
}

/// How many of what is to come are wanted for a page.
pub(super) fn wanted(page: &Page) -> usize {
    usize::try_from(page.limit()).unwrap_or(1)
}

/// When a workflow runs, and what becomes of each occurrence.
#[Object]
impl Schedule {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Schedule, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// The workflow that it starts.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        Ok(load(context, self.0.spec.workflow).await?.map(Workflow))
    }

    /// When its occurrences are due.
    async fn timing(&self) -> ScheduleTiming {
        (&self.0.spec.timing).into()
    }

    /// Its rule in plain words; absent when this release cannot read it.
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn words(&self, context: &Context<'_>) -> Result<Option<String>> {
        let seed = seed_of(caller(context)?.tenant_id, &self.0.key);
        Ok(describe(&self.0.spec.timing, seed).ok())
    }

    /// What becomes of occurrences once they are due.
    async fn policies(&self) -> SchedulePolicies {
        (&self.0.spec.policies).into()
    }

    /// What every run is given: an object.
    async fn inputs(&self) -> Json {
        Json(self.0.spec.inputs.clone().into())
    }

    /// Expressions that give a run the rest of its inputs.
    async fn computed_inputs(&self) -> Vec<NamedExpression> {
        named_expressions(&self.0.spec.computed_inputs)
    }

    /// 0 (last) to 9 (first); the version's when absent.
    async fn priority(&self) -> Option<i32> {
        self.0.spec.priority.map(Into::into)
    }

    /// The expression over the occurrence that gives the key under which runs may not overlap.
    async fn overlap_key(&self) -> Option<&str> {
        self.0.spec.overlap_key.as_deref()
    }

    /// After how many runs in a row that ended without success it pauses; never when absent.
    async fn pause_after_failures(&self) -> Option<i32> {
        self.0.spec.pause_after_failures
    }

    /// Where it stands.
    async fn state(&self, context: &Context<'_>) -> Result<ScheduleState> {
        Ok(self.standing(context).await?.state.into())
    }

    /// Why it stands there, in a sentence, where there is something to say.
    async fn state_reason(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.standing(context).await?.reason.clone())
    }

    /// Since when it stands there.
    async fn changed_at(&self, context: &Context<'_>) -> Result<DateTime> {
        Ok(self.standing(context).await?.changed_at.into())
    }

    /// The subject of the token that brought it there; absent when its own rules did.
    async fn changed_by(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.standing(context).await?.changed_by.clone())
    }

    /// Every occurrence that was due until then is recorded.
    async fn settled_until(&self, context: &Context<'_>) -> Result<DateTime> {
        Ok(self.standing(context).await?.settled_until.into())
    }

    /// How many of its occurrences wait to start.
    async fn waiting_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.standing(context).await?.waiting)
    }

    /// How many of its runs in a row ended without success.
    async fn failures_in_a_row(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.standing(context).await?.failures)
    }

    /// What its rule names from now on, the first first, whatever state it is in. After a fixed delay there is one at most, since the one
    /// behind it follows the end of its run.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn next_occurrences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<PlannedOccurrence>> {
        let page = Page::of(first, after.as_deref())?;
        let after: Option<Instant<Utc>> = page.after_as()?;
        let forecast = journal::load(context, ForecastOf(self.0.id)).await?;
        let rows = forecast.map_or_else(Vec::new, |forecast| forecast.upcoming(after, wanted(&page)));
        Ok(planned(&page, rows))
    }

    /// What became of its occurrences, the latest instant first.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn occurrences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<OccurrenceFilter>,
    ) -> Result<Connection<Occurrence>> {
        let page = Page::of(first, after.as_deref())?;
        let outcomes = filter.and_then(|filter| filter.outcomes).unwrap_or_default();
        let of = PageOf {
            of: self.0.id,
            page: OccurrencePage {
                outcomes: outcomes.into_iter().map(Into::into).collect(),
                before: page.after_as()?,
                limit: page.limit(),
            },
        };
        let rows = journal::load(context, of).await?.unwrap_or_default();
        Ok(page.connection(rows, |occurrence| occurrence.nominal.to_rfc3339(), Occurrence))
    }

    /// What was run of its past, the newest backfill first.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn backfills(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<BackfillFilter>,
    ) -> Result<Connection<Backfill>> {
        let page = Page::of(first, after.as_deref())?;
        let states = filter.and_then(|filter| filter.states).unwrap_or_default();
        let of = PageOf {
            of: self.0.id,
            page: BackfillsPage {
                states: states.into_iter().map(Into::into).collect(),
                before: page.after_as()?,
                limit: page.limit(),
            },
        };
        let rows = journal::load(context, of).await?.unwrap_or_default();
        Ok(page.connection(rows, |backfill| backfill.id.to_string(), Backfill))
    }

    /// The runs that it started, the newest first.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<Run>> {
        let page = Page::of(first, after.as_deref())?;
        let of = PageOf {
            of: self.0.id,
            page: RunsPage {
                before: page.after_as()?,
                limit: page.limit(),
            },
        };
        let rows = journal::load(context, of).await?.unwrap_or_default();
        Ok(page.connection(rows, |row| row.run_id.to_string(), |row| Run::new(row.run_id)))
    }
}
