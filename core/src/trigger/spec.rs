//! A trigger as it is registered: what it waits for, what it lets through, and what the run is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::source::{Source, SourceProposal};
use crate::check::{Faults, Named};
use crate::expression::Expression;
use crate::given::check_given;
use crate::id::{TriggerId, WorkflowId};
use crate::registered::{Reference, Registrable};

/// What a trigger starts, and because of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerSpec {
    /// The workflow; its published version is run.
    #[serde(skip, default = "no_workflow")]
    pub workflow: WorkflowId,
    /// What it waits for.
    pub on: Source,
    /// The condition over what happened without which nothing starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What every run is given.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// Expressions over what happened that give a run the rest of its inputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub computed_inputs: BTreeMap<String, String>,
    /// 0 (last) to 9 (first); the version's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i16>,
}

/// The workflow is a column of its own, and is filled in from there.
fn no_workflow() -> WorkflowId {
    WorkflowId(Uuid::nil())
}

impl Registrable for TriggerSpec {
    type Id = TriggerId;

    const NOUN: &'static str = "trigger";
    const USERS: &'static str = "nothing";
}

/// A trigger as a caller wants it to be.
#[derive(Clone, Debug, Serialize)]
pub struct TriggerProposal {
    /// The workflow that it starts.
    pub workflow: Reference<WorkflowId>,
    /// What it waits for.
    pub on: SourceProposal,
    /// The condition over what happened without which nothing starts.
    pub filter: Option<String>,
    /// What every run is given.
    pub inputs: Map<String, Value>,
    /// Expressions that give the rest, by name.
    pub computed_inputs: Vec<Named>,
    /// 0 to 9.
    pub priority: Option<i32>,
}

impl TriggerProposal {
    /// Checks everything that needs no database, once it is known what the references lead to.
    pub fn check(
        &self,
        workflow: Option<WorkflowId>,
        watched: Option<WorkflowId>,
        faults: &mut Faults,
    ) -> Option<TriggerSpec> {
        let on = faults.within("on", |faults| self.on.check(watched, faults));
        if let Some(on) = &on {
            self.check_expressions(on, faults);
        }
        if let Some(priority) = self.priority.filter(|priority| !(0..=9).contains(priority)) {
            let message = format!("the priority is 0 to 9, not {priority}");
            faults.within("priority", |faults| faults.invalid(message));
        }
        let computed = self.computed_inputs.iter();
        Some(TriggerSpec {
            workflow: workflow?,
            on: on?,
            filter: self.filter.clone(),
            inputs: self.inputs.clone(),
            computed_inputs: computed
                .map(|input| (input.name.clone(), input.value.clone()))
                .collect(),
            priority: self.priority.and_then(|priority| priority.try_into().ok()),
        })
    }

    fn check_expressions(&self, on: &Source, faults: &mut Faults) {
        let scope = on.scope();
        if let Some(filter) = &self.filter {
            faults.within("filter", |faults| {
                if let Err(error) = Expression::condition(filter, &scope) {
                    faults.invalid(error.to_string());
                }
            });
        }
        check_given(&self.inputs, &self.computed_inputs, &scope, faults);
    }
}

#[cfg(test)]
mod tests {
    use super::super::signature::Scheme;
    use super::*;
    use crate::error::CommandError;
    use crate::run::RunState;

    fn proposal(on: SourceProposal) -> TriggerProposal {
        TriggerProposal {
            workflow: Reference::Key("w".to_owned()),
            on,
            filter: None,
            inputs: Map::new(),
            computed_inputs: Vec::new(),
            priority: None,
        }
    }

    fn places(proposal: &TriggerProposal) -> Vec<String> {
        let mut faults = Faults::default();
        let some = Some(WorkflowId::generate());
        proposal.check(some, some, &mut faults);
        match faults.into_result() {
            Err(CommandError::Refused(refusals)) => {
                refusals.iter().map(|refusal| refusal.path.join(".")).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn each_source_has_names_of_its_own_and_a_misspelt_one_is_refused() {
        let ended = SourceProposal::RunEnded {
            workflow: Reference::Key("a".to_owned()),
            states: vec![RunState::Succeeded],
            same_period: true,
        };
        let event = SourceProposal::Event {
            name: "paid".to_owned(),
            key: None,
        };
        let webhook = SourceProposal::Webhook {
            scheme: Scheme::GitHub,
            tolerance_ms: 1_000,
        };
        for (on, right, wrong) in [
            (
                ended,
                "upstream.outputs.rows > 0 && occurrence.date != ''",
                "upstream.output == 1",
            ),
            (event, "event.payload.amount > 100", "event.amount > 100"),
            (
                webhook,
                "request.headers['x-github-event'] == 'push'",
                "event.name == 'push'",
            ),
        ] {
            let mut proposal = proposal(on);
            proposal.filter = Some(right.to_owned());
            assert_eq!(places(&proposal), [""; 0], "{right}");
            proposal.filter = Some(wrong.to_owned());
            assert_eq!(places(&proposal), ["filter"], "{wrong}");
        }
    }

    #[test]
    fn what_can_never_happen_is_refused() {
        let states = |states: Vec<RunState>| {
            proposal(SourceProposal::RunEnded {
                workflow: Reference::Key("a".to_owned()),
                states,
                same_period: false,
            })
        };
        assert_eq!(places(&states(Vec::new())), ["on.runEnded.states"]);
        let running = vec![RunState::Failed, RunState::Running];
        assert_eq!(places(&states(running)), ["on.runEnded.states.1"]);
        let nameless = SourceProposal::Event {
            name: String::new(),
            key: None,
        };
        assert_eq!(places(&proposal(nameless)), ["on.event.name"]);
        let untimely = SourceProposal::Webhook {
            scheme: Scheme::Standard,
            tolerance_ms: 0,
        };
        assert_eq!(places(&proposal(untimely)), ["on.webhook.tolerance"]);
    }
}
