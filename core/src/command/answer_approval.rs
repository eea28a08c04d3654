//! Answers the question of an approval on behalf of a person.

use serde_json::{Value, json};

use super::Author;
use super::cancel_run::hold_live_run;
use super::flow::{EndedTaskRun, Flow, Hand};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TaskRunId};
use crate::run::{Hold, TaskRunState};
use crate::signal::Signals;
use crate::store::flow::{LiveTaskRun, list_held_task_runs, read_run_facts};
use crate::store::task_runs::find_run_of;
use crate::store::{Actor, Database, StoreError, Transaction, Versions};
use crate::workflow::{Answer, ApprovalSpec, InputSchema, Work};

/// The most bytes of a comment.
const LONGEST_COMMENT: usize = 4_000;

/// What a person answers.
#[derive(Clone, Debug)]
pub struct ApprovalAnswer {
    /// Yes or no.
    pub answer: Answer,
    /// What was filled in; an object.
    pub form: Option<Value>,
    /// What else there is to say.
    pub comment: Option<String>,
}

/// Answers the question that `task_run` waits for. `may` tells whether the person has a scope. When this returns, the answer is
/// durable, and whatever waits for it goes on.
///
/// A task run that waits for no answer, a scope that is not enough, whoever started the run where the node bars them, and a form
/// that does not fit are refused.
pub async fn answer_approval(
    database: &Database,
    signals: &Signals,
    versions: &Versions,
    author: &Author,
    task_run: TaskRunId,
    answer: &ApprovalAnswer,
    may: impl Fn(&str) -> bool,
) -> Result<RunId, CommandError> {
    if answer
        .comment
        .as_deref()
        .is_some_and(|comment| comment.len() > LONGEST_COMMENT || comment.contains('\0'))
    {
        let message = format!("a comment has at most {LONGEST_COMMENT} bytes and no NUL character");
        return Err(CommandError::refused(Refusal::invalid(["comment"], message)));
    }
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let answered = answer_held(&mut transaction, versions, author, task_run, answer, may).await;
    match answered {
        Ok((run, raised)) => {
            transaction.commit().await?;
            signals.raise(raised);
            Ok(run)
        }
        Err(CommandError::Store(error)) => Err(error.into()),
        Err(refused) => {
            transaction.rollback().await?;
            Err(refused)
        }
    }
}

async fn answer_held(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    task_run: TaskRunId,
    answer: &ApprovalAnswer,
    may: impl Fn(&str) -> bool,
) -> Result<(RunId, std::collections::BTreeSet<crate::signal::Signal>), CommandError> {
    let tenant = author.tenant;
    let unknown = || CommandError::refused(Refusal::not_found(["id"], "there is no task run with this id"));
    let run = find_run_of(transaction, tenant, task_run)
        .await?
        .ok_or_else(unknown)?;
    let held = hold_live_run(transaction, tenant, run).await?;
    let pinned = versions
        .get(transaction, [(tenant, held.version_id.into())])
        .await?;
    let hand = Hand::of(&held, &pinned);
    let live = list_held_task_runs(transaction, &[(tenant, task_run)]).await?;
    let waits = |live: &&LiveTaskRun| live.hold == Some(Hold::Approval);
    let Some(live) = live.first().filter(waits) else {
        let refusal = Refusal::new(RefusalCode::Conflict, ["id"], "the task run waits for no answer");
        return Err(CommandError::refused(refusal));
    };
    let Work::Approval(approval) = &hand.version.node(live.node).work else {
        let what = format!("the node of the task run {task_run}, which waits for an answer");
        return Err(StoreError::Unreadable(what).into());
    };
    let facts = read_run_facts(transaction, tenant, run).await?;
    refuse_unfit(approval, author, &facts.started_by, answer, may)?;
    let output = json!({
        "answer": answer.answer.as_str(), "by": &*author.subject, "form": answer.form, "comment": answer.comment,
    });
    let (state, reason) = match answer.answer {
        Answer::Approve => (TaskRunState::Succeeded, None),
        Answer::Reject => {
            let by = &author.subject;
            let told = match &answer.comment {
                Some(comment) => format!("rejected by {by}: {comment}"),
                None => format!("rejected by {by}"),
            };
            (TaskRunState::Failed, Some(told))
        }
    };
    let end = EndedTaskRun {
        run_id: run,
        node: live.node,
        task_run_id: task_run,
        is_share: live.item.is_some(),
        state,
        reason: reason.as_deref(),
    };
    let mut flow = Flow::new(versions, [hand.clone()]);
    flow.end(end, Some(output));
    Ok((run, flow.advance(transaction).await?))
}

fn refuse_unfit(
    approval: &ApprovalSpec,
    author: &Author,
    started_by: &str,
    answer: &ApprovalAnswer,
    may: impl Fn(&str) -> bool,
) -> Result<(), CommandError> {
    let mut refusals = Vec::new();
    if !may(&approval.scope) {
        let message = format!(
            "this question is answered by people with the scope {}",
            approval.scope
        );
        refusals.push(Refusal::new(RefusalCode::Conflict, ["id"], message));
    }
    if approval.bars_starter && started_by == &*author.subject {
        let message = "whoever started the run may not answer this question; somebody else must";
        refusals.push(Refusal::new(RefusalCode::Conflict, ["id"], message));
    }
    // A rejection need not fill in what only an approval is about.
    if let Some(form) = approval
        .form
        .as_ref()
        .filter(|_| answer.answer == Answer::Approve)
    {
        let given = answer.form.clone().unwrap_or_else(|| json!({}));
        match InputSchema::parse(form) {
            Ok(schema) => refusals.extend(schema.check(&given).into_iter().map(|fault| {
                let mut path = vec!["form".to_owned()];
                path.extend(fault.path);
                Refusal::invalid(path, fault.message)
            })),
            Err(error) => {
                return Err(StoreError::Unreadable(format!("the form of a question: {error}")).into());
            }
        }
    }
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(CommandError::Refused(refusals))
    }
}
