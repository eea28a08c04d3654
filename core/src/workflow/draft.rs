//! What the next version of a workflow will hold.
//!
//! A draft names task nodes; a version repeats them. Between the two lies [`Draft::resolve`], which looks every node up in a
//! [`Catalogue`], merges what the program, the task node and the node say, and checks what can only be seen from the whole:
//! whether its parts fit together (see [`super::coherence`]). It runs when a draft is saved, to find faults, and again when it
//! is published, because what it names may have been edited since.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::coherence::{Resolved, SubWorkflows, Whole};
use super::graph::{Vertex, edges_with_derived};
use super::{
    ApprovalSpec, BranchSpec, Conduct, Definition, Edge, EndpointSpec, InputSpec, NodeSpec, ProgramSpec,
    Spread, SubWorkflowSpec, TriggerRule, WaitSpec, Work,
};
use crate::check::Faults;
use crate::id::{EndpointId, ProgramId, TaskNodeId, WorkflowId};
use crate::registered::{Registered, Registrable};
use crate::task_node::{NodeSettings, Performer, TaskNodeSpec, TaskWork};

/// The priority of workflows that name none.
pub const DEFAULT_PRIORITY: i16 = 5;

/// A registered workflow.
pub type Workflow = Registered<Draft>;

/// The graph that a workflow's next version is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The nodes; an edge names them by their place in this list.
    pub nodes: Vec<DraftNode>,
    /// The edges that were given; those that follow from what nodes require are not among them.
    pub edges: Vec<Edge>,
    /// What a run may be given, by name. Empty: anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, InputSpec>,
    /// The priority of runs that name none.
    pub priority: i16,
    /// How its runs go as a whole.
    #[serde(flatten)]
    pub conduct: Conduct,
}

/// A node of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftNode {
    /// Its name within the workflow.
    pub key: String,
    /// What it does.
    pub work: NodeWork,
    /// The names that it needs somebody to have produced before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// The names that others may require.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub produces: Vec<String>,
    /// What it says beyond its task node.
    #[serde(flatten)]
    pub settings: NodeSettings,
    /// When it starts.
    #[serde(default)]
    pub trigger_rule: TriggerRule,
    /// An expression that must be true when it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// It passes as a success without being done.
    #[serde(default)]
    pub disabled: bool,
    /// The list, the shards or the executors that it runs over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

/// What a node of a draft does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeWork {
    /// What this task node does.
    TaskNode(TaskNodeId),
    /// Runs another workflow.
    Workflow(SubWorkflowSpec),
    /// Chooses which of the nodes that wait for it run.
    Branch(BranchSpec),
    /// Asks people.
    Approval(ApprovalSpec),
    /// Waits.
    Wait(WaitSpec),
}

impl NodeWork {
    /// The task node that it uses, if it does.
    #[must_use]
    pub fn task_node(&self) -> Option<TaskNodeId> {
        match self {
            Self::TaskNode(id) => Some(*id),
            _ => None,
        }
    }
}

impl Registrable for Draft {
    type Id = WorkflowId;

    const NOUN: &'static str = "workflow";
    const USERS: &'static str = "schedules, triggers or live runs";
}

/// The task nodes, programs and endpoints that a draft leads to.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The task nodes that its nodes use.
    pub task_nodes: HashMap<TaskNodeId, Registered<TaskNodeSpec>>,
    /// The programs that these run.
    pub programs: HashMap<ProgramId, Registered<ProgramSpec>>,
    /// The endpoints that these call.
    pub endpoints: HashMap<EndpointId, Registered<EndpointSpec>>,
    /// What the workflows that its nodes run may be given.
    pub sub_workflows: SubWorkflows,
}

impl Draft {
    /// What a version made now would hold. What cannot be resolved is a fault at the place of its node.
    pub fn resolve(&self, catalogue: &Catalogue, faults: &mut Faults) -> Definition {
        let nodes: Vec<Option<&DraftNode>> = self.nodes.iter().map(Some).collect();
        let vertices: Vec<Vertex<'_>> = self.nodes.iter().map(DraftNode::vertex).collect();
        let edges = edges_with_derived(&vertices, &self.edges);
        let whole = Whole {
            keys: self.nodes.iter().map(|node| node.key.as_str()).collect(),
            nodes: resolve(&nodes, catalogue, faults),
            edges: &edges,
            has_sound_edges: true,
            inputs: &self.inputs,
            conduct: &self.conduct,
            sub_workflows: &catalogue.sub_workflows,
        };
        whole.check(faults);
        let nodes = whole.nodes.into_iter().flatten().map(|resolved| resolved.spec);
        Definition {
            nodes: nodes.collect(),
            edges,
            inputs: self.inputs.clone(),
            conduct: self.conduct.clone(),
        }
    }

    /// The keys of the workflows that its nodes run.
    pub fn sub_workflows(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(DraftNode::sub_workflow)
    }
}

/// Resolves the nodes that there are, each at its place among those that are missing.
pub(super) fn resolve<'a>(
    nodes: &[Option<&'a DraftNode>],
    catalogue: &Catalogue,
    faults: &mut Faults,
) -> Vec<Option<Resolved<'a>>> {
    let mut resolved = Vec::with_capacity(nodes.len());
    faults.within("nodes", |faults| {
        faults.every(nodes, |faults, node| {
            resolved.push(node.and_then(|node| {
                let spec = node.resolve(catalogue, faults)?;
                Some(Resolved { node, spec })
            }));
        });
    });
    resolved
}

impl DraftNode {
    /// The node as the graph sees it.
    pub(super) fn vertex(&self) -> Vertex<'_> {
        Vertex {
            key: &self.key,
            requires: &self.requires,
            produces: &self.produces,
        }
    }

    fn resolve(&self, catalogue: &Catalogue, faults: &mut Faults) -> Option<NodeSpec> {
        let (work, settings) = self.resolve_work(catalogue, faults)?;
        Some(NodeSpec {
            key: self.key.clone(),
            work,
            required_labels: settings.required_labels.unwrap_or_default(),
            priority: settings.priority,
            cost: settings.cost.unwrap_or(1),
            timeout_ms: settings.timeout_ms,
            on_timeout: settings.on_timeout.unwrap_or_default(),
            start_deadline: settings.start_deadline,
            grace_ms: settings.grace_ms.unwrap_or(10_000),
            retry: settings.retry.unwrap_or_default(),
            trigger_rule: self.trigger_rule,
            condition: self.condition.clone(),
            allow_failure: settings.allow_failure.unwrap_or(false),
            disabled: self.disabled,
            spread: self.spread.clone(),
            requires: self.requires.clone(),
            produces: self.produces.clone(),
        })
    }

    /// What it does, and the settings that hold for it.
    fn resolve_work(&self, catalogue: &Catalogue, faults: &mut Faults) -> Option<(Work, NodeSettings)> {
        let alone = |work: Work, performer, faults: &mut Faults| {
            self.settings
                .check_applicable(performer, &NodeSettings::default(), faults);
            Some((work, self.settings.clone()))
        };
        let id = match &self.work {
            NodeWork::TaskNode(id) => id,
            NodeWork::Workflow(spec) => {
                return alone(Work::Workflow(spec.clone()), Performer::Workflow, faults);
            }
            NodeWork::Branch(spec) => return alone(Work::Branch(spec.clone()), Performer::Branch, faults),
            NodeWork::Approval(spec) => {
                return alone(Work::Approval(spec.clone()), Performer::Approval, faults);
            }
            NodeWork::Wait(spec) => return alone(Work::Wait(spec.clone()), Performer::Wait, faults),
        };
        let Some(task_node) = catalogue.task_nodes.get(id) else {
            faults.within("taskNode", |faults| {
                faults.missing("the task node does not exist any more");
            });
            return None;
        };
        let TaskNodeSpec {
            work,
            settings: below,
        } = &task_node.spec;
        self.settings.check_applicable(work.performer(), below, faults);
        let settings = self.settings.over(below);
        let work = match *work {
            TaskWork::NoOp => Work::NoOp,
            TaskWork::Program(id) => {
                Work::Program(with_settings(&catalogue.programs.get(&id)?.spec, &settings))
            }
            TaskWork::Endpoint(id) => Work::Endpoint(catalogue.endpoints.get(&id)?.spec.clone()),
        };
        Some((work, settings))
    }

    /// The key of the workflow that it runs, if it runs one.
    pub(super) fn sub_workflow(&self) -> Option<&str> {
        match &self.work {
            NodeWork::Workflow(spec) => Some(&spec.key),
            _ => None,
        }
    }
}

fn with_settings(program: &ProgramSpec, settings: &NodeSettings) -> ProgramSpec {
    let mut program = program.clone();
    if let Some(arguments) = &settings.arguments {
        program.arguments.clone_from(arguments);
    }
    program.environment.extend(settings.environment.clone());
    program
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::error::CommandError;
    use crate::workflow::{InputType, Runtime};

    fn registered<S: Registrable>(id: S::Id, key: &str, spec: S) -> Registered<S> {
        let at = DateTime::UNIX_EPOCH;
        Registered {
            id,
            key: key.to_owned(),
            revision: 1,
            description: String::new(),
            spec,
            created_at: at,
            updated_at: at,
        }
    }

    fn echo() -> ProgramSpec {
        ProgramSpec {
            key: "echo".to_owned(),
            runtime: Runtime::Exec,
            command: vec!["echo".to_owned()],
            package: None,
            entry_point: None,
            arguments: vec!["${inputs.word}".to_owned()],
            environment: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            files: BTreeMap::new(),
            working_directory: None,
            memory_limit: None,
            open_files_limit: None,
            output_limit: 1,
        }
    }

    fn catalogue() -> (Catalogue, TaskNodeId) {
        let (program, task_node) = (ProgramId::generate(), TaskNodeId::generate());
        let settings = NodeSettings {
            cost: Some(3),
            ..NodeSettings::default()
        };
        let spec = TaskNodeSpec {
            work: TaskWork::Program(program),
            settings,
        };
        let catalogue = Catalogue {
            task_nodes: HashMap::from([(task_node, registered(task_node, "say", spec))]),
            programs: HashMap::from([(program, registered(program, "echo", echo()))]),
            ..Catalogue::default()
        };
        (catalogue, task_node)
    }

    fn draft(task_node: TaskNodeId, settings: NodeSettings, inputs: &[&str]) -> Draft {
        let spec = InputSpec {
            r#type: InputType::String,
            required: true,
            default: None,
            schema: None,
            description: String::new(),
        };
        Draft {
            nodes: vec![DraftNode {
                key: "hello".to_owned(),
                work: NodeWork::TaskNode(task_node),
                requires: Vec::new(),
                produces: Vec::new(),
                settings,
                trigger_rule: TriggerRule::default(),
                condition: None,
                disabled: false,
                spread: None,
            }],
            edges: Vec::new(),
            inputs: inputs
                .iter()
                .map(|name| ((*name).to_owned(), spec.clone()))
                .collect(),
            priority: DEFAULT_PRIORITY,
            conduct: Conduct::default(),
        }
    }

    #[test]
    fn a_version_repeats_the_program_with_what_the_node_says() {
        let (catalogue, task_node) = catalogue();
        let settings = NodeSettings {
            arguments: Some(vec!["fixed".to_owned()]),
            environment: BTreeMap::from([("B".to_owned(), "2".to_owned())]),
            ..NodeSettings::default()
        };
        let mut faults = Faults::default();
        let definition = draft(task_node, settings, &[]).resolve(&catalogue, &mut faults);
        assert!(faults.is_empty());
        let node = &definition.nodes[0];
        let Work::Program(program) = &node.work else {
            panic!("{:?}", node.work)
        };
        assert_eq!(
            (node.key.as_str(), node.cost, program.key.as_str()),
            ("hello", 3, "echo")
        );
        assert_eq!(program.arguments, ["fixed"]);
        assert_eq!(program.environment.len(), 2);
    }

    #[test]
    fn an_input_that_is_not_declared_is_a_fault_of_the_node() {
        let (catalogue, task_node) = catalogue();
        let mut faults = Faults::default();
        draft(task_node, NodeSettings::default(), &["other"]).resolve(&catalogue, &mut faults);
        let Err(CommandError::Refused(refusals)) = faults.into_result() else {
            panic!("no fault was found")
        };
        assert_eq!(refusals[0].path, ["nodes", "0"]);
        assert!(
            refusals[0].message.contains("${inputs.word}"),
            "{}",
            refusals[0].message
        );
    }

    #[test]
    fn a_draft_reads_back_as_it_was_written() {
        let settings = NodeSettings {
            cost: Some(2),
            ..NodeSettings::default()
        };
        let draft = draft(TaskNodeId::generate(), settings, &["word"]);
        let text = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<Draft>(&text).unwrap(), draft);
    }
}
