//! Changing rules, channels and silences, and sending deliveries.

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::alert::{AlertRuleSpec, ChannelProposal, ChannelSpec};
use waterclock_core::command::register::New;
use waterclock_core::command::revise::Edit;
use waterclock_core::command::send_alert::{resend_alert_delivery, test_alert_channel};
use waterclock_core::command::silence_alerts::{NewSilence, create_silence, end_silence};
use waterclock_core::signal::Signals;
use waterclock_core::store::Database;

use super::channel::{AlertChannel, RegisterAlertChannelInput, UpdateAlertChannelInput};
use super::delivery::AlertDelivery;
use super::rule::{AlertRule, RegisterAlertRuleInput, UpdateAlertRuleInput};
use super::silence::{CreateSilenceInput, EndSilenceInput, Silence};
use crate::graphql::SendsMail;
use crate::graphql::error::payload;
use crate::graphql::guard::{DEVELOPER, OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::mutate::{DeleteInput, create, delete, update};

payload! {
    /// What became of `registerAlertChannel`.
    RegisterAlertChannelPayload {
        /// The channel, if it was registered.
        alert_channel: AlertChannel
    }
}

payload! {
    /// What became of `updateAlertChannel`.
    UpdateAlertChannelPayload {
        /// The channel, if it is as the input wants it.
        alert_channel: AlertChannel
    }
}

payload! {
    /// What became of `deleteAlertChannel`.
    DeleteAlertChannelPayload {
        /// The id of the channel, if it was deleted.
        deleted_id: ID
    }
}

payload! {
    /// What became of `testAlertChannel`.
    TestAlertChannelPayload {
        /// The delivery, if there is such a channel.
        alert_delivery: AlertDelivery
    }
}

payload! {
    /// What became of `registerAlertRule`.
    RegisterAlertRulePayload {
        /// The rule, if it was registered.
        alert_rule: AlertRule
    }
}

payload! {
    /// What became of `updateAlertRule`.
    UpdateAlertRulePayload {
        /// The rule, if it is as the input wants it.
        alert_rule: AlertRule
    }
}

payload! {
    /// What became of `deleteAlertRule`.
    DeleteAlertRulePayload {
        /// The id of the rule, if it was deleted.
        deleted_id: ID
    }
}

payload! {
    /// What became of `createSilence`.
    CreateSilencePayload {
        /// The silence, if it was made.
        silence: Silence
    }
}

payload! {
    /// What became of `endSilence`.
    EndSilencePayload {
        /// The silence, if there is one.
        silence: Silence
    }
}

payload! {
    /// What became of `resendAlertDelivery`.
    ResendAlertDeliveryPayload {
        /// The delivery, if there is one.
        alert_delivery: AlertDelivery
    }
}

/// A channel that is to be tried.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct TestAlertChannelInput {
    /// The channel.
    id: ID,
}

/// A delivery that is to be sent again.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ResendAlertDeliveryInput {
    /// The delivery.
    id: ID,
}

/// Changing rules, channels and silences, and sending deliveries.
#[derive(Default)]
pub(crate) struct AlertMutation;

/// The proposal, knowing whether this service sends mail.
fn knowing(context: &Context<'_>, proposal: ChannelProposal) -> Result<ChannelProposal> {
    let SendsMail(sends_mail) = *context.data::<SendsMail>()?;
    Ok(ChannelProposal {
        sends_mail,
        ..proposal
    })
}

#[Object]
impl AlertMutation {
    /// Registers a channel. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn register_alert_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The channel.")] input: RegisterAlertChannelInput,
    ) -> Result<RegisterAlertChannelPayload> {
        let new: New<ChannelProposal> = input.into();
        let proposal = knowing(context, new.proposal)?;
        RegisterAlertChannelPayload::of(create(context, New { proposal, ..new }).await?, Into::into)
    }

    /// Replaces a channel as a whole, but for a webhook's secret, which stays when none is given. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_alert_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the channel is to be.")] input: UpdateAlertChannelInput,
    ) -> Result<UpdateAlertChannelPayload> {
        let edit: Edit<ChannelProposal> = input.into();
        let proposal = knowing(context, edit.proposal)?;
        UpdateAlertChannelPayload::of(update(context, Edit { proposal, ..edit }).await?, Into::into)
    }

    /// Deletes a channel that no rule uses. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_alert_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The channel.")] input: DeleteInput,
    ) -> Result<DeleteAlertChannelPayload> {
        DeleteAlertChannelPayload::of(
            delete::<ChannelSpec>(context, Kind::AlertChannel, input).await?,
            |id| id,
        )
    }

    /// Sends something through a channel that tells of nothing. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn test_alert_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The channel.")] input: TestAlertChannelInput,
    ) -> Result<TestAlertChannelPayload> {
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let id = of_kind(Kind::AlertChannel, &input.id);
        let sent = test_alert_channel(database, signals, &author(context)?, id).await;
        TestAlertChannelPayload::of(sent, Into::into)
    }

    /// Registers a rule. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn register_alert_rule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The rule.")] input: RegisterAlertRuleInput,
    ) -> Result<RegisterAlertRulePayload> {
        RegisterAlertRulePayload::of(create(context, input.into()).await?, Into::into)
    }

    /// Replaces a rule as a whole. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_alert_rule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the rule is to be.")] input: UpdateAlertRuleInput,
    ) -> Result<UpdateAlertRulePayload> {
        UpdateAlertRulePayload::of(update(context, input.into()).await?, Into::into)
    }

    /// Deletes a rule. What it said stays. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_alert_rule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The rule.")] input: DeleteInput,
    ) -> Result<DeleteAlertRulePayload> {
        DeleteAlertRulePayload::of(
            delete::<AlertRuleSpec>(context, Kind::AlertRule, input).await?,
            |id| id,
        )
    }

    /// Keeps alerts from being delivered for a while; they are recorded all the same. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn create_silence(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The silence.")] input: CreateSilenceInput,
    ) -> Result<CreateSilencePayload> {
        let new: NewSilence = input.into();
        let made = create_silence(context.data::<Database>()?, &author(context)?, &new).await;
        CreateSilencePayload::of(made, Into::into)
    }

    /// Ends a silence now. What it covered is not delivered afterwards. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn end_silence(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The silence.")] input: EndSilenceInput,
    ) -> Result<EndSilencePayload> {
        let id = of_kind(Kind::Silence, &input.id);
        let ended = end_silence(context.data::<Database>()?, &author(context)?, id).await;
        EndSilencePayload::of(ended, Into::into)
    }

    /// Sends a delivery off again, whatever became of it, under the same `webhook-id` and with all its tries before it. Needs the
    /// scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn resend_alert_delivery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The delivery.")] input: ResendAlertDeliveryInput,
    ) -> Result<ResendAlertDeliveryPayload> {
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let id = of_kind(Kind::AlertDelivery, &input.id);
        let sent = resend_alert_delivery(database, signals, &author(context)?, id).await;
        ResendAlertDeliveryPayload::of(sent, Into::into)
    }
}
