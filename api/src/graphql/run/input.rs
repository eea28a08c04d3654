//! What callers say of runs.

use async_graphql::{Context, ID, InputObject, Result};
use serde_json::{Map, Value};
use waterclock_core::command::start_run::StartRun;
use waterclock_core::error::Refusal;
use waterclock_core::store::runs;
use waterclock_core::workflow::Draft;

use super::object::RunState;
use crate::graphql::listing::find;
use crate::graphql::scalar::{DateTime, Json};

/// A run that is to be started.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct StartRunInput {
    /// The key of the workflow; its published version is run.
    workflow: String,
    /// What the run is given: an object. What the workflow declares a default for may be left out.
    inputs: Option<Json>,
    /// 0 (last) to 9 (first); the version's when absent.
    priority: Option<i32>,
    /// The caller's name for this start, at most 255 bytes: made again under the same name within seven days, it answers the
    /// same run.
    idempotency_key: Option<String>,
}

/// Runs that are to be started together.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct StartRunsInput {
    /// The runs, at most 1,000.
    pub(crate) runs: Vec<StartRunInput>,
}

/// A run that is to stop.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CancelRunInput {
    /// The run.
    pub(crate) id: ID,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    pub(crate) reason: Option<String>,
}

/// The most bytes of a reason.
const LONGEST_REASON: usize = 1_000;

impl CancelRunInput {
    /// What is wrong with it, if something is.
    pub(crate) fn fault(&self) -> Option<Refusal> {
        let reason = self.reason.as_deref()?;
        if reason.len() > LONGEST_REASON {
            return Some(Refusal::invalid(
                ["reason"],
                format!("a reason has at most {LONGEST_REASON} bytes"),
            ));
        }
        unstorable(reason).then(|| Refusal::invalid(["reason"], "a reason cannot hold a NUL character"))
    }
}

impl StartRunInput {
    /// What the core is asked for, or what is wrong with it; `place` is where it stands among its like.
    pub(crate) fn request(self, place: usize) -> std::result::Result<StartRun, Vec<Refusal>> {
        let at = |field: &str| [place.to_string(), field.to_owned()];
        let mut faults = Vec::new();
        if unstorable(&self.workflow) {
            faults.push(Refusal::invalid(
                at("workflow"),
                "a key cannot hold a NUL character",
            ));
        }
        if self.idempotency_key.as_deref().is_some_and(unstorable) {
            faults.push(Refusal::invalid(
                at("idempotencyKey"),
                "an idempotency key cannot hold a NUL character",
            ));
        }
        let inputs = match self.inputs {
            Some(Json(Value::Object(inputs))) => inputs,
            None | Some(Json(Value::Null)) => Map::new(),
            Some(_) => {
                faults.push(Refusal::invalid(
                    at("inputs"),
                    "the inputs are an object: {\"name\": value}",
                ));
                Map::new()
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(StartRun {
            workflow: self.workflow,
            inputs,
            // What no priority can be is refused by the core, with those that are merely too high.
            priority: self
                .priority
                .map(|priority| i16::try_from(priority).unwrap_or(i16::MAX)),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// PostgreSQL cannot hold a NUL.
fn unstorable(text: &str) -> bool {
    text.contains('\0')
}

/// Narrows a list of runs; what is given must all hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct RunFilter {
    /// Those of the workflow with this key.
    workflow: Option<String>,
    /// Those in one of these states.
    states: Option<Vec<RunState>>,
    /// Those that were started with a token of this subject.
    started_by: Option<String>,
    /// Those created then or later.
    created_after: Option<DateTime>,
    /// Those created earlier.
    created_before: Option<DateTime>,
}

impl RunFilter {
    /// The runs that are meant; `None` when no run can be, because there is no such workflow.
    pub(crate) async fn resolve(self, context: &Context<'_>) -> Result<Option<runs::RunFilter>> {
        let workflow = match self.workflow {
            None => None,
            Some(key) => match find::<Draft>(context, &key).await? {
                Some(workflow) => Some(workflow.id),
                None => return Ok(None),
            },
        };
        Ok(Some(runs::RunFilter {
            workflow,
            states: self
                .states
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            started_by: self.started_by,
            created_from: self.created_after.map(|instant| instant.0),
            created_before: self.created_before.map(|instant| instant.0),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(inputs: Option<Value>) -> StartRunInput {
        StartRunInput {
            workflow: "w".into(),
            inputs: inputs.map(Json),
            priority: Some(70_000),
            idempotency_key: None,
        }
    }

    #[test]
    fn inputs_are_an_object_or_left_out() {
        assert_eq!(
            input(Some(json!({"a": 1}))).request(0).unwrap().inputs["a"],
            json!(1)
        );
        assert!(input(None).request(0).unwrap().inputs.is_empty());
        let faults = input(Some(json!([1]))).request(3).unwrap_err();
        assert_eq!(faults[0].path, ["3", "inputs"]);
    }

    #[test]
    fn a_priority_that_no_column_holds_is_left_to_be_refused() {
        assert_eq!(input(None).request(0).unwrap().priority, Some(i16::MAX));
    }
}
