//! The states of runs, task runs and attempts.
//!
//! Two functions are the tables: [`RunState::after`] and [`TaskRunState::after`]. What they do not list is refused, and
//! each statement that moves rows names its move in the same words.

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in tables, events and the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::run::UnknownName;

            fn from_str(text: &str) -> Result<Self, $crate::run::UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err($crate::run::UnknownName(other.to_owned())),
                }
            }
        }
    };
}

pub(crate) use named;

/// Text that names none of them: the database was written by another release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names nothing that this release knows")]
pub struct UnknownName(pub(crate) String);

named! {
    /// What a run is.
    RunState {
        /// Nothing of it has started.
        Queued = "QUEUED",
        /// At least one attempt has started.
        Running = "RUNNING",
        /// It starts nothing until it is resumed.
        Paused = "PAUSED",
        /// All its task runs have ended, and no failure was left unhandled.
        Succeeded = "SUCCEEDED",
        /// A task run failed for good.
        Failed = "FAILED",
        /// Somebody stopped it.
        Cancelled = "CANCELLED",
        /// It took longer than it may.
        TimedOut = "TIMED_OUT",
    }
}

named! {
    /// What a task run is.
    TaskRunState {
        /// It waits for the task runs before it.
        Blocked = "BLOCKED",
        /// It waits for an executor.
        Ready = "READY",
        /// An executor has been chosen and has not started it yet.
        Assigned = "ASSIGNED",
        /// An executor is at it, or the service itself: it waits for people, an instant, an event, its items or a run.
        Running = "RUNNING",
        /// It waits for the instant of its next attempt.
        RetryWait = "RETRY_WAIT",
        /// Its last attempt succeeded, or it passed without one.
        Succeeded = "SUCCEEDED",
        /// Its attempts or its faults are spent, or it could not start.
        Failed = "FAILED",
        /// Its run was stopped before it had ended.
        Cancelled = "CANCELLED",
        /// A rule, a condition, a branch or somebody passed it over.
        Skipped = "SKIPPED",
        /// A task run before it failed, so it never started.
        UpstreamFailed = "UPSTREAM_FAILED",
    }
}

named! {
    /// How an attempt ended.
    Outcome {
        /// The work was done.
        Succeeded = "SUCCEEDED",
        /// The work itself said no.
        Failed = "FAILED",
        /// The executor was lost, or could not start the work.
        Fault = "FAULT",
        /// It was stopped because its run was.
        Cancelled = "CANCELLED",
        /// It took longer than it may.
        TimedOut = "TIMED_OUT",
    }
}

named! {
    /// What happens to a run.
    RunEvent {
        /// Its first attempt started.
        Started = "STARTED",
        /// Somebody asked that nothing more of it start.
        Paused = "PAUSED",
        /// Somebody let it go on, some of it having started.
        Resumed = "RESUMED",
        /// Somebody let it go on before any of it had started.
        Requeued = "REQUEUED",
        /// Its last task run ended and none had failed.
        Succeeded = "SUCCEEDED",
        /// Its last task run ended and one had failed.
        Failed = "FAILED",
        /// It was stopped and nothing of it runs any more.
        Cancelled = "CANCELLED",
        /// Its time was over and nothing of it runs any more.
        TimedOut = "TIMED_OUT",
    }
}

named! {
    /// What happens to a task run.
    TaskRunEvent {
        /// The last task run that it waited for succeeded.
        Released = "RELEASED",
        /// A task run that it waited for failed for good.
        UpstreamFailed = "UPSTREAM_FAILED",
        /// A rule, a condition, a branch or somebody passed it over.
        Skipped = "SKIPPED",
        /// A scheduler chose an executor.
        Assigned = "ASSIGNED",
        /// The executor started it.
        Started = "STARTED",
        /// The work was done.
        Succeeded = "SUCCEEDED",
        /// An attempt did not succeed and another is due later.
        RetryLater = "RETRY_LATER",
        /// The instant of the next attempt came.
        RetryDue = "RETRY_DUE",
        /// The executor was lost; another may have it.
        Reclaimed = "RECLAIMED",
        /// Its run was paused before the executor had started it.
        Paused = "PAUSED",
        /// The service took it into its own hands.
        Held = "HELD",
        /// It counts as done without an attempt: it is disabled, a choice was made, there was nothing to do, somebody said so.
        Passed = "PASSED",
        /// It cannot start: an expression of it fails.
        Unfit = "UNFIT",
        /// It waited longer than it may.
        Late = "LATE",
        /// No attempt, or no fault, is left.
        Spent = "SPENT",
        /// Its run was stopped.
        Cancelled = "CANCELLED",
    }
}

/// A change that the tables do not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is {from} cannot change by {event}")]
pub struct IllegalTransition {
    from: &'static str,
    event: &'static str,
}

impl RunState {
    /// The only way a run changes state.
    pub fn after(self, event: RunEvent) -> Result<Self, IllegalTransition> {
        use {RunEvent as On, RunState as Is};
        match (self, event) {
            (Is::Queued, On::Started) | (Is::Paused, On::Resumed) => Ok(Is::Running),
            (Is::Paused, On::Requeued) => Ok(Is::Queued),
            (Is::Queued | Is::Running, On::Paused) => Ok(Is::Paused),
            (Is::Queued | Is::Running | Is::Paused, On::Succeeded) => Ok(Is::Succeeded),
            (Is::Queued | Is::Running | Is::Paused, On::Failed) => Ok(Is::Failed),
            (Is::Queued | Is::Running | Is::Paused, On::Cancelled) => Ok(Is::Cancelled),
            (Is::Queued | Is::Running | Is::Paused, On::TimedOut) => Ok(Is::TimedOut),
            (from, event) => Err(IllegalTransition {
                from: from.as_str(),
                event: event.as_str(),
            }),
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::TimedOut
        )
    }
}

impl TaskRunState {
    /// The only way a task run changes state.
    pub fn after(self, event: TaskRunEvent) -> Result<Self, IllegalTransition> {
        use {TaskRunEvent as On, TaskRunState as Is};
        match (self, event) {
            (Is::Blocked, On::Released)
            | (Is::RetryWait, On::RetryDue)
            | (Is::Assigned | Is::Running, On::Reclaimed)
            | (Is::Assigned, On::Paused) => Ok(Is::Ready),
            (Is::Blocked, On::UpstreamFailed) => Ok(Is::UpstreamFailed),
            (Is::Ready, On::Assigned) => Ok(Is::Assigned),
            (Is::Assigned, On::Started) | (Is::Blocked, On::Held) => Ok(Is::Running),
            (Is::Assigned | Is::Running, On::RetryLater) => Ok(Is::RetryWait),
            (Is::Running, On::Succeeded) | (Is::Blocked | Is::Ready | Is::RetryWait, On::Passed) => {
                Ok(Is::Succeeded)
            }
            (Is::Assigned | Is::Running, On::Spent)
            | (Is::Blocked, On::Unfit)
            | (Is::Ready | Is::RetryWait, On::Late) => Ok(Is::Failed),
            (Is::Blocked | Is::Ready | Is::Assigned | Is::Running | Is::RetryWait, On::Skipped) => {
                Ok(Is::Skipped)
            }
            (Is::Blocked | Is::Ready | Is::Assigned | Is::Running | Is::RetryWait, On::Cancelled) => {
                Ok(Is::Cancelled)
            }
            (from, event) => Err(IllegalTransition {
                from: from.as_str(),
                event: event.as_str(),
            }),
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped | Self::UpstreamFailed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_state_is_never_left_and_every_other_can_end() {
        for &state in TaskRunState::ALL {
            let next: Vec<_> = TaskRunEvent::ALL
                .iter()
                .filter_map(|&event| state.after(event).ok())
                .collect();
            assert_eq!(next.is_empty(), state.is_terminal(), "{state}");
            assert_eq!(
                next.contains(&TaskRunState::Cancelled),
                !state.is_terminal(),
                "{state}"
            );
        }
        for &state in RunState::ALL {
            let next: Vec<_> = RunEvent::ALL
                .iter()
                .filter_map(|&event| state.after(event).ok())
                .collect();
            assert_eq!(next.is_empty(), state.is_terminal(), "{state}");
            assert_eq!(
                next.contains(&RunState::Cancelled),
                !state.is_terminal(),
                "{state}"
            );
        }
    }

    #[test]
    fn every_state_of_a_task_run_is_reached_from_blocked() {
        let mut reached = vec![TaskRunState::Blocked];
        let mut at = 0;
        while let Some(&state) = reached.get(at) {
            for &event in TaskRunEvent::ALL {
                if let Ok(next) = state.after(event)
                    && !reached.contains(&next)
                {
                    reached.push(next);
                }
            }
            at += 1;
        }
        assert_eq!(reached.len(), TaskRunState::ALL.len(), "{reached:?}");
    }

    #[test]
    fn names_survive_a_round_trip() {
        for &state in TaskRunState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("ready".parse::<TaskRunState>().is_err());
    }
}
