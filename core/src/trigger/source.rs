//! What triggers wait for.

use serde::{Deserialize, Serialize};

use super::signature::Scheme;
use crate::check::{Faults, check_range, check_text};
use crate::expression::Scope;
use crate::id::WorkflowId;
use crate::registered::Reference;
use crate::run::RunState;

/// What a trigger waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// The end of a run. A run within another belongs to that one, and is none of these.
    RunEnded {
        /// Of this workflow.
        workflow: WorkflowId,
        /// In one of these states.
        states: Vec<RunState>,
        /// The run that is started is for the same occurrence as the one that ended.
        same_period: bool,
    },
    /// An event that is published.
    Event {
        /// Of this name.
        name: String,
        /// About this; about anything when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// A request to an address of its own.
    Webhook {
        /// How it is signed.
        scheme: Scheme,
        /// How far the signed instant may lie from the present, in milliseconds.
        tolerance_ms: i64,
    },
}

impl Source {
    /// What it is, as callers name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunEnded { .. } => "runEnded",
            Self::Event { .. } => "event",
            Self::Webhook { .. } => "webhook",
        }
    }

    /// The workflow whose runs it waits for.
    #[must_use]
    pub fn watched(&self) -> Option<WorkflowId> {
        match self {
            Self::RunEnded { workflow, .. } => Some(*workflow),
            Self::Event { .. } | Self::Webhook { .. } => None,
        }
    }

    /// What a trigger's expressions may read of it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::RunEnded { .. } => Scope::default().with_upstream().with_occurrence(),
            Self::Event { .. } => Scope::default().with_event(),
            Self::Webhook { .. } => Scope::default().with_request(),
        }
    }

    /// Refuses to become another kind of source, or a webhook that is signed otherwise: what callers were told of it, its address and
    /// its secret, would be wrong.
    pub fn check_kept(&self, before: &Self, faults: &mut Faults) {
        let signed = |source: &Self| match source {
            Self::Webhook { scheme, .. } => Some(*scheme),
            _ => None,
        };
        if self.name() != before.name() {
            let message = format!(
                "the trigger waits for `{}`, and what it waits for stays of that kind; make another trigger for `{}`",
                before.name(),
                self.name()
            );
            faults.invalid(message);
        } else if signed(self) != signed(before) {
            let message = "how a webhook is signed stays, since its secret goes with it; make another trigger for another scheme";
            faults.within("webhook", |faults| {
                faults.within("scheme", |faults| faults.invalid(message));
            });
        }
    }
}

/// What a caller wants a trigger to wait for.
#[derive(Clone, Debug, Serialize)]
pub enum SourceProposal {
    /// The end of a run.
    RunEnded {
        /// Of this workflow.
        workflow: Reference<WorkflowId>,
        /// In one of these states.
        states: Vec<RunState>,
        /// The run that is started is for the same occurrence as the one that ended.
        same_period: bool,
    },
    /// An event that is published.
    Event {
        /// Of this name.
        name: String,
        /// About this.
        key: Option<String>,
    },
    /// A request to an address of its own.
    Webhook {
        /// How it is signed.
        scheme: Scheme,
        /// How far the signed instant may lie from the present, in milliseconds.
        tolerance_ms: i64,
    },
}

/// The most bytes of an event's name, and of its key.
const LONGEST_NAME: usize = 255;
/// How far a signed instant may be allowed to lie from the present, in milliseconds: a second to a day.
const TOLERANCES_MS: std::ops::RangeInclusive<i64> = 1_000..=86_400_000;

impl SourceProposal {
    /// Checks everything that needs no database; `watched` is what the reference to a workflow leads to. Gives the source unless
    /// that is nothing.
    pub fn check(&self, watched: Option<WorkflowId>, faults: &mut Faults) -> Option<Source> {
        match self {
            Self::RunEnded {
                states, same_period, ..
            } => {
                faults.within("runEnded", |faults| {
                    faults.within("states", |faults| check_states(states, faults));
                });
                Some(Source::RunEnded {
                    workflow: watched?,
                    states: states.clone(),
                    same_period: *same_period,
                })
            }
            Self::Event { name, key } => {
                faults.within("event", |faults| {
                    faults.within("name", |faults| {
                        if name.is_empty() {
                            faults.invalid("an event has a name");
                        }
                        check_text(faults, name, LONGEST_NAME);
                    });
                    if let Some(key) = key {
                        faults.within("key", |faults| check_text(faults, key, LONGEST_NAME));
                    }
                });
                Some(Source::Event {
                    name: name.clone(),
                    key: key.clone(),
                })
            }
            Self::Webhook { scheme, tolerance_ms } => {
                faults.within("webhook", |faults| {
                    faults.within("tolerance", |faults| {
                        check_range(
                            faults,
                            "a tolerance in milliseconds",
                            *tolerance_ms,
                            TOLERANCES_MS,
                        );
                    });
                });
                Some(Source::Webhook {
                    scheme: *scheme,
                    tolerance_ms: *tolerance_ms,
                })
            }
        }
    }
}

fn check_states(states: &[RunState], faults: &mut Faults) {
    if states.is_empty() {
        faults.invalid("name the states in which a run may end: SUCCEEDED, FAILED, CANCELLED, TIMED_OUT");
    }
    for (place, state) in states
        .iter()
        .enumerate()
        .filter(|(_, state)| !state.is_terminal())
    {
        let message = format!("no run ends as {state}; runs end as SUCCEEDED, FAILED, CANCELLED, TIMED_OUT");
        faults.within(&place, |faults| faults.invalid(message));
    }
}
