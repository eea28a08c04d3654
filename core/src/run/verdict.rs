//! What becomes of a task run when one of its attempts has ended.

use std::time::Duration;

use crate::retry::RetryPolicy;

use super::{Outcome, TaskRunState};

/// What an attempt leaves behind for its task run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Failures before this attempt.
    pub failures: i32,
    /// Faults before this attempt.
    pub faults: i32,
    /// The run was told to stop.
    pub cancelling: bool,
}

/// What becomes of a task run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its state now; `READY` and `RETRY_WAIT` mean another attempt.
    pub state: TaskRunState,
    /// Why it did not succeed, in a sentence, when it has ended.
    pub reason: Option<String>,
    /// How long until the next attempt.
    pub delay: Duration,
    /// Failures with this attempt.
    pub failures: i32,
    /// Faults with this attempt.
    pub faults: i32,
}

/// Decides from the outcome of an attempt and what went before it.
#[must_use]
pub fn verdict(policy: &RetryPolicy, standing: Standing, outcome: Outcome, message: Option<&str>) -> Verdict {
    let Standing {
        failures,
        faults,
        cancelling,
    } = standing;
    let failures = failures + i32::from(matches!(outcome, Outcome::Failed | Outcome::TimedOut));
    // An executor that stops what nobody cancelled has not done the work, and the work has not said no.
    let is_fault = outcome == Outcome::Fault || outcome == Outcome::Cancelled && !cancelling;
    let faults = faults + i32::from(is_fault);
    let ended = |state, reason| Verdict {
        state,
        reason,
        delay: Duration::ZERO,
        failures,
        faults,
    };
    if outcome == Outcome::Succeeded {
        return ended(TaskRunState::Succeeded, None);
    }
    if cancelling {
        return ended(TaskRunState::Cancelled, Some("its run was cancelled".to_owned()));
    }
    let next = if is_fault {
        policy.after_fault(faults)
    } else {
        policy.after_failure(failures)
    };
    match next {
        Some(Duration::ZERO) => ended(TaskRunState::Ready, None),
        Some(delay) => Verdict {
            delay,
            ..ended(TaskRunState::RetryWait, None)
        },
        None => ended(TaskRunState::Failed, Some(last_word(is_fault, faults, message))),
    }
}

fn last_word(is_fault: bool, faults: i32, message: Option<&str>) -> String {
    let message = message.unwrap_or("no message was given");
    if is_fault {
        format!("{faults} attempts ended in a fault; the last: {message}")
    } else {
        message.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 2,
        delay_ms: 100,
        factor: 2.0,
        max_delay_ms: 1000,
        max_faults: 2,
    };
    const FRESH: Standing = Standing {
        failures: 0,
        faults: 0,
        cancelling: false,
    };

    fn state(standing: Standing, outcome: Outcome) -> TaskRunState {
        verdict(&POLICY, standing, outcome, None).state
    }

    #[test]
    fn a_failure_is_retried_after_its_delay_until_the_attempts_are_spent() {
        let first = verdict(&POLICY, FRESH, Outcome::Failed, Some("exit code 1"));
        assert_eq!(
            (first.state, first.delay),
            (TaskRunState::RetryWait, Duration::from_millis(100))
        );
        let last = verdict(
            &POLICY,
            Standing { failures: 1, ..FRESH },
            Outcome::TimedOut,
            Some("exit code 1"),
        );
        assert_eq!(
            (last.state, last.reason.as_deref()),
            (TaskRunState::Failed, Some("exit code 1"))
        );
    }

    #[test]
    fn a_fault_spends_no_attempt_and_has_a_bound_of_its_own() {
        let first = verdict(&POLICY, FRESH, Outcome::Fault, None);
        assert_eq!(
            (first.state, first.failures, first.faults),
            (TaskRunState::Ready, 0, 1)
        );
        assert_eq!(
            state(Standing { faults: 1, ..FRESH }, Outcome::Fault),
            TaskRunState::Failed
        );
    }

    #[test]
    fn nothing_is_tried_again_once_the_run_was_told_to_stop() {
        let cancelling = Standing {
            cancelling: true,
            ..FRESH
        };
        for outcome in [
            Outcome::Failed,
            Outcome::Fault,
            Outcome::TimedOut,
            Outcome::Cancelled,
        ] {
            assert_eq!(state(cancelling, outcome), TaskRunState::Cancelled, "{outcome}");
        }
        assert_eq!(state(cancelling, Outcome::Succeeded), TaskRunState::Succeeded);
    }

    #[test]
    fn what_an_executor_stopped_unasked_goes_to_another() {
        assert_eq!(state(FRESH, Outcome::Cancelled), TaskRunState::Ready);
    }
}
