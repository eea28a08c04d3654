//! Reading alerts and what belongs to them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::alert::{AlertRuleSpec, ChannelSpec};
use waterclock_core::journal::Journal;
use waterclock_core::registered::{Reference, Registrable};
use waterclock_core::store::Registry;
use waterclock_core::store::alert_deliveries::DeliveryFilter;
use waterclock_core::store::alerts;
use waterclock_core::workflow::Draft;

use super::channel::AlertChannel;
use super::delivery::{AlertDelivery, AlertDeliveryState};
use super::object::Alert;
use super::rule::{AlertRule, Severity};
use super::silence::Silence;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::listing::{KeyFilter, find, list};
use crate::graphql::reference::ReferenceInput;

/// Narrows a list of alerts; what is given must all hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct AlertFilter {
    /// Those of this rule.
    rule: Option<ReferenceInput>,
    /// Those about this workflow.
    workflow: Option<ReferenceInput>,
    /// Those of one of these severities.
    severities: Option<Vec<Severity>>,
    /// Those that are resolved, or that are not.
    resolved: Option<bool>,
    /// Those that a silence covered, or that none did.
    silenced: Option<bool>,
}

impl AlertFilter {
    /// The filter by ids; `None` when it names what does not exist.
    async fn resolve(self, context: &Context<'_>) -> Result<Option<alerts::AlertFilter>> {
        let (Some(rule), Some(workflow)) = (
            id_of::<AlertRuleSpec>(context, Kind::AlertRule, self.rule).await?,
            id_of::<Draft>(context, Kind::Workflow, self.workflow).await?,
        ) else {
            return Ok(None);
        };
        let severities = self.severities.unwrap_or_default();
        Ok(Some(alerts::AlertFilter {
            rule,
            workflow,
            severities: severities.into_iter().map(Into::into).collect(),
            resolved: self.resolved,
            silenced: self.silenced,
        }))
    }
}

/// The id of what an optional reference names; `None` when it names what does not exist.
async fn id_of<S: Registry>(
    context: &Context<'_>,
    kind: Kind,
    reference: Option<ReferenceInput>,
) -> Result<Option<Option<S::Id>>> {
    let reference: Option<Reference<<S as Registrable>::Id>> = reference.map(|named| named.resolve(kind));
    Ok(match reference {
        None => Some(None),
        Some(Reference::Id(id)) => Some(Some(id)),
        Some(Reference::Key(key)) => find::<S>(context, &key).await?.map(|found| Some(found.id)),
    })
}

/// Narrows a list of deliveries; what is given must all hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct AlertDeliveryFilter {
    /// Those of this alert.
    alert_id: Option<ID>,
    /// Those through this channel.
    channel: Option<ReferenceInput>,
    /// Those in one of these states.
    states: Option<Vec<AlertDeliveryState>>,
}

/// Narrows a list of silences.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct SilenceFilter {
    /// Only those that have not ended.
    #[graphql(default)]
    lasting: bool,
}

/// Reading alerts and what belongs to them.
#[derive(Default)]
pub(crate) struct AlertQuery;

#[Object]
impl AlertQuery {
    /// The channel that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn alert_channel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The channel's key.")] key: String,
    ) -> Result<Option<AlertChannel>> {
        Ok(find::<ChannelSpec>(context, &key).await?.map(Into::into))
    }

    /// Channels, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn alert_channels(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<AlertChannel>> {
        list::<ChannelSpec, _>(context, first, after, filter, AlertChannel::from).await
    }

    /// The rule that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn alert_rule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The rule's key.")] key: String,
    ) -> Result<Option<AlertRule>> {
        Ok(find::<AlertRuleSpec>(context, &key).await?.map(Into::into))
    }

    /// Rules, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn alert_rules(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<AlertRule>> {
        list::<AlertRuleSpec, _>(context, first, after, filter, AlertRule::from).await
    }

    /// Alerts, the newest first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn alerts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<AlertFilter>,
    ) -> Result<Connection<Alert>> {
        let page = Page::of(first, after.as_deref())?;
        let before = page.after_as()?;
        let rows = match filter.unwrap_or_default().resolve(context).await? {
            Some(filter) => {
                let tenant = caller(context)?.tenant_id;
                let found = context
                    .data::<Journal>()?
                    .alerts(tenant, &filter, before, page.limit())
                    .await;
                found.map_err(|error| internal(&error))?
            }
            None => Vec::new(),
        };
        Ok(page.connection(rows, |alert| alert.id.to_string(), |alert| Alert(Arc::new(alert))))
    }

    /// Deliveries of alerts, the newest first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn alert_deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<AlertDeliveryFilter>,
    ) -> Result<Connection<AlertDelivery>> {
        let page = Page::of(first, after.as_deref())?;
        let before = page.after_as()?;
        let filter = filter.unwrap_or_default();
        let rows = match id_of::<ChannelSpec>(context, Kind::AlertChannel, filter.channel).await? {
            Some(channel) => {
                let wanted = DeliveryFilter {
                    alert: filter.alert_id.map(|id| of_kind(Kind::Alert, &id)),
                    channel,
                    states: filter
                        .states
                        .unwrap_or_default()
                        .into_iter()
                        .map(Into::into)
                        .collect(),
                };
                let tenant = caller(context)?.tenant_id;
                let found = context
                    .data::<Journal>()?
                    .alert_deliveries(tenant, &wanted, before, page.limit())
                    .await;
                found.map_err(|error| internal(&error))?
            }
            None => Vec::new(),
        };
        Ok(page.connection(rows, |delivery| delivery.id.to_string(), Into::into))
    }

    /// Silences, the newest first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn silences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<SilenceFilter>,
    ) -> Result<Connection<Silence>> {
        let page = Page::of(first, after.as_deref())?;
        let before = page.after_as()?;
        let lasting = filter.unwrap_or_default().lasting;
        let tenant = caller(context)?.tenant_id;
        let rows = context
            .data::<Journal>()?
            .silences(tenant, lasting, before, page.limit())
            .await
            .map_err(|error| internal(&error))?;
        Ok(page.connection(rows, |silence| silence.id.to_string(), Into::into))
    }
}
