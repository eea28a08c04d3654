//! Events that tenants publish, for which task runs and triggers wait.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use waterclock_core::command::publish_event::{self as command, PublishEvent};
use waterclock_core::signal::Signals;
use waterclock_core::store::Database;

use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::scalar::Json;

/// Says that something has happened.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PublishEventInput {
    /// What, in the tenant's word: 1 to 255 bytes.
    name: String,
    /// What it is about, for which it is waited by this key or by none: at most 255 bytes.
    key: Option<String>,
    /// What else there is to say, at most 256 KiB of JSON; the output of the task runs that wait for it holds it as `payload`.
    payload: Option<Json>,
    /// The caller's name for this call, at most 255 bytes: a call that is made again under the same name publishes nothing and answers what
    /// the first did.
    idempotency_key: Option<String>,
}

/// Something that was said to have happened.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PublishedEvent {
    /// Which it is.
    id: ID,
    /// How many task runs waited for it and go on.
    woken_task_run_count: i32,
    /// How many triggers wait for it, and have a firing of it now.
    fired_trigger_count: i32,
}

impl From<command::PublishedEvent> for PublishedEvent {
    fn from(event: command::PublishedEvent) -> Self {
        Self {
            id: ID(event.id.to_string()),
            woken_task_run_count: i32::try_from(event.woken).unwrap_or(i32::MAX),
            fired_trigger_count: i32::try_from(event.fired).unwrap_or(i32::MAX),
        }
    }
}

payload! {
    /// What became of `publishEvent`.
    PublishEventPayload {
        /// The event, if it was published.
        event: PublishedEvent
    }
}

/// Publishing events.
#[derive(Default)]
pub(crate) struct PublishedEventMutation;

#[Object]
impl PublishedEventMutation {
    /// Publishes an event. The task runs that wait for it go on, as do those of runs accepted before it that begin to wait for it
    /// later, and triggers that wait for it have a firing. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn publish_event(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The event.")] input: PublishEventInput,
    ) -> Result<PublishEventPayload> {
        let event = PublishEvent {
            name: input.name,
            key: input.key,
            payload: input.payload.map_or(serde_json::Value::Null, |payload| payload.0),
            idempotency_key: input.idempotency_key,
        };
        let published = command::publish_event(
            context.data::<Database>()?,
            context.data::<Signals>()?,
            &author(context)?,
            &event,
        )
        .await;
        PublishEventPayload::of(published, Into::into)
    }
}
