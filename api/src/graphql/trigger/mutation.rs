//! Changing triggers.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use waterclock_core::command::edit_trigger::{CreatedTrigger, TriggerEditor};
use waterclock_core::error::CommandError;

use super::input::{CreateTriggerInput, UpdateTriggerInput};
use super::object::Trigger;
use crate::graphql::error::{UserError, outcome, payload};
use crate::graphql::guard::{DEVELOPER, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::mutate::DeleteInput;

/// What became of `createTrigger`.
#[derive(SimpleObject)]
pub(crate) struct CreateTriggerPayload {
    /// The trigger, if it was made.
    trigger: Option<Trigger>,
    /// What calls of its webhook are to be signed with. It is shown here and never again.
    webhook_secret: Option<String>,
    /// What is wrong with the input, all at once; empty when the mutation did what it was asked.
    user_errors: Vec<UserError>,
}

impl CreateTriggerPayload {
    fn of(made: std::result::Result<CreatedTrigger, CommandError>) -> Result<Self> {
        let (made, user_errors) = outcome(made)?;
        let (trigger, secret) = made.map(|made| (made.trigger, made.secret)).unzip();
        Ok(Self {
            trigger: trigger.map(Into::into),
            webhook_secret: secret.flatten().map(|secret| secret.reveal().to_owned()),
            user_errors,
        })
    }
}

payload! {
    /// What became of `updateTrigger`.
    UpdateTriggerPayload {
        /// The trigger, if it is as the input wants it.
        trigger: Trigger
    }
}

payload! {
    /// What became of `deleteTrigger`.
    DeleteTriggerPayload {
        /// The id of the trigger, if it was deleted.
        deleted_id: ID
    }
}

/// Changing triggers.
#[derive(Default)]
pub(crate) struct TriggerMutation;

#[Object]
impl TriggerMutation {
    /// Makes a trigger, which is for what happens from now on. Workflows that would start each other without end are refused. Needs the scope
    /// `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn create_trigger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The trigger.")] mut input: CreateTriggerInput,
    ) -> Result<CreateTriggerPayload> {
        let secret = input.secret.take();
        let made = match input.request() {
            Ok(new) => {
                let editor = context.data::<TriggerEditor>()?;
                editor.create(&author(context)?, &new, secret.as_deref()).await
            }
            Err(error) => Err(error),
        };
        CreateTriggerPayload::of(made)
    }

    /// Replaces a trigger as a whole. What has happened by now is judged by what it was. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_trigger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the trigger is to be.")] input: UpdateTriggerInput,
    ) -> Result<UpdateTriggerPayload> {
        let made = match input.request() {
            Ok(edit) => {
                let editor = context.data::<TriggerEditor>()?;
                editor.update(&author(context)?, &edit).await
            }
            Err(error) => Err(error),
        };
        UpdateTriggerPayload::of(made, Into::into)
    }

    /// Deletes a trigger. What it started goes on, and what became of its firings stays. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_trigger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The trigger.")] input: DeleteInput,
    ) -> Result<DeleteTriggerPayload> {
        let id = of_kind(Kind::Trigger, &input.id);
        let deleted = context
            .data::<TriggerEditor>()?
            .delete(&author(context)?, id, input.expected_revision)
            .await;
        DeleteTriggerPayload::of(deleted.map(|()| input.id), |id| id)
    }
}
