//! What a firing is about, and what may become of it.

use serde::{Deserialize, Serialize};

use crate::expression::{Bindings, EventFacts, OccurrenceFacts, RequestFacts, UpstreamFacts};
use crate::id::{PublishedEventId, RunId};
use crate::run::{self, named};

named! {
    /// What became of a firing.
    FiringOutcome {
        /// Nobody has decided about it yet.
        Pending = "PENDING",
        /// Its run was started.
        Fired = "FIRED",
        /// The trigger's filter was false.
        Filtered = "FILTERED",
        /// The trigger was paused.
        Paused = "PAUSED",
        /// Its run could not be made: an expression came to nothing, or the workflow is not published, or does not take the inputs.
        Rejected = "REJECTED",
        /// The tenant has as many runs as it may.
        RejectedQuota = "REJECTED_QUOTA",
    }
}

/// What a trigger's expressions read of a firing, by the names under which they do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FiringFacts {
    /// A run had ended.
    RunEnded {
        /// The run.
        upstream: UpstreamFacts,
        /// The occurrence that the run was for.
        occurrence: Option<OccurrenceFacts>,
    },
    /// An event was published.
    Event {
        /// The event.
        event: EventFacts,
    },
    /// A webhook was called.
    Webhook {
        /// What it was sent.
        request: RequestFacts,
    },
}

impl FiringFacts {
    /// The values behind the names.
    #[must_use]
    pub fn bindings(&self) -> Bindings {
        let bindings = Bindings::default();
        match self.clone() {
            Self::RunEnded { upstream, occurrence } => {
                let bindings = bindings.with_upstream(upstream);
                match occurrence {
                    Some(occurrence) => bindings.with_occurrence(occurrence),
                    None => bindings.with_no_occurrence(),
                }
            }
            Self::Event { event } => bindings.with_event(event),
            Self::Webhook { request } => bindings.with_request(request),
        }
    }

    /// What a run that is started because of it is said to be caused by.
    #[must_use]
    pub fn causes(&self) -> run::Trigger {
        match self {
            Self::RunEnded { .. } => run::Trigger::RunEnded,
            Self::Event { .. } => run::Trigger::Event,
            Self::Webhook { .. } => run::Trigger::Webhook,
        }
    }
}

/// What causes a firing. With the trigger it names the firing, so that the same thing that happens once fires once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A run had ended.
    Run(RunId),
    /// An event was published.
    Event(PublishedEventId),
    /// A webhook was called: what makes this call differ from every other one.
    Call(String),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(id) => write!(f, "run {id}"),
            Self::Event(id) => write!(f, "event {id}"),
            Self::Call(name) => write!(f, "call {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_kept_under_the_names_that_expressions_read() {
        let event = EventFacts {
            id: "4f".to_owned(),
            name: "paid".to_owned(),
            key: None,
            payload: Arc::new(json!({"amount": 120})),
            published_by: "shop".to_owned(),
        };
        let kept = serde_json::to_value(FiringFacts::Event { event }).unwrap();
        assert_eq!(
            kept,
            json!({"event": {
                "id": "4f", "name": "paid", "key": null, "payload": {"amount": 120}, "publishedBy": "shop",
            }})
        );
        let read: FiringFacts = serde_json::from_value(kept).unwrap();
        assert!(matches!(read, FiringFacts::Event { .. }));
        let upstream = json!({
            "id": RunId::generate(), "workflow": "etl", "state": "FAILED", "reason": null, "inputs": {}, "outputs": null,
            "startedAt": null, "finishedAt": "2026-11-21T02:30:00Z",
        });
        let kept = json!({"upstream": upstream, "occurrence": null});
        let read: FiringFacts = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), kept);
        assert_eq!(read.causes(), run::Trigger::RunEnded);
    }
}
