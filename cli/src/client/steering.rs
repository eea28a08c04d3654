//! Runs and task runs, steered; events published; runs foreseen.

use graphql_client::GraphQLQuery;
use serde_json::{Map, Value};

use super::operation::{Told, mutate, operations};
use super::{Api, ClientError, UserError};

type Json = Value;

type DateTime = chrono::DateTime<chrono::Utc>;

operations! {
    CancelRun in "src/client/operations/cancel_run.graphql";
    TerminateRun in "src/client/operations/terminate_run.graphql";
    PauseRun in "src/client/operations/pause_run.graphql";
    ResumeRun in "src/client/operations/resume_run.graphql";
    RetryTaskRun in "src/client/operations/retry_task_run.graphql";
    SkipTaskRun in "src/client/operations/skip_task_run.graphql";
    MarkTaskRunSucceeded in "src/client/operations/mark_task_run_succeeded.graphql";
    AnswerApproval in "src/client/operations/answer_approval.graphql";
    ListApprovals in "src/client/operations/list_approvals.graphql";
    PublishEvent in "src/client/operations/publish_event.graphql";
    DryRun in "src/client/operations/dry_run.graphql";
}

pub(crate) use answer_approval::Answer;
pub(crate) use dry_run::{DryRunDryRunNodes as ForeseenNode, DryRunProspect, TaskRunState as AssumedState};
pub(crate) use list_approvals::ListApprovalsApprovalsNodes as AskedApproval;

/// The most items that a page has.
const PAGE: i64 = 100;

/// The answer to an approval.
#[derive(Clone, Debug)]
pub(crate) struct NewAnswer {
    pub(crate) task_run: String,
    pub(crate) answer: Answer,
    pub(crate) form: Map<String, Value>,
    pub(crate) comment: Option<String>,
}

/// An event that is to be published.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) payload: Value,
    pub(crate) idempotency_key: Option<String>,
}

impl Api {
    /// Tells a run to stop.
    pub(crate) async fn cancel_run(&self, id: String, reason: Option<String>) -> Told {
        let input = cancel_run::CancelRunInput { id, reason };
        let done = mutate!(self, CancelRun, cancel_run, cancel_run, run, input);
        Ok(done.map(drop))
    }

    /// Tells a run to stop at once.
    pub(crate) async fn terminate_run(&self, id: String, reason: Option<String>) -> Told {
        let input = terminate_run::CancelRunInput { id, reason };
        let done = mutate!(self, TerminateRun, terminate_run, terminate_run, run, input);
        Ok(done.map(drop))
    }

    /// Keeps a run from starting more.
    pub(crate) async fn pause_run(&self, id: String) -> Told {
        let input = pause_run::PauseRunInput { id };
        let done = mutate!(self, PauseRun, pause_run, pause_run, run, input);
        Ok(done.map(drop))
    }

    /// Lets a run go on.
    pub(crate) async fn resume_run(&self, id: String) -> Told {
        let input = resume_run::ResumeRunInput { id };
        let done = mutate!(self, ResumeRun, resume_run, resume_run, run, input);
        Ok(done.map(drop))
    }

    /// Brings the next attempt of a task run forward to now.
    pub(crate) async fn retry_task_run(&self, id: String) -> Told {
        let input = retry_task_run::RetryTaskRunInput { id };
        let done = mutate!(
            self,
            RetryTaskRun,
            retry_task_run,
            retry_task_run,
            task_run,
            input
        );
        Ok(done.map(drop))
    }

    /// Passes over a task run.
    pub(crate) async fn skip_task_run(&self, id: String, reason: Option<String>) -> Told {
        let input = skip_task_run::SkipTaskRunInput { id, reason };
        let done = mutate!(self, SkipTaskRun, skip_task_run, skip_task_run, task_run, input);
        Ok(done.map(drop))
    }

    /// Lets a task run count as done, with these outputs.
    pub(crate) async fn mark_task_run_succeeded(
        &self,
        id: String,
        outputs: Map<String, Value>,
        reason: Option<String>,
    ) -> Told {
        let input = mark_task_run_succeeded::MarkTaskRunSucceededInput {
            id,
            outputs: Some(Value::Object(outputs)),
            reason,
        };
        let done = mutate!(
            self,
            MarkTaskRunSucceeded,
            mark_task_run_succeeded,
            mark_task_run_succeeded,
            task_run,
            input
        );
        Ok(done.map(drop))
    }

    /// Answers what a task run asks.
    pub(crate) async fn answer_approval(&self, answer: NewAnswer) -> Told {
        let input = answer_approval::AnswerApprovalInput {
            id: answer.task_run,
            answer: answer.answer,
            form: (!answer.form.is_empty()).then_some(Value::Object(answer.form)),
            comment: answer.comment,
        };
        let done = mutate!(
            self,
            AnswerApproval,
            answer_approval,
            answer_approval,
            task_run,
            input
        );
        Ok(done.map(drop))
    }

    /// What task runs ask, those of the eldest runs first, at most `limit`.
    pub(crate) async fn list_approvals(&self, limit: u32) -> Result<Vec<AskedApproval>, ClientError> {
        let (mut asked, mut after) = (Vec::new(), None);
        loop {
            let missing = i64::from(limit) - i64::try_from(asked.len()).unwrap_or(i64::MAX);
            let variables = list_approvals::Variables {
                first: missing.min(PAGE),
                after,
            };
            let page = self.ask::<ListApprovals>(variables).await?.approvals;
            asked.extend(page.nodes);
            if missing <= PAGE || !page.page_info.has_next_page {
                return Ok(asked);
            }
            after = page.page_info.end_cursor;
        }
    }

    /// Publishes an event, and gives how many task runs waited for it, and how many triggers.
    pub(crate) async fn publish_event(
        &self,
        event: NewEvent,
    ) -> Result<Result<(i64, i64), Vec<UserError>>, ClientError> {
        let input = publish_event::PublishEventInput {
            name: event.name,
            key: event.key,
            payload: Some(event.payload),
            idempotency_key: event.idempotency_key,
        };
        let done = mutate!(self, PublishEvent, publish_event, publish_event, event, input);
        Ok(done.map(|event| (event.woken_task_run_count, event.fired_trigger_count)))
    }

    /// What a run of the workflow would do, by node.
    pub(crate) async fn dry_run(
        &self,
        workflow: String,
        inputs: Map<String, Value>,
        assume: Vec<(String, AssumedState)>,
    ) -> Result<Result<Vec<ForeseenNode>, Vec<UserError>>, ClientError> {
        let assume = assume.into_iter();
        let input = dry_run::DryRunInput {
            workflow: Some(workflow),
            version_id: None,
            inputs: Some(Value::Object(inputs)),
            assume: assume
                .map(|(node, state)| dry_run::DryRunAssumptionInput { node, state })
                .collect(),
        };
        Ok(mutate!(self, DryRun, dry_run, dry_run, nodes, input))
    }
}
