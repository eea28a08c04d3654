//! A trigger as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use waterclock_core::store::firings::FiringPage;
use waterclock_core::store::triggers::TriggerStanding;
use waterclock_core::trigger;

use super::firing::{Firing, FiringFilter};
use super::source::TriggerSource;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::guard::caller;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{self, PageOf};
use crate::graphql::loader::{TriggerStandingOf, load};
use crate::graphql::registration::Registration;
use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::workflow::{NamedExpression, Workflow, named_expressions};
use crate::transport::ErrorCode;

/// Where a trigger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "trigger::TriggerState")]
pub(crate) enum TriggerState {
    /// It starts what it is for.
    Active,
    /// It records what it waits for and starts nothing.
    Paused,
}

/// What starts a workflow because something else happened.
#[derive(Clone)]
pub(crate) struct Trigger(pub(crate) Arc<trigger::Trigger>);

impl From<trigger::Trigger> for Trigger {
    fn from(trigger: trigger::Trigger) -> Self {
        Self(Arc::new(trigger))
    }
}

impl Trigger {
    async fn standing(&self, context: &Context<'_>) -> Result<Arc<TriggerStanding>> {
        let found = load(context, TriggerStandingOf(self.0.id)).await?;
        found.ok_or_else(|| ErrorCode::NotFound.error("The trigger was deleted meanwhile."))
    }
}

/// What starts a workflow because something else happened.
#[Object]
impl Trigger {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Trigger, self.0.id)
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

    /// What it waits for.
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn on(&self, context: &Context<'_>) -> Result<TriggerSource> {
        Ok(TriggerSource::of(caller(context)?.tenant_id, &self.0))
    }

    /// The condition over what happened without which nothing starts.
    async fn filter(&self) -> Option<&str> {
        self.0.spec.filter.as_deref()
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

    /// Where it stands.
    async fn state(&self, context: &Context<'_>) -> Result<TriggerState> {
        Ok(self.standing(context).await?.state.into())
    }

    /// Why it is paused, in a sentence.
    async fn state_reason(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.standing(context).await?.reason.clone())
    }

    /// Since when it stands there.
    async fn changed_at(&self, context: &Context<'_>) -> Result<DateTime> {
        Ok(self.standing(context).await?.changed_at.into())
    }

    /// The subject of the token that brought it there; absent since it was made.
    async fn changed_by(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.standing(context).await?.changed_by.clone())
    }

    /// What became of everything that it waits for, the latest first.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn firings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<FiringFilter>,
    ) -> Result<Connection<Firing>> {
        let page = Page::of(first, after.as_deref())?;
        let outcomes = filter.and_then(|filter| filter.outcomes).unwrap_or_default();
        let of = PageOf {
            of: self.0.id,
            page: FiringPage {
                outcomes: outcomes.into_iter().map(Into::into).collect(),
                before: page.after_as()?,
                limit: page.limit(),
            },
        };
        let rows = journal::load(context, of).await?.unwrap_or_default();
        Ok(page.connection(rows, |firing| firing.id.to_string(), Firing))
    }
}
