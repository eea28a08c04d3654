//! Following runs.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::runs;

use super::input::RunFilter;
use crate::graphql::event::{EventCursor, RunEvent, Shown, follow, show_run_events};
use crate::graphql::guard::VIEWER;
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
        follow(context, Topic::Run(run), after, view(context, None)).await
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
        follow(context, Topic::Runs, after, view(context, Some(filter))).await
    }
}

/// What is going to be sent.
type Sent = BoxFuture<'static, Result<Vec<RunEvent>, StoreError>>;

/// How one client sees events: narrowed to the runs of `filter`, and with no more than it asks for.
fn view(
    context: &Context<'_>,
    filter: Option<runs::RunFilter>,
) -> impl Fn(Journal, TenantId, Vec<Arc<Event>>) -> Sent + Send + use<> {
    let selected = Shown::selected(context);
    let narrows = filter.filter(|filter| *filter != runs::RunFilter::default());
    let filter = narrows.map(Arc::new);
    move |journal, tenant, events| {
        let filter = filter.clone();
        let shown = Shown {
            runs: selected.runs || filter.is_some(),
            ..selected
        };
        async move {
            let mut events = show_run_events(&journal, tenant, shown, events).await?;
            if let Some(filter) = filter {
                events.retain(|event| event.is_wanted(&filter));
            }
            Ok(events)
        }
        .boxed()
    }
}
