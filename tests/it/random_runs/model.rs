//! What the trigger rules and the results of runs mean, said as plainly as can be and without a look at how the product counts.

use waterclock_core::workflow::{Definition, FailureStrategy, NodeSpec, TriggerRule};

/// How a node counts for those that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
    UpstreamFailed,
    Skipped,
}

impl End {
    const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::UpstreamFailed, Self::Skipped];

    /// How a node that has ended in `state` counts.
    pub(super) fn of(node: &NodeSpec, state: &str) -> Self {
        match state {
            "SUCCEEDED" => Self::Succeeded,
            "FAILED" if node.allow_failure => Self::Succeeded,
            "UPSTREAM_FAILED" => Self::UpstreamFailed,
            "SKIPPED" => Self::Skipped,
            _ => Self::Failed,
        }
    }

    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::UpstreamFailed)
    }
}

/// Whether the rule of a node holds whose parents ended so; those that have not ended are `None`.
pub(super) fn holds(rule: TriggerRule, parents: &[Option<End>]) -> bool {
    let all = |is: fn(End) -> bool| parents.iter().all(|parent| parent.is_some_and(is));
    let any = |is: fn(End) -> bool| parents.iter().any(|parent| parent.is_some_and(is));
    let none = |is: fn(End) -> bool| !any(is);
    let done = || parents.iter().all(Option::is_some);
    let succeeded = |end| end == End::Succeeded;
    let skipped = |end| end == End::Skipped;
    if parents.is_empty() {
        return true;
    }
    match rule {
        TriggerRule::Always => true,
        TriggerRule::AllSuccess => all(succeeded),
        TriggerRule::AllFailed => all(End::is_failure),
        TriggerRule::AllDone => done(),
        TriggerRule::AllDoneMinOneSuccess => done() && any(succeeded),
        TriggerRule::AllSkipped => all(skipped),
        TriggerRule::OneFailed => any(End::is_failure),
        TriggerRule::OneSuccess => any(succeeded),
        TriggerRule::OneDone => any(|end| matches!(end, End::Succeeded | End::Failed)),
        TriggerRule::NoneFailed => done() && none(End::is_failure),
        TriggerRule::NoneFailedMinOneSuccess => done() && none(End::is_failure) && any(succeeded),
        TriggerRule::NoneSkipped => done() && none(skipped),
    }
}

/// Whether the rule can never hold, however those of the parents end that have not.
pub(super) fn is_hopeless(rule: TriggerRule, parents: &[Option<End>]) -> bool {
    // No rule wants two kinds of ends among its parents, so it is enough to let all that is open end alike.
    !End::ALL.iter().any(|&end| {
        let ended: Vec<Option<End>> = parents.iter().map(|parent| parent.or(Some(end))).collect();
        holds(rule, &ended)
    })
}

/// The places of the nodes that the node at `place` waits for.
pub(super) fn parents(definition: &Definition, place: usize) -> Vec<usize> {
    let before = definition.edges.iter().filter(|edge| edge.to as usize == place);
    before.map(|edge| edge.from as usize).collect()
}

/// Whether nothing more starts once a node has failed for good.
pub(super) fn ends_on_failure(definition: &Definition) -> bool {
    definition.conduct.failure_strategy != FailureStrategy::Continue
}

/// What a run comes to that nobody stopped, by how its nodes ended: a failure counts, unless it may be or a node that starts because
/// of failures succeeded behind it, be it behind nodes that the failure kept from starting.
pub(super) fn result(definition: &Definition, states: &[String]) -> &'static str {
    let counts = |place: usize| {
        states[place] == "FAILED"
            && !definition.nodes[place].allow_failure
            && !is_handled(definition, states, place)
    };
    if (0..states.len()).any(counts) {
        "FAILED"
    } else {
        "SUCCEEDED"
    }
}

fn is_handled(definition: &Definition, states: &[String], place: usize) -> bool {
    let after = definition.edges.iter().filter(|edge| edge.from as usize == place);
    after
        .map(|edge| edge.to as usize)
        .any(|child| match states[child].as_str() {
            "SUCCEEDED" => matches!(
                definition.nodes[child].trigger_rule,
                TriggerRule::OneFailed | TriggerRule::AllFailed
            ),
            "UPSTREAM_FAILED" => is_handled(definition, states, child),
            _ => false,
        })
}
