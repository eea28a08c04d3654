//! What people are asked, and what was answered.

use async_graphql::SimpleObject;
use serde_json::Value;
use waterclock_core::explain;
use waterclock_core::store::task_runs::TaskRun as Record;
use waterclock_core::workflow;

use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::workflow::{Answer, ApprovalScope};

/// What a task run asks people, or asked.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Question {
    /// What is asked.
    #[graphql(name = "question")]
    text: String,
    /// A JSON Schema of what is to be filled in; nothing when absent.
    form: Option<Json>,
    /// The scope that whoever answers needs.
    scope: ApprovalScope,
    /// When the default counts; absent when it stands for ever, and once it was answered.
    deadline: Option<DateTime>,
    /// The answer when nobody gives one in time.
    default: Answer,
    /// Whether whoever started the run may not answer.
    bars_starter: bool,
    /// The answer; absent while there is none.
    answer: Option<GivenAnswer>,
}

/// The answer to a question.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct GivenAnswer {
    /// Yes or no.
    answer: Answer,
    /// The subject of the token that answered; nobody when the default counted.
    by: Option<String>,
    /// When.
    at: DateTime,
    /// What else there was to say.
    comment: Option<String>,
    /// What was filled in.
    form: Option<Json>,
}

impl Question {
    /// What the task run asks, which was read.
    pub(super) fn of(question: &explain::Question, task_run: &Record) -> Self {
        let spec = &question.spec;
        Self {
            text: question.text.clone(),
            form: spec.form.clone().map(Json),
            scope: ApprovalScope::of(&spec.scope),
            deadline: question.until.map(Into::into),
            default: spec.default.into(),
            bars_starter: spec.bars_starter,
            answer: GivenAnswer::of(task_run),
        }
    }
}

impl GivenAnswer {
    /// The answer is what its task run gave. One that ended otherwise, skipped or cancelled, has none.
    fn of(task_run: &Record) -> Option<Self> {
        let given = task_run.output.as_ref()?;
        let answer: workflow::Answer = given.get("answer")?.as_str()?.parse().ok()?;
        let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            answer: answer.into(),
            by: text("by"),
            at: task_run.finished_at?.into(),
            comment: text("comment"),
            form: given
                .get("form")
                .filter(|form| !form.is_null())
                .cloned()
                .map(Json),
        })
    }
}
