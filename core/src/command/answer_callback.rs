//! Ends an attempt whose endpoint finishes later: when it calls back, and when its executor hands it over.
//!
//! The two may come in either order. Whichever comes second ends the attempt: an answer that comes first is kept until the
//! attempt has been handed over, for until then the executor may still report something else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::settle::{fault, settle};
use crate::callback::CallbackToken;
use crate::error::{CommandError, Refusal};
use crate::id::ExecutorId;
use crate::run::{Outcome, TimerKind};
use crate::signal::{Signal, Signals};
use crate::store::callbacks::{
    CallbackAnswer, answer_callback as write_answer, defer_attempts, find_callback,
};
use crate::store::dispatch::Owner;
use crate::store::flow::lock_runs;
use crate::store::timers::{Due, NewTimer, insert_timers};
use crate::store::{Actor, Database, StoreError, Transaction, Versions};
use crate::work::{Lease, OUTPUT_LIMIT, Report};
use crate::workflow::Work;

/// What an endpoint says by calling back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether the work was done.
    pub succeeded: bool,
    /// Why not, or what else there is to say.
    pub message: Option<String>,
    /// What it gives; at most [`OUTPUT_LIMIT`] bytes of JSON.
    pub output: Option<Value>,
}

/// Ends the attempt that `token` is for. An address that was used, or whose attempt has ended otherwise, is refused as not
/// found, as is one that never was.
pub async fn answer_callback(
    database: &Database,
    signals: &Signals,
    versions: &Versions,
    token: CallbackToken,
    answer: Answer,
) -> Result<(), CommandError> {
    if let Some(output) = &answer.output {
        let size = output.to_string().len();
        if size > OUTPUT_LIMIT {
            let message = format!("the output takes {size} bytes; at most {OUTPUT_LIMIT} are taken");
            return Err(CommandError::refused(Refusal::invalid(["output"], message)));
        }
    }
    let tenant = token.tenant();
    let mut transaction = database.begin(Actor::Tenant(tenant)).await?;
    let gone = || {
        let message = "this address was used, or its attempt has ended";
        CommandError::refused(Refusal::not_found(["token"], message))
    };
    let Some(lease) = find_callback(&mut transaction, tenant, &token.hash()).await? else {
        transaction.rollback().await?;
        return Err(gone());
    };
    lock_runs(&mut transaction, &[(tenant, lease.run_id)]).await?;
    let answer = CallbackAnswer {
        succeeded: answer.succeeded,
        message: answer.message,
        output: answer.output,
    };
    let Some(answered) = write_answer(&mut transaction, &lease, &answer).await? else {
        transaction.rollback().await?;
        return Err(gone());
    };
    let mut raised = BTreeSet::new();
    if answered.deferred {
        let owner = Owner {
            executor: answered.executor_id.into(),
            called_back: true,
        };
        raised = settle(&mut transaction, versions, owner, vec![report(lease, answer)]).await?;
    }
    transaction.commit().await?;
    signals.raise(raised);
    Ok(())
}

fn report(lease: Lease, answer: CallbackAnswer) -> Report {
    let silent = (!answer.succeeded).then(|| "the endpoint called back to say that it failed".to_owned());
    Report {
        outcome: if answer.succeeded {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        },
        message: answer.message.or(silent),
        output: answer.output,
        http_status: Some(202),
        ..fault(lease, String::new())
    }
}

/// Takes attempts over from their executor. Those whose endpoints have called back already end at once.
pub(crate) async fn defer(
    transaction: &mut Transaction,
    versions: &Versions,
    executor: ExecutorId,
    leases: &[Lease],
) -> Result<BTreeSet<Signal>, StoreError> {
    let deferred = defer_attempts(transaction, executor, leases).await?;
    let wanted = deferred
        .iter()
        .map(|attempt| (attempt.lease.tenant_id, attempt.version_id.into()));
    let pinned = versions.get(transaction, wanted).await?;
    let mut timers = Vec::new();
    let mut reports = Vec::new();
    for attempt in deferred {
        let spec = pinned[&attempt.version_id.into()].node(attempt.node);
        if let Some(answer) = attempt.answer {
            reports.push(report(attempt.lease, answer));
        } else if attempt.stopping {
            reports.push(Report {
                outcome: Outcome::Cancelled,
                ..fault(attempt.lease, "its run was stopped".to_owned())
            });
        } else if let Work::Endpoint(endpoint) = &spec.work
            && let Some(callback) = &endpoint.callback
        {
            timers.push(NewTimer {
                tenant_id: attempt.lease.tenant_id,
                run_id: attempt.lease.run_id,
                task_run_id: Some(attempt.lease.task_run_id),
                fence: Some(attempt.lease.fence),
                kind: TimerKind::CallbackDue,
                due: Due::AfterMs(callback.deadline_ms),
            });
        }
    }
    insert_timers(transaction, &timers).await?;
    let mut signals: BTreeSet<Signal> = timers
        .iter()
        .map(|timer| Signal::Ready(timer.tenant_id.partition()))
        .collect();
    if !reports.is_empty() {
        let owner = Owner {
            executor,
            called_back: true,
        };
        signals.extend(settle(transaction, versions, owner, reports).await?);
    }
    Ok(signals)
}
