//! How attempts ended, on the way to the work source.

use std::collections::VecDeque;

use waterclock_core::work::{Exchange, Lease, Report};

/// The most that is handed in at once.
const BATCH: usize = 500;

/// How the executor's part in an attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// With the attempt.
    Reported(Report),
    /// Its endpoint will finish it.
    Deferred(Lease),
}

impl Ending {
    /// Whose end this is.
    pub(crate) fn lease(&self) -> Lease {
        match self {
            Self::Reported(report) => report.lease,
            Self::Deferred(lease) => *lease,
        }
    }
}

/// What has ended and is not known to be durable. It leaves when an exchange has landed, and stays when it has not: handing
/// it in twice changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Ending>,
    /// How many, from the front, are in the exchange under way.
    in_flight: usize,
}

impl Outbox {
    /// Adds the end of an attempt.
    pub(crate) fn push(&mut self, ending: Ending) {
        self.waiting.push_back(ending);
    }

    /// The next exchange, which asks for this many slots.
    pub(crate) fn hand_in(&mut self, free_slots: u32) -> Exchange {
        self.in_flight = self.waiting.len().min(BATCH);
        let mut exchange = Exchange {
            free_slots,
            ..Exchange::default()
        };
        for ending in self.waiting.range(..self.in_flight) {
            match ending {
                Ending::Reported(report) => exchange.reports.push(report.clone()),
                Ending::Deferred(lease) => exchange.deferrals.push(*lease),
            }
        }
        exchange
    }

    /// The exchange has landed.
    pub(crate) fn landed(&mut self) {
        self.waiting.drain(..self.in_flight);
        self.in_flight = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use waterclock_core::id::{RunId, TaskRunId, TenantId};
    use waterclock_core::run::Outcome;

    use super::*;

    fn lease(fence: i32) -> Lease {
        Lease {
            tenant_id: TenantId::generate(),
            run_id: RunId::generate(),
            task_run_id: TaskRunId::generate(),
            fence,
        }
    }

    fn reported(fence: i32) -> Ending {
        Ending::Reported(Report {
            lease: lease(fence),
            outcome: Outcome::Succeeded,
            exit_code: None,
            http_status: None,
            message: None,
            output: None,
            retry_after: None,
        })
    }

    /// The fences of what is reported and of what is deferred.
    fn hand_in(outbox: &mut Outbox) -> (Vec<i32>, Vec<i32>) {
        let exchange = outbox.hand_in(0);
        let reports = exchange.reports.iter().map(|report| report.lease.fence);
        let deferrals = exchange.deferrals.iter().map(|lease| lease.fence);
        (reports.collect(), deferrals.collect())
    }

    #[test]
    fn endings_are_handed_in_again_until_an_exchange_lands() {
        let mut outbox = Outbox::default();
        outbox.push(reported(1));
        assert_eq!(hand_in(&mut outbox), (vec![1], vec![]));
        outbox.push(Ending::Deferred(lease(2)));
        let both = (vec![1], vec![2]);
        assert_eq!(hand_in(&mut outbox), both, "the first exchange did not land");
        outbox.push(reported(3));
        outbox.landed();
        assert_eq!(hand_in(&mut outbox), (vec![3], vec![]));
        outbox.landed();
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_exchange_carries_a_bounded_number_of_endings() {
        let mut outbox = Outbox::default();
        (0..501).for_each(|fence| outbox.push(reported(fence)));
        assert_eq!(outbox.hand_in(7).reports.len(), BATCH);
        outbox.landed();
        assert_eq!(outbox.hand_in(7).reports.len(), 1);
        assert_eq!(outbox.hand_in(7).free_slots, 7);
    }
}
