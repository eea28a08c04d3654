//! Answering what task runs ask.

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::command::answer_approval::{ApprovalAnswer, answer_approval};
use waterclock_core::id::TaskRunId;
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, Versions};

use super::object::TaskRun;
use crate::auth::Scope;
use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::Json;
use crate::graphql::workflow::Answer;

/// Answers the question of an approval.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct AnswerApprovalInput {
    /// The task run that asks.
    id: ID,
    /// Yes or no.
    answer: Answer,
    /// What the question's form asks for, an object; a rejection need not fill it in.
    form: Option<Json>,
    /// What else there is to say, at most 4,000 bytes; why not, when it is rejected.
    comment: Option<String>,
}

payload! {
    /// What became of `answerApproval`.
    AnswerApprovalPayload {
        /// The task run, if this answer was taken.
        task_run: TaskRun
    }
}

/// Answering what task runs ask.
#[derive(Default)]
pub(crate) struct TaskRunMutation;

#[Object]
impl TaskRunMutation {
    /// Answers the question that a task run waits for, once: whatever waits for the task run goes on. Needs the scope that the
    /// question names, and at least `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn answer_approval(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The answer.")] input: AnswerApprovalInput,
    ) -> Result<AnswerApprovalPayload> {
        let id: TaskRunId = of_kind(Kind::TaskRun, &input.id);
        let scopes = caller(context)?.scopes;
        let answer = ApprovalAnswer {
            answer: input.answer.into(),
            form: input.form.map(|form| form.0),
            comment: input.comment,
        };
        let answered = answer_approval(
            context.data::<Database>()?,
            context.data::<Signals>()?,
            context.data::<Versions>()?,
            &author(context)?,
            id,
            &answer,
            |word| Scope::from_word(word).is_some_and(|scope| scopes.allows(scope)),
        )
        .await;
        AnswerApprovalPayload::of(answered, |_| TaskRun::new(id))
    }
}
