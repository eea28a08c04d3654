//! Telling an attempt to stop, and why.

use tokio::sync::watch;

/// Why an attempt is to stop.
///
/// Later ones weigh more: an attempt that was told one may yet be told a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Its run was cancelled: it has its grace.
    Cancelled,
    /// Its run was terminated.
    Terminated,
    /// The executor stops, and the time it gave to what runs is over.
    Draining,
    /// The executor cannot prolong its lease, and the work is about to be given to another.
    LeaseEnding,
    /// The work was given to another.
    Lost,
}

impl Stop {
    /// Whether the work has no time to end by itself.
    pub(crate) fn is_immediate(self) -> bool {
        self != Self::Cancelled
    }

    /// The reason, for people.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Cancelled => "stopped because its run was cancelled",
            Self::Terminated => "its run was terminated",
            Self::Draining => "the executor stopped",
            Self::LeaseEnding => {
                "the executor could not prolong its lease and ended its work before the lease did"
            }
            Self::Lost => "the executor's lease had ended",
        }
    }
}

/// Where an attempt hears that it is to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stops(watch::Receiver<Option<Stop>>);

impl Stops {
    /// A way to say stop, and where it is heard.
    pub(crate) fn new() -> (watch::Sender<Option<Stop>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// Waits until the attempt is to stop.
    pub(crate) async fn asked(&mut self) -> Stop {
        self.first(|_| true).await
    }

    /// Waits until the attempt is to stop without any grace.
    pub(crate) async fn asked_at_once(&mut self) -> Stop {
        self.first(Stop::is_immediate).await
    }

    /// Waits until nobody wants to hear of the attempt any more.
    pub(crate) async fn lost(&mut self) {
        self.first(|stop| stop == Stop::Lost).await;
    }

    async fn first(&mut self, wanted: impl Fn(Stop) -> bool) -> Stop {
        match self.0.wait_for(|stop| stop.is_some_and(&wanted)).await {
            Ok(stop) => stop.unwrap_or(Stop::Lost),
            // Who could say stop is gone, and with it whoever wants the result.
            Err(_) => Stop::Lost,
        }
    }
}
