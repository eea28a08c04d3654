//! Workflows out of chance.

use waterclock_core::retry::RetryPolicy;
use waterclock_core::workflow::{
    Answer, ApprovalSpec, Conduct, Deadline, Definition, Edge, FailureStrategy, MapSpec, NodeSpec, Overdue,
    Spread, SubWorkflowSpec, TriggerRule, WaitSpec, Work,
};
use waterclock_tests::chance::Chance;

/// The key of the workflow that others run within theirs.
pub(super) const WITHIN: &str = "within";

/// The name of the event that some nodes wait for.
pub(super) const EVENT: &str = "go";

/// A workflow of 3 to 25 nodes.
pub(super) fn definition(chance: &mut Chance) -> Definition {
    let most = if chance.percent(20) { 23 } else { 9 };
    let count = 3 + chance.below(most);
    let mut definition = Definition::default();
    for place in 0..count {
        let parents = parents(chance, place);
        definition.nodes.push(node(chance, place, &parents));
        definition.edges.extend(parents.iter().map(|&parent| Edge {
            from: u32::try_from(parent).expect("a place"),
            to: u32::try_from(place).expect("a place"),
        }));
    }
    definition.conduct = Conduct {
        failure_strategy: match chance.below(100) {
            0..70 => FailureStrategy::Continue,
            70..85 => FailureStrategy::End,
            _ => FailureStrategy::EndAndStop,
        },
        timeout: chance.percent(8).then(|| deadline(chance, 60_000)),
        ..Conduct::default()
    };
    definition
}

/// The workflow that runs within others: a failure of its first node is handled by its second.
pub(super) fn within() -> Definition {
    let node = |key: &str| NodeSpec::new(key, Work::NoOp);
    Definition {
        nodes: vec![
            node("first"),
            NodeSpec {
                trigger_rule: TriggerRule::AllDone,
                ..node("then")
            },
        ],
        edges: vec![Edge { from: 0, to: 1 }],
        ..Definition::default()
    }
}

fn parents(chance: &mut Chance, place: usize) -> Vec<usize> {
    if place == 0 || chance.percent(12) {
        return Vec::new();
    }
    let most = if chance.percent(15) { 7 } else { 3 };
    let mut parents: Vec<usize> = (0..=chance.below(most)).map(|_| chance.below(place)).collect();
    parents.sort_unstable();
    parents.dedup();
    parents
}

fn node(chance: &mut Chance, place: usize, parents: &[usize]) -> NodeSpec {
    let work = work(chance);
    NodeSpec {
        spread: spread(chance, &work),
        trigger_rule: if chance.percent(35) {
            TriggerRule::AllSuccess
        } else {
            *chance.pick(TriggerRule::ALL)
        },
        condition: condition(chance, parents),
        allow_failure: chance.percent(15),
        disabled: chance.percent(8),
        start_deadline: chance.percent(6).then(|| deadline(chance, 40_000)),
        retry: RetryPolicy {
            max_attempts: 1 + i32::try_from(chance.below(3)).expect("a few"),
            delay_ms: *chance.pick(&[0, 10_000]),
            max_faults: 1 + i32::try_from(chance.below(3)).expect("a few"),
            ..RetryPolicy::default()
        },
        grace_ms: 0,
        ..NodeSpec::new(format!("n{place}"), work)
    }
}

fn work(chance: &mut Chance) -> Work {
    match chance.below(100) {
        0..72 => Work::NoOp,
        72..82 => Work::Workflow(SubWorkflowSpec {
            key: WITHIN.to_owned(),
            inputs: std::collections::BTreeMap::new(),
        }),
        82..88 => Work::Wait(WaitSpec::Duration { for_ms: 5_000 }),
        88..94 => Work::Wait(WaitSpec::Event {
            name: EVENT.to_owned(),
            key: None,
            deadline_ms: Some(30_000),
        }),
        _ => Work::Approval(ApprovalSpec {
            question: "Go on?".to_owned(),
            scope: "operator".to_owned(),
            form: None,
            deadline_ms: Some(20_000),
            default: *chance.pick(&[Answer::Approve, Answer::Reject]),
            bars_starter: false,
        }),
    }
}

fn spread(chance: &mut Chance, work: &Work) -> Option<Spread> {
    let spreads = match work {
        Work::NoOp => chance.percent(14),
        Work::Workflow(_) => chance.percent(30),
        _ => false,
    };
    spreads.then(|| {
        Spread::Map(MapSpec {
            items: (*chance.pick(&["[]", "[1]", "[1, 2, 3]", "[1, 2, 3, 4]"])).to_owned(),
            parallelism: *chance.pick(&[None, Some(1), Some(2)]),
            tolerated_failures: *chance.pick(&[0.0, 0.5]),
        })
    })
}

fn condition(chance: &mut Chance, parents: &[usize]) -> Option<String> {
    match chance.below(100) {
        0..4 => Some("1 < 2".to_owned()),
        4..7 => Some("2 < 1".to_owned()),
        7..14 if !parents.is_empty() => {
            let parent = chance.pick(parents);
            Some(format!("nodes.n{parent}.state == 'SUCCEEDED'"))
        }
        _ => None,
    }
}

fn deadline(chance: &mut Chance, after_ms: i64) -> Deadline {
    Deadline {
        after_ms,
        overdue: *chance.pick(&[Overdue::Fail, Overdue::Warn]),
    }
}
