//! What a run would do, told without doing it.
//!
//! Nodes are looked at in an order in which each comes after all that it waits for, and each comes to what it would come to:
//! it runs and is assumed to succeed, unless something else is assumed, or it never runs. What an expression reads of a node
//! that would run cannot be known but for its state, so whatever hangs on it is undecided, and so is what hangs on that, as far
//! as it matters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{ParentEnd, Parents, Readiness, TaskRunState, Trigger};
use crate::expression::{Bindings, Expression, NodeFacts, RunFacts, Scope};
use crate::id::RunId;
use crate::workflow::{BranchMode, BranchSpec, NodeSpec, PinnedVersion, Work};

/// What would become of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It would run.
    Runs,
    /// It would be skipped.
    Skipped,
    /// It would never start, because of a failure before it.
    UpstreamFailed,
    /// It hangs on what only a run can tell.
    Undecided,
}

/// A node of a run that is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Its place.
    pub node: i32,
    /// How many nodes that may run come before it at most, one after the other. Nodes of a level may run at the same time.
    pub level: i32,
    /// What would become of it.
    pub prospect: Prospect,
    /// Why, in a sentence, where there is something to say.
    pub reason: Option<String>,
}

/// What is known of the run that is not made.
#[derive(Clone, Debug)]
pub struct Premises {
    /// What it is given, with its defaults.
    pub inputs: Map<String, Value>,
    /// How nodes end that would run, by place; they succeed when they are not listed.
    pub ends: BTreeMap<i32, TaskRunState>,
    /// Who would start it.
    pub started_by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// 0 (last) to 9 (first).
    pub priority: i16,
}

/// What would become of every node of a run of `version`, by place.
#[must_use]
pub fn dry_run(version: &PinnedVersion, premises: &Premises) -> Vec<Foreseen> {
    let mut foresight = Foresight::of(version, premises);
    for node in version.graph.order() {
        foresight.look_at(i32::try_from(node).expect("the number of nodes is bounded far below 2^31"));
    }
    foresight.seen.into_values().collect()
}

struct Foresight<'a> {
    version: &'a PinnedVersion,
    premises: &'a Premises,
    bindings: Bindings,
    parents: BTreeMap<i32, Vec<i32>>,
    /// How nodes end; undecided ones are not listed.
    ends: BTreeMap<i32, ParentEnd>,
    /// What branches have said of nodes: that they are skipped, or that it is open; and why.
    passed_over: BTreeMap<i32, (Prospect, String)>,
    /// The keys of nodes that would run: their outputs are not known.
    unknown: BTreeSet<String>,
    seen: BTreeMap<i32, Foreseen>,
}

/// The value of an expression.
enum Told {
    Known(bool),
    /// It reads what only a run can tell, of these nodes.
    Unknown(String),
    Fault(String),
}

impl<'a> Foresight<'a> {
    fn of(version: &'a PinnedVersion, premises: &'a Premises) -> Self {
        let run = RunFacts {
            id: RunId::generate(),
            workflow: version.workflow.to_string(),
            version: version.number.into(),
            trigger: Trigger::Caller,
            started_by: Some(premises.started_by.clone()),
            started_at: premises.at,
            priority: premises.priority.into(),
        };
        let mut parents: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for (place, _) in (0_i32..).zip(&version.nodes) {
            for child in version.children(place) {
                parents.entry(child).or_default().push(place);
            }
        }
        Self {
            version,
            premises,
            bindings: Bindings::default()
                .with_run(run)
                .with_inputs(Arc::new(Value::Object(premises.inputs.clone()))),
            parents,
            ends: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            unknown: BTreeSet::new(),
            seen: BTreeMap::new(),
        }
    }

    fn look_at(&mut self, place: i32) {
        let spec = Arc::clone(self.version.node(place));
        let (prospect, reason, end) = self.prospect(place, &spec);
        let parents = self.parents.get(&place).map_or(&[][..], Vec::as_slice);
        let level = parents
            .iter()
            .map(|parent| {
                let before = &self.seen[parent];
                before.level + i32::from(matches!(before.prospect, Prospect::Runs | Prospect::Undecided))
            })
            .max()
            .unwrap_or_default();
        match prospect {
            Prospect::Runs if !spec.disabled => {
                let state = end.unwrap_or(TaskRunState::Succeeded);
                self.bindings =
                    std::mem::take(&mut self.bindings).with_future_node(&spec.key, state.as_str());
                self.unknown.insert(spec.key.clone());
            }
            Prospect::Undecided => drop(self.unknown.insert(spec.key.clone())),
            _ => {
                let state = end.unwrap_or(TaskRunState::Skipped);
                let facts = NodeFacts {
                    state: state.to_string(),
                    state_reason: reason.clone(),
                    attempts: 0,
                    outputs: Arc::new(Value::Null),
                    progress: None,
                };
                self.bindings = std::mem::take(&mut self.bindings).with_node(&spec.key, facts);
            }
        }
        if let Some(state) = end {
            self.ends.insert(place, ParentEnd::of(&spec, state));
        }
        let foreseen = Foreseen {
            node: place,
            level,
            prospect,
            reason,
        };
        self.seen.insert(place, foreseen);
    }

    /// What becomes of a node, why, and how it ends if that is known.
    fn prospect(&mut self, place: i32, spec: &NodeSpec) -> (Prospect, Option<String>, Option<TaskRunState>) {
        if let Some((prospect, reason)) = self.passed_over.remove(&place) {
            let end = (prospect == Prospect::Skipped).then_some(TaskRunState::Skipped);
            return (prospect, Some(reason), end);
        }
        match self.readiness(place, spec) {
            Ok(Readiness::Start | Readiness::Wait) => {}
            Ok(verdict) => {
                let (prospect, state) = match verdict {
                    Readiness::Doom => (Prospect::UpstreamFailed, TaskRunState::UpstreamFailed),
                    _ => (Prospect::Skipped, TaskRunState::Skipped),
                };
                let reason = format!("its trigger rule {} cannot hold", spec.trigger_rule);
                return (prospect, Some(reason), Some(state));
            }
            Err(reason) => return (Prospect::Undecided, Some(reason), None),
        }
        if spec.disabled {
            let reason = "it is disabled, and passes".to_owned();
            return (Prospect::Runs, Some(reason), Some(TaskRunState::Succeeded));
        }
        if let Some(condition) = &spec.condition {
            match self.holds(condition) {
                Told::Known(true) => {}
                Told::Known(false) => {
                    let reason = format!("its condition is not true: {condition}");
                    return (Prospect::Skipped, Some(reason), Some(TaskRunState::Skipped));
                }
                Told::Unknown(nodes) => {
                    let reason =
                        format!("its condition reads what only a run can tell, of {nodes}: {condition}");
                    return (Prospect::Undecided, Some(reason), None);
                }
                Told::Fault(fault) => {
                    let reason = format!("it fails, since its condition cannot be evaluated: {fault}");
                    return (Prospect::Runs, Some(reason), Some(TaskRunState::Failed));
                }
            }
        }
        let assumed = self.premises.ends.get(&place).copied();
        let end = assumed.unwrap_or(TaskRunState::Succeeded);
        let mut reason = assumed.map(|state| format!("it is assumed to end as {state}"));
        if let Work::Branch(branch) = &spec.work
            && end == TaskRunState::Succeeded
        {
            match self.choose(place, spec, branch) {
                Ok(chosen) => reason = Some(chosen),
                Err(fault) => return (Prospect::Runs, Some(fault), Some(TaskRunState::Failed)),
            }
        }
        (Prospect::Runs, reason, Some(end))
    }

    /// What the rule of a node says once all its parents have ended, or on which of them it hangs.
    fn readiness(&self, place: i32, spec: &NodeSpec) -> Result<Readiness, String> {
        let parents = self.parents.get(&place).map_or(&[][..], Vec::as_slice);
        let mut known = Parents::waiting(self.version.parents_of(place));
        let mut open = Vec::new();
        for parent in parents {
            match self.ends.get(parent) {
                Some(&end) => known.count(end),
                None => open.push(*parent),
            }
        }
        // However the open ones end: as each of them alike, and as the first of them otherwise than the rest.
        let ways = [
            ParentEnd::Succeeded,
            ParentEnd::Skipped,
            ParentEnd::Failed,
            ParentEnd::Doomed,
        ];
        let mut said: Option<Readiness> = None;
        for first in ways {
            for rest in ways {
                let mut parents = known;
                for (at, _) in open.iter().enumerate() {
                    parents.count(if at == 0 { first } else { rest });
                }
                let readiness = parents.readiness(spec.trigger_rule);
                if *said.get_or_insert(readiness) != readiness {
                    let keys: Vec<String> = open.iter().map(|&place| self.told(place)).collect();
                    return Err(format!(
                        "it hangs on {}, of which nothing is decided",
                        keys.join(", ")
                    ));
                }
            }
        }
        Ok(said.unwrap_or(Readiness::Start))
    }

    /// Lets a branch choose: what it does not choose is passed over. Gives what there is to say of it, or why it fails.
    fn choose(&mut self, place: i32, spec: &NodeSpec, branch: &BranchSpec) -> Result<String, String> {
        let mut chosen: Vec<&String> = Vec::new();
        let mut because = Vec::new();
        let mut open = None;
        for case in &branch.cases {
            match self.holds(&case.when) {
                Told::Known(false) => {}
                Told::Known(true) => {
                    chosen.extend(&case.then);
                    because.push(case.when.as_str());
                    if branch.mode == BranchMode::First {
                        break;
                    }
                }
                Told::Unknown(nodes) => {
                    open = Some(format!(
                        "the case {:?} reads what only a run can tell, of {nodes}",
                        case.when
                    ));
                    break;
                }
                Told::Fault(fault) => {
                    return Err(format!(
                        "it fails, since the case {:?} cannot be evaluated: {fault}",
                        case.when
                    ));
                }
            }
        }
        let key = &spec.key;
        if let Some(open) = open {
            for child in self.version.children(place) {
                let reason = format!("the choice of the branch {key:?} is open: {open}");
                self.passed_over
                    .entry(child)
                    .or_insert((Prospect::Undecided, reason));
            }
            return Ok(format!("its choice is open: {open}"));
        }
        if because.is_empty() {
            chosen.extend(&branch.otherwise);
            because.push("no case holds");
        }
        let places: BTreeSet<i32> = chosen
            .iter()
            .filter_map(|key| self.version.place_of(key))
            .collect();
        let mut reached = places.clone();
        reached.extend(places.iter().flat_map(|&place| self.version.descendants(place)));
        let names: Vec<String> = places.iter().map(|&place| self.told(place)).collect();
        let names = if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(", ")
        };
        let because = because.join(", ");
        for child in self
            .version
            .children(place)
            .filter(|child| !reached.contains(child))
        {
            let reason = format!("the branch {key:?} chooses {names}: {because}");
            self.passed_over.insert(child, (Prospect::Skipped, reason));
        }
        Ok(format!("it chooses {names}: {because}"))
    }

    fn holds(&self, text: &str) -> Told {
        let expression = match Expression::parse(text, &Scope::unchecked()) {
            Ok(expression) => expression,
            Err(error) => return Told::Fault(error.to_string()),
        };
        match expression.evaluate_bool(&self.bindings) {
            Ok(holds) => Told::Known(holds),
            Err(error) => {
                let nodes = &expression.references().nodes;
                let open: Vec<String> = nodes
                    .intersection(&self.unknown)
                    .map(|key| format!("{key:?}"))
                    .collect();
                if open.is_empty() {
                    Told::Fault(error.to_string())
                } else {
                    Told::Unknown(open.join(", "))
                }
            }
        }
    }

    fn told(&self, place: i32) -> String {
        format!("{:?}", self.version.node(place).key)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{WorkflowId, WorkflowVersionId};
    use crate::workflow::{BranchCase, Definition, Edge, TriggerRule};

    /// `a` before `b` and `c`, and both before `d`.
    fn version(change: impl FnOnce(&mut [NodeSpec])) -> PinnedVersion {
        let edge = |from, to| Edge { from, to };
        let mut definition = Definition {
            nodes: ["a", "b", "c", "d"]
                .map(|key| NodeSpec::new(key, Work::NoOp))
                .into(),
            edges: vec![edge(0, 1), edge(0, 2), edge(1, 3), edge(2, 3)],
            ..Definition::default()
        };
        change(&mut definition.nodes);
        let (id, workflow) = (WorkflowVersionId::generate(), WorkflowId::generate());
        PinnedVersion::new(id, workflow, "w", 1, 5, definition)
    }

    /// A letter and a level for each node: runs, skipped (`k`), upstream failed, undecided (`?`).
    fn foreseen(
        version: &PinnedVersion,
        inputs: Value,
        ends: &[(i32, TaskRunState)],
    ) -> (String, Vec<Foreseen>) {
        let Value::Object(inputs) = inputs else {
            panic!("inputs are an object")
        };
        let premises = Premises {
            inputs,
            ends: ends.iter().copied().collect(),
            started_by: "tester".to_owned(),
            at: DateTime::UNIX_EPOCH,
            priority: 5,
        };
        let nodes = dry_run(version, &premises);
        let letters = nodes.iter().map(|node| {
            let letter = match node.prospect {
                Prospect::Runs => 'r',
                Prospect::Skipped => 'k',
                Prospect::UpstreamFailed => 'u',
                Prospect::Undecided => '?',
            };
            format!("{letter}{}", node.level)
        });
        (letters.collect::<Vec<_>>().join(" "), nodes)
    }

    #[test]
    fn everything_runs_level_by_level_where_nothing_is_assumed() {
        assert_eq!(foreseen(&version(|_| {}), json!({}), &[]).0, "r0 r1 r1 r2");
    }

    #[test]
    fn an_assumed_failure_goes_down_by_the_rules() {
        let cleans = version(|nodes| nodes[3].trigger_rule = TriggerRule::AllDone);
        let failed = [(0, TaskRunState::Failed)];
        assert_eq!(foreseen(&version(|_| {}), json!({}), &failed).0, "r0 u1 u1 u1");
        assert_eq!(foreseen(&cleans, json!({}), &failed).0, "r0 u1 u1 r1");
    }

    #[test]
    fn a_branch_chooses_by_inputs_and_is_open_where_it_reads_outputs() {
        let branching = |when: &str| {
            version(|nodes| {
                nodes[0].work = Work::Branch(BranchSpec {
                    cases: vec![BranchCase {
                        when: when.to_owned(),
                        then: vec!["b".to_owned()],
                    }],
                    otherwise: vec!["c".to_owned()],
                    mode: BranchMode::First,
                });
                nodes[3].trigger_rule = TriggerRule::NoneFailedMinOneSuccess;
            })
        };
        let (letters, nodes) = foreseen(&branching("inputs.full"), json!({ "full": true }), &[]);
        assert_eq!(letters, "r0 r1 k1 r2");
        assert_eq!(nodes[0].reason.as_deref(), Some("it chooses \"b\": inputs.full"));
        let (letters, _) = foreseen(&branching("inputs.full"), json!({ "full": false }), &[]);
        assert_eq!(letters, "r0 k1 r1 r2");
    }

    #[test]
    fn what_reads_outputs_of_a_node_that_would_run_is_undecided_and_names_it() {
        let reads = version(|nodes| {
            nodes[1].condition = Some("nodes.a.outputs.rows > 0".to_owned());
            nodes[2].condition = Some("nodes.a.state == 'SUCCEEDED'".to_owned());
        });
        let (letters, nodes) = foreseen(&reads, json!({}), &[]);
        assert_eq!(letters, "r0 ?1 r1 ?2");
        assert_eq!(
            nodes[1].reason.as_deref(),
            Some("its condition reads what only a run can tell, of \"a\": nodes.a.outputs.rows > 0")
        );
        assert_eq!(
            nodes[3].reason.as_deref(),
            Some("it hangs on \"b\", of which nothing is decided")
        );
    }
}
