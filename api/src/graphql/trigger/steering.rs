//! Pausing and resuming triggers, and changing the secrets of webhooks.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use waterclock_core::command::edit_trigger::{CreatedTrigger, Rotation, TriggerEditor};
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::trigger;

use super::object::Trigger;
use crate::graphql::error::{UserError, outcome, payload};
use crate::graphql::guard::{DEVELOPER, OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::Duration;

payload! {
    /// What became of `pauseTrigger`.
    PauseTriggerPayload {
        /// The trigger, if there is one.
        trigger: Trigger
    }
}

payload! {
    /// What became of `resumeTrigger`.
    ResumeTriggerPayload {
        /// The trigger, if there is one.
        trigger: Trigger
    }
}

/// What became of `rotateWebhookSecret`.
#[derive(SimpleObject)]
pub(crate) struct RotateWebhookSecretPayload {
    /// The trigger, if it has a webhook.
    trigger: Option<Trigger>,
    /// What calls are to be signed with from now on. It is shown here and never again.
    webhook_secret: Option<String>,
    /// What is wrong with the input, all at once; empty when the mutation did what it was asked.
    user_errors: Vec<UserError>,
}

impl RotateWebhookSecretPayload {
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

/// A trigger that is to start nothing for a while.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PauseTriggerInput {
    /// The trigger.
    id: ID,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// A trigger that is to go on.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ResumeTriggerInput {
    /// The trigger.
    id: ID,
}

/// A webhook that is to have another secret.
#[derive(Clone, InputObject)]
pub(crate) struct RotateWebhookSecretInput {
    /// The webhook's trigger.
    id: ID,
    /// The secret; one is made when it is left out.
    secret: Option<String>,
    /// For how long the one that it has is taken as well: at most 30 days.
    #[graphql(default_with = "Duration(0)")]
    overlap: Duration,
}

/// The most bytes of a reason.
const LONGEST_REASON: usize = 1_000;

async fn bring_to(
    context: &Context<'_>,
    id: &ID,
    state: trigger::TriggerState,
    reason: Option<&str>,
) -> Result<std::result::Result<trigger::Trigger, CommandError>> {
    if reason.is_some_and(|reason| reason.len() > LONGEST_REASON || reason.contains('\0')) {
        let message = format!("a reason has at most {LONGEST_REASON} bytes and no NUL character");
        return Ok(Err(CommandError::refused(Refusal::invalid(["reason"], message))));
    }
    let editor = context.data::<TriggerEditor>()?;
    let id = of_kind(Kind::Trigger, id);
    Ok(editor.bring_to(&author(context)?, id, state, reason).await)
}

/// Steering triggers.
#[derive(Default)]
pub(crate) struct TriggerSteering;

#[Object]
impl TriggerSteering {
    /// Keeps a trigger from starting anything: what happens is recorded as `PAUSED`. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn pause_trigger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The trigger.")] input: PauseTriggerInput,
    ) -> Result<PauseTriggerPayload> {
        let reason = input.reason.as_deref();
        let paused = bring_to(context, &input.id, trigger::TriggerState::Paused, reason).await?;
        PauseTriggerPayload::of(paused, Into::into)
    }

    /// Lets a paused trigger start what happens from now on; what happened meanwhile is not made up for. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn resume_trigger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The trigger.")] input: ResumeTriggerInput,
    ) -> Result<ResumeTriggerPayload> {
        let resumed = bring_to(context, &input.id, trigger::TriggerState::Active, None).await?;
        ResumeTriggerPayload::of(resumed, Into::into)
    }

    /// Gives a webhook another secret, and takes the one that it had as well until the overlap is over. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn rotate_webhook_secret(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook and its secret.")] input: RotateWebhookSecretInput,
    ) -> Result<RotateWebhookSecretPayload> {
        let rotation = Rotation {
            id: of_kind(Kind::Trigger, &input.id),
            secret: input.secret,
            overlap_ms: input.overlap.0,
        };
        let editor = context.data::<TriggerEditor>()?;
        RotateWebhookSecretPayload::of(editor.rotate_secret(&author(context)?, &rotation).await)
    }
}
