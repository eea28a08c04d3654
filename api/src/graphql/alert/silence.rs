//! Silences as clients see and make them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::alert::silence::Silence as Record;
use waterclock_core::command::silence_alerts::NewSilence;

use super::rule::AlertRule;
use crate::graphql::id::{Kind, encode};
use crate::graphql::loader::load;
use crate::graphql::reference::ReferenceInput;
use crate::graphql::scalar::DateTime;
use crate::graphql::workflow::Workflow;

/// A span of time in which alerts are recorded and not delivered.
#[derive(Clone)]
pub(crate) struct Silence(pub(crate) Arc<Record>);

impl From<Record> for Silence {
    fn from(silence: Record) -> Self {
        Self(Arc::new(silence))
    }
}

/// A span of time in which alerts are recorded and not delivered.
#[Object]
impl Silence {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Silence, self.0.id)
    }

    /// Whether it covers the alerts of one rule only.
    async fn of_one_rule(&self) -> bool {
        self.0.rule_id.is_some()
    }

    /// The rule whose alerts it covers; absent when it covers those of all, or the rule was deleted.
    async fn rule(&self, context: &Context<'_>) -> Result<Option<AlertRule>> {
        match self.0.rule_id {
            Some(id) => Ok(load(context, id).await?.map(AlertRule)),
            None => Ok(None),
        }
    }

    /// Whether it covers alerts about one workflow only.
    async fn of_one_workflow(&self) -> bool {
        self.0.workflow_id.is_some()
    }

    /// The workflow about which alerts are covered; absent when it is any, or the workflow was deleted.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        match self.0.workflow_id {
            Some(id) => Ok(load(context, id).await?.map(Workflow)),
            None => Ok(None),
        }
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The subject of the token that made it.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// From when on it covers.
    async fn starts_at(&self) -> DateTime {
        self.0.starts_at.into()
    }

    /// From when on it covers no more.
    async fn ends_at(&self) -> DateTime {
        self.0.ends_at.into()
    }

    /// The subject of the token that ended it before its time.
    async fn ended_by(&self) -> Option<&str> {
        self.0.ended_by.as_deref()
    }
}

/// A silence to be made. Without rule and workflow it covers every alert of the tenant.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CreateSilenceInput {
    /// The rule whose alerts it covers; those of all rules when absent.
    rule: Option<ReferenceInput>,
    /// The workflow about which alerts are covered; those about anything when absent.
    workflow: Option<ReferenceInput>,
    /// Why, for whoever wonders why nothing was told.
    reason: String,
    /// From when on; from now on when absent.
    from: Option<DateTime>,
    /// Until when, at most 366 days after it begins.
    until: DateTime,
    /// The caller's name for this call: made again under the same name, it answers the same.
    idempotency_key: Option<String>,
}

impl From<CreateSilenceInput> for NewSilence {
    fn from(input: CreateSilenceInput) -> Self {
        Self {
            rule: input.rule.map(|rule| rule.resolve(Kind::AlertRule)),
            workflow: input.workflow.map(|workflow| workflow.resolve(Kind::Workflow)),
            reason: input.reason,
            from: input.from.map(|from| from.0),
            until: input.until.0,
            idempotency_key: input.idempotency_key,
        }
    }
}

/// A silence that is to end.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct EndSilenceInput {
    /// The silence.
    pub(crate) id: ID,
}
