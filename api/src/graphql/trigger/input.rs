//! What callers say of triggers.

use async_graphql::{ID, InputObject};
use waterclock_core::command::register::New;
use waterclock_core::command::revise::Edit;
use waterclock_core::error::CommandError;
use waterclock_core::trigger::spec::TriggerProposal;

use super::source::TriggerSourceInput;
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::named::named;
use crate::graphql::reference::ReferenceInput;
use crate::graphql::scalar::Json;
use crate::graphql::schedule::object;
use crate::graphql::workflow::NamedExpressionInput;

/// What a trigger is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct TriggerFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// The workflow that it starts; its published version is run.
    workflow: ReferenceInput,
    /// What it waits for.
    on: TriggerSourceInput,
    /// The condition over what happened without which nothing starts, in CEL. One that reads what is not there is a fault of the firing, and
    /// not false: `has()` asks.
    filter: Option<String>,
    /// What every run is given: an object.
    inputs: Option<Json>,
    /// Expressions over what happened that give a run the rest of its inputs.
    computed_inputs: Option<Vec<NamedExpressionInput>>,
    /// 0 (last) to 9 (first); the version's when absent.
    priority: Option<i32>,
}

/// Makes a trigger.
#[derive(Clone, InputObject)]
pub(crate) struct CreateTriggerInput {
    /// Its name among people: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    key: String,
    /// The caller's name for this call: made again under the same name, it answers the same, but for the secret.
    idempotency_key: Option<String>,
    /// What calls of its webhook are signed with; one is made when it is left out. `rotateWebhookSecret` puts another in its place.
    pub(crate) secret: Option<String>,
    /// What it is.
    #[graphql(flatten)]
    fields: TriggerFields,
}

/// Replaces a trigger as a whole: what is left out takes its default. Its key stays, and whether it is paused, and its secret.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct UpdateTriggerInput {
    /// What to replace.
    id: ID,
    /// The revision that the caller has read; another one is a conflict.
    expected_revision: i32,
    /// What it is to be.
    #[graphql(flatten)]
    fields: TriggerFields,
}

impl TriggerFields {
    fn propose(self) -> Result<(String, TriggerProposal), CommandError> {
        let proposal = TriggerProposal {
            workflow: self.workflow.resolve(Kind::Workflow),
            on: self.on.into(),
            filter: self.filter,
            inputs: object(self.inputs)?,
            computed_inputs: named(self.computed_inputs),
            priority: self.priority,
        };
        Ok((self.description, proposal))
    }
}

impl CreateTriggerInput {
    /// What the core is asked for.
    pub(crate) fn request(self) -> Result<New<TriggerProposal>, CommandError> {
        let (description, proposal) = self.fields.propose()?;
        Ok(New {
            key: self.key,
            description,
            proposal,
            idempotency_key: self.idempotency_key,
        })
    }
}

impl UpdateTriggerInput {
    /// What the core is asked for.
    pub(crate) fn request(self) -> Result<Edit<TriggerProposal>, CommandError> {
        let (description, proposal) = self.fields.propose()?;
        Ok(Edit {
            id: of_kind(Kind::Trigger, &self.id),
            expected_revision: self.expected_revision,
            description,
            proposal,
        })
    }
}
