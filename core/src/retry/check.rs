//! Whether a retry policy is one, and whether its rules can ever speak.

use super::{RetryPolicy, RetryRule};
use crate::check::{Faults, check_range, check_text};
use crate::endpoint::check_statuses;
use crate::run::Outcome;
use crate::task_node::Performer;

/// The most attempts, and the most faults.
const MOST_ATTEMPTS: i64 = 100;
/// The longest wait between attempts, in milliseconds: a week.
const LONGEST_DELAY: i64 = 7 * 86_400_000;
/// The longest that attempts may be begun after the first failure, in milliseconds: 30 days.
const LONGEST_DURATION: i64 = 30 * 86_400_000;
/// The most rules, and the most entries of each list in one.
const MOST_RULES: usize = 100;
/// The most bytes of a message's part.
const LONGEST_MESSAGE: usize = 1024;

impl RetryPolicy {
    /// Checks the form of everything.
    pub fn check(&self, faults: &mut Faults) {
        let numbers = [
            (
                "maxAttempts",
                "the number of attempts",
                Some(i64::from(self.max_attempts)),
                1..=MOST_ATTEMPTS,
            ),
            (
                "delay",
                "the delay in milliseconds",
                Some(self.delay_ms),
                0..=LONGEST_DELAY,
            ),
            (
                "maxDelay",
                "the longest delay in milliseconds",
                Some(self.max_delay_ms),
                0..=LONGEST_DELAY,
            ),
            (
                "maxDuration",
                "the total duration in milliseconds",
                self.max_duration_ms,
                1..=LONGEST_DURATION,
            ),
            (
                "maxFaults",
                "the number of faults",
                Some(i64::from(self.max_faults)),
                1..=MOST_ATTEMPTS,
            ),
        ];
        for (name, what, value, range) in numbers {
            if let Some(value) = value {
                faults.within(name, |faults| check_range(faults, what, value, range));
            }
        }
        for (name, what, value, range) in [
            ("factor", "the factor", self.factor, 1.0..=100.0),
            ("jitter", "the jitter", self.jitter, 0.0..=1.0),
        ] {
            if !range.contains(&value) {
                let (from, to) = range.into_inner();
                faults.within(name, |faults| {
                    faults.invalid(format!("{what} is {from} to {to}, not {value}"));
                });
            }
        }
        faults.each("rules", &self.rules, MOST_RULES, |faults, rule| {
            rule.check(faults);
        });
        self.check_reach(faults);
    }

    /// A rule that fits anything hides those behind it, so it must be the last.
    fn check_reach(&self, faults: &mut Faults) {
        let Some(place) = self.rules.iter().position(RetryRule::fits_anything) else {
            return;
        };
        if place + 1 < self.rules.len() {
            faults.within("rules", |faults| {
                faults.within(&place, |faults| {
                    faults.invalid(
                        "a rule that names nothing fits every attempt, so those behind it would never be looked at; \
                         put it last, or say what it is about",
                    );
                });
            });
        }
    }

    /// Refuses what can never fit an attempt of `performer`.
    pub fn check_applicable(&self, performer: Performer, faults: &mut Faults) {
        for (place, rule) in self.rules.iter().enumerate() {
            let pairs = [
                ("exitCodes", !rule.exit_codes.is_empty(), Performer::Program),
                (
                    "httpStatuses",
                    !rule.http_statuses.is_empty(),
                    Performer::Endpoint,
                ),
            ];
            for (name, is_given, needed) in pairs {
                if is_given && performer != needed {
                    let message = format!(
                        "the rule would never fit: `{name}` are of {}, and this is {}",
                        needed.noun(),
                        performer.noun()
                    );
                    faults.within("rules", |faults| {
                        faults.within(&place, |faults| {
                            faults.within(name, |faults| faults.invalid(message));
                        });
                    });
                }
            }
        }
    }
}

impl RetryRule {
    fn fits_anything(&self) -> bool {
        self.exit_codes.is_empty()
            && self.http_statuses.is_empty()
            && self.outcomes.is_empty()
            && self.message.is_none()
    }

    fn check(&self, faults: &mut Faults) {
        faults.each("exitCodes", &self.exit_codes, MOST_RULES, |faults, &code| {
            check_range(faults, "an exit code that is no success", code.into(), 1..=255);
        });
        faults.each(
            "httpStatuses",
            &self.http_statuses,
            MOST_RULES,
            |faults, &range| {
                check_statuses(faults, range);
            },
        );
        faults.each("outcomes", &self.outcomes, Outcome::ALL.len(), |faults, outcome| {
            if matches!(outcome, Outcome::Succeeded | Outcome::Cancelled) {
                faults.invalid(format!(
                    "no attempt that ended as {outcome} is tried again; a rule is about FAILED, FAULT or TIMED_OUT"
                ));
            }
        });
        if let Some(message) = &self.message {
            faults.within("message", |faults| {
                check_text(faults, message, LONGEST_MESSAGE);
                if message.is_empty() {
                    faults.invalid("every message contains the empty text; leave the field out");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;
    use crate::retry::Remedy;

    fn told(policy: &RetryPolicy, performer: Performer) -> Vec<String> {
        let mut faults = Faults::default();
        policy.check(&mut faults);
        policy.check_applicable(performer, &mut faults);
        match faults.into_result() {
            Err(CommandError::Refused(refusals)) => {
                refusals.iter().map(|refusal| refusal.path.join(".")).collect()
            }
            _ => Vec::new(),
        }
    }

    fn exits(code: i32) -> RetryRule {
        RetryRule {
            exit_codes: vec![code],
            then: Remedy::Fail,
            ..RetryRule::default()
        }
    }

    #[test]
    fn a_rule_for_all_else_stands_last() {
        let rules = |rules: Vec<RetryRule>| RetryPolicy {
            rules,
            ..RetryPolicy::default()
        };
        let last = rules(vec![exits(2), RetryRule::default()]);
        assert_eq!(told(&last, Performer::Program), Vec::<String>::new());
        let first = rules(vec![RetryRule::default(), exits(2)]);
        assert_eq!(told(&first, Performer::Program), ["rules.0"]);
    }

    #[test]
    fn a_rule_that_can_never_speak_is_refused() {
        let cancelled = RetryRule {
            outcomes: vec![Outcome::TimedOut, Outcome::Cancelled],
            message: Some(String::new()),
            ..RetryRule::default()
        };
        let policy = RetryPolicy {
            jitter: 1.5,
            rules: vec![exits(0), cancelled],
            ..RetryPolicy::default()
        };
        assert_eq!(
            told(&policy, Performer::Endpoint),
            [
                "jitter",
                "rules.0.exitCodes.0",
                "rules.1.outcomes.1",
                "rules.1.message",
                "rules.0.exitCodes"
            ]
        );
    }
}
