//! What becomes of a task run when one of its attempts has ended.

use std::time::Duration;

use crate::retry::{Remedy, RetryPolicy, Symptoms};

use super::{Outcome, TaskRunState};

/// The longest that an endpoint's `Retry-After` is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// What went before an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Failures before this attempt.
    pub failures: i32,
    /// Faults before this attempt.
    pub faults: i32,
    /// How long ago the first attempt started.
    pub elapsed: Duration,
    /// Nothing of the run is to start any more.
    pub stopping: bool,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// In a word.
    pub outcome: Outcome,
    /// What it said.
    pub symptoms: Symptoms<'a>,
    /// How long the endpoint asked to be left alone.
    pub retry_after: Option<Duration>,
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

/// Decides from the end of an attempt and what went before it. `chance`, 0 to 1, is what the policy's jitter makes use of.
#[must_use]
pub fn verdict(policy: &RetryPolicy, standing: Standing, ending: Ending<'_>, chance: f64) -> Verdict {
    let outcome = ending.outcome;
    let failures = standing.failures + i32::from(matches!(outcome, Outcome::Failed | Outcome::TimedOut));
    // An executor that stops what nobody cancelled has not done the work, and the work has not said no.
    let is_fault = outcome == Outcome::Fault || outcome == Outcome::Cancelled && !standing.stopping;
    let faults = standing.faults + i32::from(is_fault);
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
    if standing.stopping {
        return ended(TaskRunState::Cancelled, Some("its run was stopped".to_owned()));
    }
    let told = ending.symptoms.message.unwrap_or("no message was given");
    if is_fault {
        return match policy.after_fault(faults) {
            Some(delay) => again(ended, delay),
            None => ended(
                TaskRunState::Failed,
                Some(format!("{faults} attempts ended in a fault; the last: {told}")),
            ),
        };
    }
    match policy.remedy(outcome, ending.symptoms) {
        Some(Remedy::Fail) => return ended(TaskRunState::Failed, Some(told.to_owned())),
        Some(Remedy::Skip) => {
            let reason = format!("a retry rule skips it after: {told}");
            return ended(TaskRunState::Skipped, Some(reason));
        }
        Some(Remedy::Retry) | None => {}
    }
    let Some(delay) = policy.after_failure(failures, chance) else {
        return ended(TaskRunState::Failed, Some(told.to_owned()));
    };
    let delay = delay.max(ending.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
    match policy.max_duration_ms {
        Some(most) if standing.elapsed + delay > Duration::from_millis(most.unsigned_abs()) => {
            let reason = format!("the time for attempts, {most} ms, is over; the last said: {told}");
            ended(TaskRunState::Failed, Some(reason))
        }
        _ => again(ended, delay),
    }
}

fn again(ended: impl Fn(TaskRunState, Option<String>) -> Verdict, delay: Duration) -> Verdict {
    let state = if delay.is_zero() {
        TaskRunState::Ready
    } else {
        TaskRunState::RetryWait
    };
    Verdict {
        delay,
        ..ended(state, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::RetryRule;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            max_attempts: 2,
            delay_ms: 100,
            factor: 2.0,
            max_delay_ms: 1000,
            max_faults: 2,
            ..RetryPolicy::default()
        }
    }

    const FRESH: Standing = Standing {
        failures: 0,
        faults: 0,
        elapsed: Duration::ZERO,
        stopping: false,
    };

    fn ending(outcome: Outcome, message: Option<&str>) -> Ending<'_> {
        Ending {
            outcome,
            symptoms: Symptoms {
                exit_code: Some(1),
                message,
                ..Symptoms::default()
            },
            retry_after: None,
        }
    }

    fn after(policy: &RetryPolicy, standing: Standing, outcome: Outcome) -> Verdict {
        verdict(policy, standing, ending(outcome, Some("exit code 1")), 0.0)
    }

    fn state(standing: Standing, outcome: Outcome) -> TaskRunState {
        after(&policy(), standing, outcome).state
    }

    #[test]
    fn a_failure_is_retried_after_its_delay_until_the_attempts_are_spent() {
        let first = after(&policy(), FRESH, Outcome::Failed);
        assert_eq!(
            (first.state, first.delay),
            (TaskRunState::RetryWait, Duration::from_millis(100))
        );
        let last = after(&policy(), Standing { failures: 1, ..FRESH }, Outcome::TimedOut);
        assert_eq!(
            (last.state, last.reason.as_deref()),
            (TaskRunState::Failed, Some("exit code 1"))
        );
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = vec![
            RetryRule {
                exit_codes: vec![1],
                message: Some("absent".to_owned()),
                then: Remedy::Fail,
                ..RetryRule::default()
            },
            RetryRule {
                exit_codes: vec![1],
                then: Remedy::Skip,
                ..RetryRule::default()
            },
        ];
        let with_rules = RetryPolicy { rules, ..policy() };
        assert_eq!(
            after(&with_rules, FRESH, Outcome::Failed).state,
            TaskRunState::Skipped
        );
    }

    #[test]
    fn what_the_endpoint_asks_for_lengthens_the_wait() {
        let asked = Ending {
            retry_after: Some(Duration::from_secs(7)),
            ..ending(Outcome::Failed, None)
        };
        let again = verdict(&policy(), FRESH, asked, 0.0);
        assert_eq!(again.delay, Duration::from_secs(7));
    }

    #[test]
    fn no_attempt_begins_after_the_time_for_attempts() {
        let bounded = RetryPolicy {
            max_duration_ms: Some(150),
            ..policy()
        };
        assert_eq!(
            after(&bounded, FRESH, Outcome::Failed).state,
            TaskRunState::RetryWait
        );
        let late = Standing {
            elapsed: Duration::from_millis(60),
            ..FRESH
        };
        assert_eq!(after(&bounded, late, Outcome::Failed).state, TaskRunState::Failed);
    }

    #[test]
    fn jitter_takes_away_no_more_than_its_share() {
        let jittered = RetryPolicy {
            jitter: 0.5,
            ..policy()
        };
        let least = verdict(&jittered, FRESH, ending(Outcome::Failed, None), 1.0);
        assert_eq!(least.delay, Duration::from_millis(50));
    }

    #[test]
    fn a_fault_spends_no_attempt_and_has_a_bound_of_its_own() {
        let first = after(&policy(), FRESH, Outcome::Fault);
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
        let stopping = Standing {
            stopping: true,
            ..FRESH
        };
        for outcome in [
            Outcome::Failed,
            Outcome::Fault,
            Outcome::TimedOut,
            Outcome::Cancelled,
        ] {
            assert_eq!(state(stopping, outcome), TaskRunState::Cancelled, "{outcome}");
        }
        assert_eq!(state(stopping, Outcome::Succeeded), TaskRunState::Succeeded);
    }

    #[test]
    fn what_an_executor_stopped_unasked_goes_to_another() {
        assert_eq!(state(FRESH, Outcome::Cancelled), TaskRunState::Ready);
    }
}
