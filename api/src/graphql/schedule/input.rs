//! What callers say of schedules.

use async_graphql::{ID, InputObject};
use serde_json::{Map, Value};
use waterclock_core::command::register::New;
use waterclock_core::command::revise::Edit;
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::schedule::spec::ScheduleProposal;

use super::policy::{SchedulePoliciesInput, SchedulePreset};
use super::timing::ScheduleTimingInput;
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::named::named;
use crate::graphql::reference::ReferenceInput;
use crate::graphql::scalar::Json;
use crate::graphql::workflow::NamedExpressionInput;

/// What a schedule is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ScheduleFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// The workflow that it starts; its published version is run.
    workflow: ReferenceInput,
    /// When its occurrences are due.
    timing: ScheduleTimingInput,
    /// The scheduler whose policies it takes over; what `policies` says goes before.
    preset: Option<SchedulePreset>,
    /// What becomes of occurrences once they are due.
    policies: Option<SchedulePoliciesInput>,
    /// What every run is given: an object.
    inputs: Option<Json>,
    /// Expressions that give a run the rest of its inputs. They read `occurrence`: its `instant`, `date`, `businessDate` and
    /// `dataInterval`.
    computed_inputs: Option<Vec<NamedExpressionInput>>,
    /// 0 (last) to 9 (first); the version's when absent.
    priority: Option<i32>,
    /// With the overlap scope `KEY`: the expression over the occurrence that gives the key.
    overlap_key: Option<String>,
    /// After so many runs in a row that ended without success, the schedule pauses; never when absent.
    pause_after_failures: Option<i32>,
}

/// Makes a schedule.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CreateScheduleInput {
    /// Its name among people: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    key: String,
    /// The caller's name for this call: made again under the same name, it answers the same.
    idempotency_key: Option<String>,
    /// Whether it names occurrences from now on; else it is stopped until somebody starts it.
    #[graphql(default = true)]
    pub(crate) start: bool,
    /// What it is.
    #[graphql(flatten)]
    fields: ScheduleFields,
}

/// Replaces a schedule as a whole: what is left out takes its default. Its key stays, and whether it is started.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct UpdateScheduleInput {
    /// What to replace.
    id: ID,
    /// The revision that the caller has read; another one is a conflict.
    expected_revision: i32,
    /// What it is to be.
    #[graphql(flatten)]
    fields: ScheduleFields,
}

/// The object that a caller gives; nothing is an empty one.
pub(crate) fn object(given: Option<Json>) -> Result<Map<String, Value>, CommandError> {
    match given {
        Some(Json(Value::Object(object))) => Ok(object),
        None | Some(Json(Value::Null)) => Ok(Map::new()),
        Some(_) => {
            let message = "the inputs are an object: {\"name\": value}";
            Err(CommandError::refused(Refusal::invalid(["inputs"], message)))
        }
    }
}

impl ScheduleFields {
    fn propose(self) -> Result<(String, ScheduleProposal), CommandError> {
        let proposal = ScheduleProposal {
            workflow: self.workflow.resolve(Kind::Workflow),
            timing: self.timing.into(),
            policies: self.policies.unwrap_or_default().over(self.preset),
            inputs: object(self.inputs)?,
            computed_inputs: named(self.computed_inputs),
            priority: self.priority,
            overlap_key: self.overlap_key,
            pause_after_failures: self.pause_after_failures,
        };
        Ok((self.description, proposal))
    }
}

impl CreateScheduleInput {
    /// What the core is asked for.
    pub(crate) fn request(self) -> Result<New<ScheduleProposal>, CommandError> {
        let (description, proposal) = self.fields.propose()?;
        Ok(New {
            key: self.key,
            description,
            proposal,
            idempotency_key: self.idempotency_key,
        })
    }
}

impl UpdateScheduleInput {
    /// What the core is asked for.
    pub(crate) fn request(self) -> Result<Edit<ScheduleProposal>, CommandError> {
        let (description, proposal) = self.fields.propose()?;
        Ok(Edit {
            id: of_kind(Kind::Schedule, &self.id),
            expected_revision: self.expected_revision,
            description,
            proposal,
        })
    }
}
