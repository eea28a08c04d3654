//! A workflow as a caller proposes it, and its way to a [`Draft`].

mod conduct;
mod deadline;
mod node_work;
mod spread;

pub use conduct::ConductProposal;
pub use node_work::{NodeWorkProposal, SubWorkflowProposal};
pub use spread::{ShardingProposal, SpreadProposal};

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use node_work::check_expression;

use super::coherence::Whole;
use super::draft::{self, Catalogue, DEFAULT_PRIORITY};
use super::graph::{Checked, GraphFault, Vertex, check};
use super::{
    Conduct, Draft, DraftNode, Edge, InputSchema, InputSpec, InputType, NodeWork, Spread, TriggerRule,
};
use crate::check::{Faults, Severity, check_key, check_range, check_text, holds_nul, quoted};
use crate::error::RefusalCode;
use crate::id::TaskNodeId;
use crate::registered::Reference;
use crate::task_node::SettingsProposal;

/// The most inputs that a workflow may declare.
const MOST_INPUTS: usize = 100;
/// The most bytes of an input's description, and of its default as JSON.
const LONGEST_INPUT: usize = 4 * 1024;
/// The most names that a node may require, and the most that it may produce.
const MOST_NAMES: usize = 1_000;
/// The most bytes of such a name.
const LONGEST_NAME: usize = 127;

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
    /// How its runs go as a whole.
    pub conduct: ConductProposal,
    /// Whether the version is made at once, together with the draft.
    pub publish: bool,
}

/// The task nodes that a proposal names, as far as they exist.
pub type TaskNodes = HashMap<Reference<TaskNodeId>, TaskNodeId>;

/// A node as a caller gives it.
#[derive(Clone, Debug, Serialize)]
pub struct NodeProposal {
    /// Its name within the workflow.
    pub key: String,
    /// What it does: one of these.
    pub work: Vec<NodeWorkProposal>,
    /// The names that it needs somebody to have produced before.
    pub requires: Vec<String>,
    /// The names that others may require.
    pub produces: Vec<String>,
    /// When it starts.
    pub trigger_rule: TriggerRule,
    /// An expression that must be true when it starts.
    pub condition: Option<String>,
    /// It passes as a success without being done.
    pub disabled: bool,
    /// How it runs more than once: at most one of these.
    pub spread: Vec<SpreadProposal>,
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

/// A draft of which something may be missing or wrong.
///
/// It is kept so that what can be said of its sound parts is said together with what is wrong with the others.
#[derive(Clone, Debug)]
pub struct ProposedDraft {
    keys: Vec<String>,
    nodes: Vec<Option<DraftNode>>,
    edges: ProposedEdges,
    inputs: BTreeMap<String, InputSpec>,
    priority: i16,
    conduct: Conduct,
}

/// The edges of a proposal, as far as they are edges.
#[derive(Clone, Debug)]
struct ProposedEdges {
    /// First those given, then those derived.
    all: Vec<Edge>,
    /// How many of them were given.
    given: usize,
    /// Whether nothing is wrong with any.
    are_sound: bool,
}

impl ProposedDraft {
    /// Checks what can only be seen from what the nodes lead to.
    pub fn check_resolved(&self, catalogue: &Catalogue, faults: &mut Faults) {
        let nodes: Vec<Option<&DraftNode>> = self.nodes.iter().map(Option::as_ref).collect();
        let whole = Whole {
            keys: self.keys.iter().map(String::as_str).collect(),
            nodes: draft::resolve(&nodes, catalogue, faults),
            edges: &self.edges.all,
            has_sound_edges: self.edges.are_sound,
            inputs: &self.inputs,
            conduct: &self.conduct,
            sub_workflows: &catalogue.sub_workflows,
        };
        whole.check(faults);
    }

    /// The keys of the workflows that its nodes run.
    pub fn sub_workflows(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().flatten().filter_map(DraftNode::sub_workflow)
    }

    /// What a run may be given.
    #[must_use]
    pub fn inputs(&self) -> &BTreeMap<String, InputSpec> {
        &self.inputs
    }

    /// The draft, unless a node is missing.
    #[must_use]
    pub fn into_draft(self) -> Option<Draft> {
        let nodes: Option<Vec<DraftNode>> = self.nodes.into_iter().collect();
        let mut edges = self.edges.all;
        edges.truncate(self.edges.given);
        nodes.map(|nodes| Draft {
            nodes,
            edges,
            inputs: self.inputs,
            priority: self.priority,
            conduct: self.conduct,
        })
    }
}

impl WorkflowProposal {
    /// Checks everything that needs no more than the task nodes which the proposal names.
    pub fn check(&self, task_nodes: &TaskNodes, faults: &mut Faults) -> ProposedDraft {
        let priority = self.priority.unwrap_or(i32::from(DEFAULT_PRIORITY));
        faults.within("priority", |faults| {
            check_range(faults, "the priority", priority.into(), 0..=9);
        });
        let inputs = self.check_inputs(faults);
        let mut nodes = Vec::with_capacity(self.nodes.len());
        faults.within("nodes", |faults| {
            faults.every(&self.nodes, |faults, node| {
                nodes.push(node.check(task_nodes, faults));
            });
        });
        let conduct = self.conduct.check(faults);
        ProposedDraft {
            keys: self.nodes.iter().map(|node| node.key.clone()).collect(),
            nodes,
            edges: self.check_graph(faults),
            inputs,
            priority: priority.try_into().unwrap_or(DEFAULT_PRIORITY),
            conduct,
        }
    }

    fn check_graph(&self, faults: &mut Faults) -> ProposedEdges {
        let nodes: Vec<Vertex<'_>> = self.nodes.iter().map(NodeProposal::vertex).collect();
        let edges: Vec<(&str, &str)> = self
            .edges
            .iter()
            .map(|edge| (edge.from.as_str(), edge.to.as_str()))
            .collect();
        let Checked {
            edges: all,
            given,
            faults: found,
        } = check(&nodes, &edges);
        let are_sound = found.iter().all(|fault| fault.severity() == Severity::Remark);
        for fault in found {
            tell(fault, faults);
        }
        ProposedEdges {
            all,
            given,
            are_sound,
        }
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
    fn vertex(&self) -> Vertex<'_> {
        Vertex {
            key: &self.key,
            requires: &self.requires,
            produces: &self.produces,
        }
    }

    /// The task nodes that it names.
    pub fn task_nodes(&self) -> impl Iterator<Item = &Reference<TaskNodeId>> {
        self.work.iter().filter_map(|work| match work {
            NodeWorkProposal::TaskNode(reference) => Some(reference),
            _ => None,
        })
    }

    fn check(&self, task_nodes: &TaskNodes, faults: &mut Faults) -> Option<DraftNode> {
        faults.within("key", |faults| check_key(faults, &self.key));
        for (list, names) in [("requires", &self.requires), ("produces", &self.produces)] {
            faults.each(list, names, MOST_NAMES, |faults, name| check_name(faults, name));
        }
        let settings = self.settings.check(faults);
        if let Some(condition) = &self.condition {
            faults.within("condition", |faults| check_expression(faults, condition));
        }
        let spreads: Vec<Spread> = self.spread.iter().map(|spread| spread.check(faults)).collect();
        if let [_, others @ ..] = self.spread.as_slice() {
            for other in others {
                faults.within(other.field(), |faults| {
                    faults.invalid("a node has one of `map`, `sharding` and `broadcast` at most");
                });
            }
        }
        let works: Vec<Option<NodeWork>> = self
            .work
            .iter()
            .map(|work| work.check(task_nodes, faults))
            .collect();
        self.check_one_work(faults);
        Some(DraftNode {
            key: self.key.clone(),
            work: works.into_iter().next().flatten()?,
            requires: self.requires.clone(),
            produces: self.produces.clone(),
            settings,
            trigger_rule: self.trigger_rule,
            condition: self.condition.clone(),
            disabled: self.disabled,
            spread: spreads.into_iter().next(),
        })
    }

    fn check_one_work(&self, faults: &mut Faults) {
        const RULE: &str =
            "a node has exactly one of `taskNode`, `workflow`, `branch`, `approval` and `wait`";
        match self.work.as_slice() {
            [_] => {}
            [] => faults.invalid(RULE),
            [_, others @ ..] => {
                for other in others {
                    faults.within(other.field(), |faults| faults.invalid(RULE));
                }
            }
        }
    }
}

impl InputProposal {
    fn check(&self, faults: &mut Faults) {
        faults.within("name", |faults| check_name_of_value(faults, &self.name));
        faults.within("description", |faults| {
            check_text(faults, &self.spec.description, LONGEST_INPUT);
        });
        let schema = self.check_schema(faults);
        if let Some(default) = &self.spec.default {
            faults.within("default", |faults| {
                check_default(faults, self.spec.r#type, default);
                for fault in schema.map(|schema| schema.check(default)).unwrap_or_default() {
                    faults.within_all(&fault.path, |faults| faults.invalid(fault.message));
                }
            });
        }
    }

    fn check_schema(&self, faults: &mut Faults) -> Option<InputSchema> {
        let schema = InputSchema::parse(self.spec.schema.as_ref()?);
        faults.within("schema", |faults| {
            if self.spec.schema.as_ref().is_some_and(holds_nul) {
                faults.invalid("the schema holds a NUL character, which cannot be stored");
            }
            schema
                .map_err(|error| faults.within_all(&error.at, |faults| faults.invalid(error.reason)))
                .ok()
        })
    }
}

/// Checks the name of an input or an output, which templates and expressions refer to.
fn check_name_of_value(faults: &mut Faults, name: &str) {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins_well = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !begins_well || name.len() > 63 || !name.bytes().all(inner) {
        let told = quoted(name);
        faults.invalid(format!(
            "{told} is not the name of an input or an output: 1 to 63 letters, digits, `_` and `-`, beginning with a \
             letter or `_`"
        ));
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
    if holds_nul(default) {
        faults.invalid("the default holds a NUL character, which cannot be stored");
    }
}

/// Checks a name that nodes require and produce.
fn check_name(faults: &mut Faults, name: &str) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
        let told = quoted(name);
        faults.invalid(format!(
            "{told} is not a name to require or produce: 1 to {LONGEST_NAME} letters, digits and `-_./:@`"
        ));
    }
}

/// Notes what is said of the graph at the place in the input that it comes from.
fn tell(fault: GraphFault, faults: &mut Faults) {
    let (path, severity, message) = (fault.path(), fault.severity(), fault.to_string());
    let code = match fault {
        GraphFault::UnknownNode { .. } | GraphFault::UnknownRequirement { .. } => RefusalCode::NotFound,
        GraphFault::Cycle { cycle, .. } => RefusalCode::Cycle { cycle },
        GraphFault::Orphan { .. } | GraphFault::Unconnected { .. } | GraphFault::Unreachable { .. } => {
            RefusalCode::Unconnected
        }
        GraphFault::Empty
        | GraphFault::DuplicateKey { .. }
        | GraphFault::SelfEdge { .. }
        | GraphFault::DuplicateEdge { .. }
        | GraphFault::RequiredTwice { .. }
        | GraphFault::ProducedTwice { .. }
        | GraphFault::MoreCycles { .. } => RefusalCode::InvalidInput,
    };
    faults.tell_below(path, severity, code, message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{CommandError, Refusal};
    use crate::workflow::WorkflowLimits;

    fn proposal(nodes: &[&str], edges: &[(&str, &str)]) -> WorkflowProposal {
        let node = |key: &&str| NodeProposal {
            key: (*key).to_owned(),
            work: vec![NodeWorkProposal::TaskNode(Reference::Key("known".to_owned()))],
            requires: Vec::new(),
            produces: Vec::new(),
            trigger_rule: TriggerRule::default(),
            condition: None,
            disabled: false,
            spread: Vec::new(),
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
            conduct: ConductProposal::default(),
            publish: false,
        }
    }

    fn refusals(proposal: &WorkflowProposal) -> Vec<Refusal> {
        let known = HashMap::from([(Reference::Key("known".to_owned()), TaskNodeId::generate())]);
        let mut faults = Faults::default();
        let proposed = proposal.check(&known, &mut faults);
        if let Err(CommandError::Refused(refusals)) = faults.into_result() {
            return refusals;
        }
        assert!(proposed.into_draft().is_some());
        Vec::new()
    }

    #[test]
    fn a_graph_becomes_a_draft_with_the_default_priority() {
        assert_eq!(refusals(&proposal(&["a", "b"], &[("a", "b")])), []);
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let mut faulty = proposal(&["a", "B", "a"], &[("a", "x"), ("y", "a"), ("a", "a")]);
        faulty.nodes[1].work = vec![NodeWorkProposal::TaskNode(Reference::Key("unknown".to_owned()))];
        faulty.nodes[0].settings.cost = Some(0);
        faulty.priority = Some(-1);
        let spec = InputSpec {
            r#type: InputType::Integer,
            required: false,
            default: Some(Value::from("one")),
            schema: None,
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
    fn a_workflow_too_large_is_refused_with_the_limit() {
        let limits = WorkflowLimits { nodes: 2, edges: 2 };
        let mut large = proposal(&["a", "b", "c"], &[("a", "b"), ("b", "c")]);
        large.nodes[2].requires = vec!["name".to_owned()];
        let Err(CommandError::Refused(found)) = limits.check(&large) else {
            panic!("the limits were not seen")
        };
        let told: Vec<_> = found
            .iter()
            .map(|refusal| (refusal.path[0].as_str(), &refusal.code))
            .collect();
        let limit = RefusalCode::QuotaExceeded { limit: 2 };
        assert_eq!(told, [("nodes", &limit), ("edges", &limit)]);
        large.nodes.pop();
        assert!(limits.check(&large).is_ok());
    }

    #[test]
    fn what_is_derived_is_not_kept_among_the_edges_that_were_given() {
        let mut derived = proposal(&["a", "b", "c"], &[("a", "b")]);
        derived.nodes[0].produces = vec!["table".to_owned()];
        for node in [1, 2] {
            derived.nodes[node].requires = vec!["table".to_owned()];
        }
        assert_eq!(refusals(&derived), []);
        let known = HashMap::from([(Reference::Key("known".to_owned()), TaskNodeId::generate())]);
        let draft = derived
            .check(&known, &mut Faults::default())
            .into_draft()
            .unwrap();
        assert_eq!(draft.edges, [Edge { from: 0, to: 1 }]);
        assert_eq!(draft.nodes[2].requires, ["table"]);
    }

    #[test]
    fn a_name_is_refused_at_its_place() {
        let mut faulty = proposal(&["a"], &[]);
        faulty.nodes[0].requires = vec!["two words".to_owned()];
        faulty.nodes[0].produces = vec![String::new()];
        let told: Vec<_> = refusals(&faulty)
            .iter()
            .map(|refusal| refusal.path.join("."))
            .collect();
        assert_eq!(
            told,
            ["nodes.0.requires.0", "nodes.0.produces.0", "nodes.0.requires.0"]
        );
    }
}
