//! A workflow as a caller proposes it, and its way to a [`Draft`].

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::draft::{DEFAULT_PRIORITY, MOST_EDGES, MOST_NODES};
use super::{
    Conduct, Draft, DraftNode, Edge, Graph, GraphFault, InputSpec, InputType, NodeWork, TriggerRule,
};
use crate::check::{Faults, check_key, check_range, check_text, quoted};
use crate::error::RefusalCode;
use crate::id::TaskNodeId;
use crate::registered::Reference;
use crate::task_node::SettingsProposal;

/// The most inputs that a workflow may declare.
const MOST_INPUTS: usize = 100;
/// The most bytes of an input's description, and of its default as JSON.
const LONGEST_INPUT: usize = 4 * 1024;

/// What a caller wants the next version of a workflow to hold.
#[derive(Clone, Debug, Serialize)]
pub struct WorkflowProposal {
    /// The nodes.
    pub nodes: Vec<NodeProposal>,
    /// Who waits for whom.
    pub edges: Vec<EdgeProposal>,
    /// What a run may be given.
    pub inputs: Vec<InputProposal>,
    /// The priority of runs that name none, 0 (last) to 9 (first).
    pub priority: Option<i32>,
    /// Whether the version is made at once, together with the draft.
    pub publish: bool,
}

/// A node as a caller gives it.
#[derive(Clone, Debug, Serialize)]
pub struct NodeProposal {
    /// Its name within the workflow.
    pub key: String,
    /// The task node that it uses.
    pub task_node: Reference<TaskNodeId>,
    /// What it says beyond its task node.
    pub settings: SettingsProposal,
}

/// An edge as a caller gives it: the keys of two nodes.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeProposal {
    /// The node that comes first.
    pub from: String,
    /// The node that waits for it.
    pub to: String,
}

/// An input as a caller declares it.
#[derive(Clone, Debug, Serialize)]
pub struct InputProposal {
    /// Its name.
    pub name: String,
    /// What kind of value it is, whether it is needed, and what it is otherwise.
    pub spec: InputSpec,
}

impl WorkflowProposal {
    /// Checks everything that needs no more than the task nodes which the proposal names, and gives the draft when
    /// nothing is wrong with it.
    pub fn check(
        &self,
        task_nodes: &HashMap<Reference<TaskNodeId>, TaskNodeId>,
        faults: &mut Faults,
    ) -> Option<Draft> {
        let priority = self.priority.unwrap_or(i32::from(DEFAULT_PRIORITY));
        faults.within("priority", |faults| {
            check_range(faults, "the priority", priority.into(), 0..=9);
        });
        let inputs = self.check_inputs(faults);
        let mut nodes = Vec::with_capacity(self.nodes.len());
        faults.each("nodes", &self.nodes, MOST_NODES, |faults, node| {
            nodes.extend(node.check(task_nodes, faults));
        });
        let edges = self.check_graph(faults)?;
        let complete = nodes.len() == self.nodes.len();
        complete.then(|| Draft {
            nodes,
            edges,
            inputs,
            priority: priority.try_into().unwrap_or(DEFAULT_PRIORITY),
            conduct: Conduct::default(),
        })
    }

    fn check_graph(&self, faults: &mut Faults) -> Option<Vec<Edge>> {
        if self.edges.len() > MOST_EDGES {
            let message = format!(
                "{} edges are given; a workflow has at most {MOST_EDGES}",
                self.edges.len()
            );
            faults.within("edges", |faults| faults.exceeded(MOST_EDGES, message));
            return None;
        }
        if self.nodes.len() > MOST_NODES {
            return None;
        }
        let keys: Vec<&str> = self.nodes.iter().map(|node| node.key.as_str()).collect();
        let edges: Vec<(&str, &str)> = self
            .edges
            .iter()
            .map(|edge| (edge.from.as_str(), edge.to.as_str()))
            .collect();
        Graph::check(&keys, &edges)
            .map_err(|found| found.into_iter().for_each(|fault| tell(fault, faults)))
            .ok()
    }

    fn check_inputs(&self, faults: &mut Faults) -> BTreeMap<String, InputSpec> {
        let mut inputs = BTreeMap::new();
        faults.each("inputs", &self.inputs, MOST_INPUTS, |faults, input| {
            input.check(faults);
            if inputs.insert(input.name.clone(), input.spec.clone()).is_some() {
                let told = quoted(&input.name);
                faults.within("name", |faults| {
                    faults.invalid(format!("{told} is declared twice"));
                });
            }
        });
        inputs
    }
}

impl NodeProposal {
    fn check(
        &self,
        task_nodes: &HashMap<Reference<TaskNodeId>, TaskNodeId>,
        faults: &mut Faults,
    ) -> Option<DraftNode> {
        faults.within("key", |faults| check_key(faults, &self.key));
        // Whether the task node runs a program is seen when the draft is resolved.
        let settings = self.settings.check(true, faults);
        let Some(&task_node) = task_nodes.get(&self.task_node) else {
            faults.within("taskNode", |faults| match &self.task_node {
                Reference::Key(key) => {
                    faults.missing(format!("there is no task node with the key {}", quoted(key)));
                }
                Reference::Id(_) => faults.missing("there is no task node with that id"),
            });
            return None;
        };
        Some(DraftNode {
            key: self.key.clone(),
            work: NodeWork::TaskNode(task_node),
            settings,
            trigger_rule: TriggerRule::default(),
            condition: None,
            disabled: false,
            spread: None,
        })
    }
}

impl InputProposal {
    fn check(&self, faults: &mut Faults) {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let begins_well = self
            .name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if !begins_well || self.name.len() > 63 || !self.name.bytes().all(inner) {
            let told = quoted(&self.name);
            faults.within("name", |faults| {
                faults.invalid(format!(
                    "{told} is not the name of an input: 1 to 63 letters, digits, `_` and `-`"
                ));
            });
        }
        faults.within("description", |faults| {
            check_text(faults, &self.spec.description, LONGEST_INPUT);
        });
        if let Some(default) = &self.spec.default {
            faults.within("default", |faults| {
                check_default(faults, self.spec.r#type, default);
            });
        }
    }
}

fn check_default(faults: &mut Faults, kind: InputType, default: &Value) {
    if !kind.fits(default) {
        faults.invalid(format!("the default is not of the type {kind:?}"));
    }
    let text = default.to_string();
    if text.len() > LONGEST_INPUT {
        faults.exceeded(
            LONGEST_INPUT,
            format!(
                "the default takes {} bytes; at most {LONGEST_INPUT} are taken",
                text.len()
            ),
        );
    }
    if text.contains("\\u0000") {
        faults.invalid("the default holds a NUL character, which cannot be stored");
    }
}

/// Notes a fault of the graph at the place in the input that it comes from.
fn tell(fault: GraphFault, faults: &mut Faults) {
    let message = fault.to_string();
    match fault {
        GraphFault::Empty => faults.within("nodes", |faults| faults.invalid(message)),
        GraphFault::DuplicateKey { node, .. } => {
            faults.within("nodes", |faults| {
                faults.within(&node, |faults| {
                    faults.within("key", |faults| faults.invalid(message));
                });
            });
        }
        GraphFault::UnknownNode { edge, is_from, .. } => {
            let end = if is_from { "from" } else { "to" };
            faults.within("edges", |faults| {
                faults.within(&edge, |faults| {
                    faults.within(end, |faults| faults.missing(message));
                });
            });
        }
        GraphFault::SelfEdge { edge, .. } | GraphFault::DuplicateEdge { edge, .. } => {
            faults.within("edges", |faults| {
                faults.within(&edge, |faults| faults.invalid(message));
            });
        }
        GraphFault::Cycle { cycle } => {
            faults.within("edges", |faults| {
                faults.tell(RefusalCode::Cycle { cycle }, message);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{CommandError, Refusal};

    fn proposal(nodes: &[&str], edges: &[(&str, &str)]) -> WorkflowProposal {
        let node = |key: &&str| NodeProposal {
            key: (*key).to_owned(),
            task_node: Reference::Key("known".to_owned()),
            settings: SettingsProposal::default(),
        };
        let edge = |&(from, to): &(&str, &str)| EdgeProposal {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        WorkflowProposal {
            nodes: nodes.iter().map(node).collect(),
            edges: edges.iter().map(edge).collect(),
            inputs: Vec::new(),
            priority: None,
            publish: false,
        }
    }

    fn refusals(proposal: &WorkflowProposal) -> Vec<Refusal> {
        let known = HashMap::from([(Reference::Key("known".to_owned()), TaskNodeId::generate())]);
        let mut faults = Faults::default();
        let draft = proposal.check(&known, &mut faults);
        if let Err(CommandError::Refused(refusals)) = faults.into_result() {
            return refusals;
        }
        assert!(draft.is_some());
        Vec::new()
    }

    #[test]
    fn a_graph_becomes_a_draft_with_the_default_priority() {
        assert_eq!(refusals(&proposal(&["a", "b"], &[("a", "b")])), []);
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let mut faulty = proposal(&["a", "B", "a"], &[("a", "x"), ("y", "a"), ("a", "a")]);
        faulty.nodes[1].task_node = Reference::Key("unknown".to_owned());
        faulty.nodes[0].settings.cost = Some(0);
        faulty.priority = Some(-1);
        let spec = InputSpec {
            r#type: InputType::Integer,
            required: false,
            default: Some(Value::from("one")),
            description: String::new(),
        };
        faulty.inputs = vec![InputProposal {
            name: "a b".to_owned(),
            spec,
        }];
        let told: Vec<_> = refusals(&faulty)
            .iter()
            .map(|refusal| refusal.path.join("."))
            .collect();
        let wanted = [
            "priority",
            "inputs.0.name",
            "inputs.0.default",
            "nodes.0.cost",
            "nodes.1.key",
            "nodes.1.taskNode",
            "nodes.2.key",
            "edges.0.to",
            "edges.1.from",
            "edges.2",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_cycle_is_told_with_its_nodes_in_order() {
        let found = refusals(&proposal(&["a", "b", "c"], &[("a", "b"), ("b", "c"), ("c", "a")]));
        let cycle = ["a", "b", "c", "a"].map(str::to_owned).to_vec();
        assert_eq!(found[0].code, RefusalCode::Cycle { cycle });
    }

    #[test]
    fn more_edges_than_the_bound_are_refused_with_the_bound() {
        let found = refusals(&proposal(&["a", "b"], &vec![("a", "b"); MOST_EDGES + 1]));
        assert_eq!(found[0].code, RefusalCode::QuotaExceeded { limit: 100_000 });
        assert_eq!(found[0].path, ["edges"]);
    }
}
