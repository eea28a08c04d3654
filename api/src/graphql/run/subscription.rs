//! Following runs.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::runs;
use waterclock_core::watch::{self, Watch, WatchError};

use super::input::RunFilter;
use crate::graphql::error::internal;
use crate::graphql::event::{EventCursor, RunEvent, Shown, flow, show_run_events, watch_error};
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;
use crate::transport::ErrorCode;

/// Following runs.
#[derive(Default)]
pub(crate) struct RunSubscription;

#[Subscription]
impl RunSubscription {
    /// What happens to a run and its task runs: every event once, in order, none missed. Completes when the run has ended and
    /// all its events were sent. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn run_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] run_id: ID,
        #[graphql(desc = "The cursor of the last event that the client has; all events when absent.")] after: Option<
            String,
        >,
    ) -> Result<BoxStream<'static, Result<RunEvent>>> {
        let after = EventCursor::read(after, "runEvents")?;
        let run: RunId = of_kind(Kind::Run, &run_id);
        if load(context, run).await?.is_none() {
            return Err(ErrorCode::NotFound.error("There is no run with this id."));
        }
        follow(context, Topic::Run(run), after, None).await
    }

    /// What happens to runs as wholes: every event once, in order, none missed; from now on, or from a cursor on. A filter's
    /// `states` are those that the events lead to. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Narrows the runs.")] filter: Option<RunFilter>,
        #[graphql(desc = "The cursor of the last event that the client has; from now on when absent.")] after: Option<
            String,
        >,
    ) -> Result<BoxStream<'static, Result<RunEvent>>> {
        let after = EventCursor::read(after, "runs")?;
        let Some(filter) = filter.unwrap_or_default().resolve(context).await? else {
            return Err(ErrorCode::NotFound.error("There is no workflow with the key in `filter`."));
        };
        follow(context, Topic::Runs, after, Some(filter)).await
    }
}

async fn follow(
    context: &Context<'_>,
    topic: Topic,
    after: Option<i64>,
    filter: Option<runs::RunFilter>,
) -> Result<BoxStream<'static, Result<RunEvent>>> {
    let tenant = caller(context)?.tenant_id;
    let journal = context.data::<Journal>()?.clone();
    let subscribed = context
        .data::<Watch>()?
        .subscribe(tenant, topic, after)
        .await
        .map_err(watch_error)?;
    let view = Arc::new(View {
        journal,
        tenant,
        shown: Shown::selected(context),
        filter: filter.unwrap_or_default(),
    });
    Ok(flow(batches(subscribed).then(move |events| {
        let view = Arc::clone(&view);
        async move {
            view.show(events.map_err(watch_error)?)
                .await
                .map_err(|error| internal(&error))
        }
    })))
}

fn batches(
    subscription: watch::Subscription,
) -> impl futures_util::Stream<Item = Result<Vec<Arc<Event>>, WatchError>> + Send + 'static {
    stream::unfold(subscription, async |mut subscription| {
        let events = subscription.next().await?;
        Some((events, subscription))
    })
}

/// How one client sees events.
struct View {
    journal: Journal,
    tenant: TenantId,
    shown: Shown,
    filter: runs::RunFilter,
}

impl View {
    async fn show(&self, events: Vec<Arc<Event>>) -> Result<Vec<RunEvent>, StoreError> {
        if self.filter == runs::RunFilter::default() {
            return show_run_events(&self.journal, self.tenant, self.shown, events).await;
        }
        let shown = Shown {
            runs: true,
            ..self.shown
        };
        let events = show_run_events(&self.journal, self.tenant, shown, events).await?;
        Ok(events
            .into_iter()
            .filter(|event| event.is_wanted(&self.filter))
            .collect())
    }
}
