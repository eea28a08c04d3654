//! Firings as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use waterclock_core::store::firings::Firing as Record;
use waterclock_core::trigger::firing;

use super::object::Trigger;
use crate::graphql::id::{Kind, encode};
use crate::graphql::loader::load;
use crate::graphql::run::Run;
use crate::graphql::scalar::{DateTime, Json};

/// What became of a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "firing::FiringOutcome")]
pub(crate) enum FiringOutcome {
    /// Nobody has decided about it yet.
    Pending,
    /// Its run was started.
    Fired,
    /// The trigger's filter was false.
    Filtered,
    /// The trigger was paused.
    Paused,
    /// Its run could not be made: an expression came to nothing, or the workflow is not published, or does not take the inputs.
    Rejected,
    /// The tenant has as many runs as it may.
    RejectedQuota,
}

/// Narrows a list of firings.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct FiringFilter {
    /// Those with one of these outcomes.
    pub(crate) outcomes: Option<Vec<FiringOutcome>>,
}

/// What became of something that a trigger waits for.
#[derive(Clone)]
pub(crate) struct Firing(pub(crate) Arc<Record>);

/// What became of something that a trigger waits for. With its trigger, the cause is the firing: there is never a second one.
#[Object]
impl Firing {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Firing, self.0.id)
    }

    /// Its trigger; absent once that was deleted.
    async fn trigger(&self, context: &Context<'_>) -> Result<Option<Trigger>> {
        Ok(load(context, self.0.trigger_id).await?.map(Trigger))
    }

    /// What became of it.
    async fn outcome(&self) -> FiringOutcome {
        self.0.outcome.into()
    }

    /// Why, in a sentence.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What the trigger's expressions read of it, by the names under which they do: an object.
    async fn facts(&self) -> Json {
        Json(self.0.facts.clone())
    }

    /// The run that it started.
    async fn run(&self) -> Option<Run> {
        self.0.run_id.map(Run::new)
    }

    /// When its cause happened.
    async fn caused_at(&self) -> DateTime {
        self.0.caused_at.into()
    }

    /// When it was decided what becomes of it.
    async fn decided_at(&self) -> Option<DateTime> {
        self.0.decided_at.map(Into::into)
    }
}
