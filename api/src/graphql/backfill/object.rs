//! A backfill as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use waterclock_core::backfill::{self, Backfill as Record, Step, StepCounts};
use waterclock_core::store::backfills::StepPage;

use super::input::{BackfillOrder, BackfillReprocess, BackfillStepFilter};
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{self, PageOf};
use crate::graphql::loader::load;
use crate::graphql::run::Run;
use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::schedule::{OccurrenceNote, Schedule};

/// What a backfill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "backfill::BackfillState")]
pub(crate) enum BackfillState {
    /// None of its steps has started.
    Queued,
    /// It has begun.
    Running,
    /// Every step has come to its end, and none failed or could not start.
    Succeeded,
    /// Every step has come to its end, and one failed or could not start.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// What a step of a backfill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "backfill::StepState")]
pub(crate) enum BackfillStepState {
    /// It is to start.
    Pending,
    /// Its run is under way.
    Running,
    /// Its run succeeded.
    Succeeded,
    /// Its run failed.
    Failed,
    /// It was called off, or its run was cancelled.
    Cancelled,
    /// Its run could not be made.
    Rejected,
    /// It is not to start.
    PassedOver,
}

/// How many steps of a backfill are in each state.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct BackfillProgress {
    /// How many there are in all.
    total: i32,
    /// Those that are to start.
    pending: i32,
    /// Those whose runs are under way.
    running: i32,
    /// Those whose runs succeeded.
    succeeded: i32,
    /// Those whose runs failed.
    failed: i32,
    /// Those that were called off, or whose runs were cancelled.
    cancelled: i32,
    /// Those whose runs could not be made.
    rejected: i32,
    /// Those that are not to start.
    passed_over: i32,
}

impl From<&StepCounts> for BackfillProgress {
    fn from(counts: &StepCounts) -> Self {
        Self {
            total: counts.total(),
            pending: counts.pending,
            running: counts.running,
            succeeded: counts.succeeded,
            failed: counts.failed,
            cancelled: counts.cancelled,
            rejected: counts.rejected,
            passed_over: counts.passed_over,
        }
    }
}

/// What somebody has run of a schedule's past.
pub(crate) struct Backfill(pub(crate) Arc<Record>);

/// What somebody has run of a schedule's past.
#[Object]
impl Backfill {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Backfill, self.0.id)
    }

    /// The schedule; absent once that was deleted.
    async fn schedule(&self, context: &Context<'_>) -> Result<Option<Schedule>> {
        Ok(load(context, self.0.schedule_id).await?.map(Schedule))
    }

    /// In which order its steps start.
    async fn order(&self) -> BackfillOrder {
        self.0.order.into()
    }

    /// Which occurrences that ran already run again.
    async fn reprocess(&self) -> BackfillReprocess {
        self.0.reprocess.into()
    }

    /// How many of its runs may be under way together.
    async fn most_running(&self) -> i32 {
        self.0.most_running
    }

    /// What every run is given over what the schedule gives: an object.
    async fn inputs(&self) -> Json {
        Json(self.0.inputs.clone())
    }

    /// Why, in the words of whoever asked for it.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What it is.
    async fn state(&self) -> BackfillState {
        self.0.state.into()
    }

    /// Why it ended so, or what its next steps wait for, in a sentence, where there is something to say.
    async fn state_reason(&self) -> Option<&str> {
        self.0.state_reason.as_deref()
    }

    /// How far it is.
    async fn progress(&self) -> BackfillProgress {
        (&self.0.steps).into()
    }

    /// Its occurrences, in the order in which they start; those too that do not.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn steps(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<BackfillStepFilter>,
    ) -> Result<Connection<BackfillStep>> {
        let page = Page::of(first, after.as_deref())?;
        let states = filter.and_then(|filter| filter.states).unwrap_or_default();
        let of = PageOf {
            of: self.0.id,
            page: StepPage {
                states: states.into_iter().map(Into::into).collect(),
                after: page.after_as()?,
                limit: page.limit(),
            },
        };
        let rows = journal::load(context, of).await?.unwrap_or_default();
        Ok(page.connection(rows, |step| step.place.to_string(), BackfillStep))
    }

    /// The subject of the token that asked for it.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// The subject of the token that cancelled it.
    async fn cancelled_by(&self) -> Option<&str> {
        self.0.cancelled_by.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its first step started.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(Into::into)
    }
}

/// One occurrence of a backfill.
pub(crate) struct BackfillStep(Arc<Step>);

/// One occurrence of a backfill.
#[Object]
impl BackfillStep {
    /// The instant that the rule names.
    async fn instant(&self) -> DateTime {
        self.0.nominal.into()
    }

    /// When the occurrence was due, after calendars and jitter.
    async fn due(&self) -> DateTime {
        self.0.due.into()
    }

    /// What was done to it on the way.
    async fn notes(&self) -> Vec<OccurrenceNote> {
        self.0.notes.iter().map(|&note| note.into()).collect()
    }

    /// What it is.
    async fn state(&self) -> BackfillStepState {
        self.0.state.into()
    }

    /// Why, in a sentence, where it did not or is not to start.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Its run, if it has one.
    async fn run(&self) -> Option<Run> {
        self.0.run_id.map(Run::new)
    }
}
