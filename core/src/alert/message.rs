//! What alerts say: what happened, where, and on what, in a sentence.

use super::cause::{Cause, CauseKind};
use super::condition::Condition;

/// What an alert of a rule with `condition` says about `cause`, which is the last of `count`.
pub(super) fn message(condition: &Condition, cause: &Cause, count: usize) -> String {
    let workflow = cause.workflow.as_ref().map_or_else(
        || "a workflow".to_owned(),
        |(_, key)| format!("the workflow {key:?}"),
    );
    let why = because(cause);
    match (condition, cause.kind) {
        (Condition::RunRecovered, _) => {
            let failed = if count == 1 {
                "a run had".to_owned()
            } else {
                format!("{count} runs had")
            };
            format!("{workflow} recovered: a run succeeded after {failed} failed")
        }
        (Condition::RunsFailing { within_ms, .. }, _) => {
            format!(
                "{count} runs failed within {}; the last was one of {workflow}{why}",
                length(*within_ms)
            )
        }
        (_, CauseKind::WorkflowRefused) => {
            format!("{workflow} was refused: its nodes wait for each other{why}")
        }
        (_, CauseKind::TaskWaits) => {
            let task = cause.task_run.as_ref().map_or_else(
                || "a task run".to_owned(),
                |(_, key)| format!("the task node {key:?}"),
            );
            format!(
                "{task} of a run of {workflow} waits for an executor{}{why}",
                since(cause)
            )
        }
        (_, CauseKind::RunLate) => format!(
            "a run of {workflow} takes longer than expected{}{why}",
            since(cause)
        ),
        (_, CauseKind::ExecutorLost | CauseKind::ExecutorRegistered) => {
            let key = cause.executor.as_ref().map_or("", |(_, key)| key);
            format!("the executor {key:?} was lost: its heartbeat ended")
        }
        (_, CauseKind::RunFailed | CauseKind::RunSucceeded) => {
            let place = cause
                .executor
                .as_ref()
                .map_or_else(String::new, |(_, key)| format!(", on the executor {key:?}"));
            format!("a run of {workflow} failed{why}{place}")
        }
    }
}

fn because(cause: &Cause) -> String {
    cause
        .detail
        .as_ref()
        .map_or_else(String::new, |detail| format!(": {detail}"))
}

fn since(cause: &Cause) -> String {
    cause
        .took_ms
        .map_or_else(String::new, |took| format!(", by now {}", length(took)))
}

/// A length of time for people, in its two greatest units.
fn length(milliseconds: i64) -> String {
    let seconds = milliseconds / 1_000;
    let units = [
        ("d", seconds / 86_400),
        ("h", seconds / 3_600 % 24),
        ("min", seconds / 60 % 60),
        ("s", seconds % 60),
    ];
    let told: Vec<String> = units
        .iter()
        .filter(|(_, count)| *count > 0)
        .take(2)
        .map(|(unit, count)| format!("{count} {unit}"))
        .collect();
    if told.is_empty() {
        format!("{milliseconds} ms")
    } else {
        told.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_told_in_its_two_greatest_units() {
        for (milliseconds, told) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (61_000, "1 min 1 s"),
            (90_061_000, "1 d 1 h"),
            (3_600_000, "1 h"),
        ] {
            assert_eq!(length(milliseconds), told);
        }
    }
}
