//! What a node does, as a caller proposes it.
//!
//! A node uses a task node, or the service does its work itself. A caller gives each kind of work in a field of its own, and
//! exactly one of them; which one is a rule of the whole node, so that everything else about it is checked all the same.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::deadline::check_wait;
use crate::check::{Faults, Named, check_key, check_named, check_text_template, quoted};
use crate::id::TaskNodeId;
use crate::registered::Reference;
use crate::workflow::{ApprovalSpec, BranchSpec, NodeWork, SubWorkflowSpec, WaitSpec};

use super::TaskNodes;

/// The most inputs that a sub-workflow is given.
const MOST_INPUTS: usize = 100;
/// The most cases of a branch.
const MOST_CASES: usize = 1_000;
/// The most nodes that a case leads to.
const MOST_SUCCESSORS: usize = 10_000;
/// The most bytes of a question.
const LONGEST_QUESTION: usize = 4 * 1024;
/// The most bytes of a form as JSON.
const LARGEST_FORM: usize = 32 * 1024;
/// The most bytes of an event's name.
const LONGEST_EVENT: usize = 127;
/// The scopes that may be asked of whoever answers.
const SCOPES: [&str; 3] = ["operator", "developer", "admin"];

/// What a caller wants a node to do.
#[derive(Clone, Debug, Serialize)]
pub enum NodeWorkProposal {
    /// What this task node does.
    TaskNode(Reference<TaskNodeId>),
    /// Runs another workflow.
    Workflow(SubWorkflowProposal),
    /// Chooses which of the nodes that wait for it run.
    Branch(BranchSpec),
    /// Asks people.
    Approval(ApprovalSpec),
    /// Waits.
    Wait(WaitSpec),
}

/// A workflow that a caller wants to be run within another.
#[derive(Clone, Debug, Serialize)]
pub struct SubWorkflowProposal {
    /// Its key.
    pub key: String,
    /// Expressions that give its inputs.
    pub inputs: Vec<Named>,
}

impl NodeWorkProposal {
    /// The field of the node that it is given in.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::TaskNode(_) => "taskNode",
            Self::Workflow(_) => "workflow",
            Self::Branch(_) => "branch",
            Self::Approval(_) => "approval",
            Self::Wait(_) => "wait",
        }
    }

    /// Checks everything that can be seen from it alone. `None` when it uses a task node that does not exist.
    pub(super) fn check(&self, task_nodes: &TaskNodes, faults: &mut Faults) -> Option<NodeWork> {
        faults.within(self.field(), |faults| match self {
            Self::TaskNode(reference) => check_task_node(reference, task_nodes, faults),
            Self::Workflow(proposal) => Some(NodeWork::Workflow(proposal.check(faults))),
            Self::Branch(branch) => {
                check_branch(branch, faults);
                Some(NodeWork::Branch(branch.clone()))
            }
            Self::Approval(approval) => {
                check_approval(approval, faults);
                Some(NodeWork::Approval(approval.clone()))
            }
            Self::Wait(wait) => {
                check_wait_spec(wait, faults);
                Some(NodeWork::Wait(wait.clone()))
            }
        })
    }
}

fn check_task_node(
    reference: &Reference<TaskNodeId>,
    task_nodes: &TaskNodes,
    faults: &mut Faults,
) -> Option<NodeWork> {
    let found = task_nodes.get(reference);
    if found.is_none() {
        match reference {
            Reference::Key(key) => {
                faults.missing(format!("there is no task node with the key {}", quoted(key)));
            }
            Reference::Id(_) => faults.missing("there is no task node with that id"),
        }
    }
    found.copied().map(NodeWork::TaskNode)
}

impl SubWorkflowProposal {
    fn check(&self, faults: &mut Faults) -> SubWorkflowSpec {
        faults.within("key", |faults| check_key(faults, &self.key));
        let inputs = check_expressions("inputs", &self.inputs, MOST_INPUTS, faults);
        SubWorkflowSpec {
            key: self.key.clone(),
            inputs,
        }
    }
}

/// Checks expressions under names and makes a map of them.
pub(super) fn check_expressions(
    list: &str,
    named: &[Named],
    most: usize,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    check_named(faults, list, named, most, str::to_owned, |faults, entry| {
        faults.within("name", |faults| super::check_name_of_value(faults, &entry.name));
        faults.within("value", |faults| check_expression(faults, &entry.value));
    })
}

/// Checks that an expression can be stored. What it says is seen from the whole workflow.
pub(super) fn check_expression(faults: &mut Faults, source: &str) {
    if source.contains('\0') {
        faults.invalid("the expression holds a NUL character, which cannot be stored");
    }
}

fn check_branch(branch: &BranchSpec, faults: &mut Faults) {
    if branch.cases.is_empty() {
        let message = "a branch has at least one case; without any, an edge says the same";
        faults.within("cases", |faults| faults.invalid(message));
    }
    faults.each("cases", &branch.cases, MOST_CASES, |faults, case| {
        faults.within("when", |faults| check_expression(faults, &case.when));
        if case.then.is_empty() {
            let message = "a case leads to at least one node; leave out a case that leads nowhere";
            faults.within("then", |faults| faults.invalid(message));
        }
        check_successors("then", &case.then, faults);
    });
    check_successors("otherwise", &branch.otherwise, faults);
}

/// Whether they are nodes that wait for the branch is seen from the graph.
fn check_successors(list: &str, keys: &[String], faults: &mut Faults) {
    let mut seen = HashSet::new();
    faults.each(list, keys, MOST_SUCCESSORS, |faults, key| {
        if !seen.insert(key.clone()) {
            faults.invalid(format!("{} is named twice", quoted(key)));
        }
    });
}

fn check_approval(approval: &ApprovalSpec, faults: &mut Faults) {
    faults.within("question", |faults| {
        check_text_template(faults, &approval.question, LONGEST_QUESTION);
    });
    if !SCOPES.contains(&approval.scope.as_str()) {
        let message = format!(
            "whoever answers has the scope {}, not {}",
            SCOPES.join(", "),
            quoted(&approval.scope)
        );
        faults.within("scope", |faults| faults.invalid(message));
    }
    if let Some(form) = &approval.form {
        faults.within("form", |faults| check_form(form, faults));
    }
    if let Some(deadline) = approval.deadline_ms {
        faults.within("deadline", |faults| check_wait(faults, "the deadline", deadline));
    }
}

/// A form is a JSON Schema that needs nothing from elsewhere.
fn check_form(form: &Value, faults: &mut Faults) {
    let text = form.to_string();
    if text.len() > LARGEST_FORM {
        let message = format!(
            "the form takes {} bytes; at most {LARGEST_FORM} are taken",
            text.len()
        );
        faults.exceeded(LARGEST_FORM, message);
        return;
    }
    if text.contains("\\u0000") {
        faults.invalid("the form holds a NUL character, which cannot be stored");
    }
    if !form.is_object() {
        faults.invalid(
            "the form is a JSON Schema: an object such as {\"type\": \"object\", \"properties\": {…}}",
        );
    } else if let Err(error) = jsonschema::validator_for(form) {
        faults.invalid(format!("the form is not a JSON Schema: {error}"));
    }
}

fn check_wait_spec(wait: &WaitSpec, faults: &mut Faults) {
    match wait {
        WaitSpec::Duration { for_ms } => {
            faults.within("duration", |faults| check_wait(faults, "the wait", *for_ms));
        }
        WaitSpec::Instant { at } => faults.within("until", |faults| check_expression(faults, at)),
        WaitSpec::Event {
            name,
            key,
            deadline_ms,
        } => faults.within("event", |faults| {
            faults.within("name", |faults| check_event_name(faults, name));
            if let Some(key) = key {
                faults.within("key", |faults| check_expression(faults, key));
            }
            if let Some(deadline) = deadline_ms {
                faults.within("deadline", |faults| check_wait(faults, "the deadline", *deadline));
            }
        }),
    }
}

fn check_event_name(faults: &mut Faults, name: &str) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_EVENT || !name.bytes().all(allowed) {
        let told = quoted(name);
        faults.invalid(format!(
            "{told} is not the name of an event: 1 to {LONGEST_EVENT} letters, digits and `-_./:`"
        ));
    }
}
