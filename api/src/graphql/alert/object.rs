//! An alert as clients see it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::store::alerts::Alert as Record;

use super::rule::{AlertKind, AlertRule, Severity};
use super::silence::Silence;
use crate::graphql::executor::Executor;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::load;
use crate::graphql::loader;
use crate::graphql::run::Run;
use crate::graphql::scalar::DateTime;
use crate::graphql::task_run::TaskRun;
use crate::graphql::workflow::Workflow;

/// What a rule had to say.
#[derive(Clone)]
pub(crate) struct Alert(pub(crate) Arc<Record>);

/// What a rule had to say. It stands for one cause or for several that are alike.
#[Object]
impl Alert {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Alert, self.0.id)
    }

    /// The rule; absent once it was deleted.
    async fn rule(&self, context: &Context<'_>) -> Result<Option<AlertRule>> {
        Ok(loader::load(context, self.0.rule_id).await?.map(AlertRule))
    }

    /// The rule's key when it spoke.
    async fn rule_key(&self) -> &str {
        &self.0.rule_key
    }

    /// Of what the rule spoke.
    async fn kind(&self) -> AlertKind {
        self.0.kind.into()
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// What happened, where and on what, in a sentence.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// How many causes it stands for.
    async fn count(&self) -> i32 {
        self.0.count
    }

    /// The workflow it is about.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        match self.0.workflow_id {
            Some(id) => Ok(loader::load(context, id).await?.map(Workflow)),
            None => Ok(None),
        }
    }

    /// The run that caused it first.
    async fn run(&self, context: &Context<'_>) -> Result<Option<Run>> {
        match self.0.run_id {
            Some(id) => Ok(load(context, id).await?.map(Run::known)),
            None => Ok(None),
        }
    }

    /// The task run that caused it first.
    async fn task_run(&self, context: &Context<'_>) -> Result<Option<TaskRun>> {
        match self.0.task_run_id {
            Some(id) => Ok(load(context, id).await?.map(TaskRun::known)),
            None => Ok(None),
        }
    }

    /// The executor that was lost, or on which it happened; absent once its life is forgotten.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        match self.0.executor_id {
            Some(id) => Ok(load(context, id).await?.map(Executor)),
            None => Ok(None),
        }
    }

    /// The silence that kept it from being delivered.
    async fn silence(&self, context: &Context<'_>) -> Result<Option<Silence>> {
        match self.0.silence_id {
            Some(id) => Ok(load(context, id).await?.map(Silence)),
            None => Ok(None),
        }
    }

    /// When its first cause happened.
    async fn raised_at(&self) -> DateTime {
        self.0.raised_at.into()
    }

    /// When its last cause happened.
    async fn last_at(&self) -> DateTime {
        self.0.last_at.into()
    }

    /// When what it is about was well again.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.resolved_at.map(Into::into)
    }
}
