//! Reports on their way to the work source.

use std::collections::VecDeque;

use waterclock_core::work::Report;

/// The most reports that are handed in at once.
const BATCH: usize = 500;

/// What has ended and is not known to be durable. Reports leave it when an exchange has landed, and stay when it has not:
/// handing one in twice changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Report>,
    /// How many, from the front, are in the exchange under way.
    in_flight: usize,
}

impl Outbox {
    /// Adds the report of an attempt that has ended.
    pub(crate) fn push(&mut self, report: Report) {
        self.waiting.push_back(report);
    }

    /// The reports of the next exchange.
    pub(crate) fn hand_in(&mut self) -> Vec<Report> {
        self.in_flight = self.waiting.len().min(BATCH);
        self.waiting.range(..self.in_flight).cloned().collect()
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
    use waterclock_core::work::Lease;

    use super::*;

    fn report(fence: i32) -> Report {
        Report {
            lease: Lease {
                tenant_id: TenantId::generate(),
                run_id: RunId::generate(),
                task_run_id: TaskRunId::generate(),
                fence,
            },
            outcome: Outcome::Succeeded,
            exit_code: None,
            http_status: None,
            message: None,
            output: None,
            retry_after: None,
        }
    }

    #[test]
    fn reports_are_handed_in_again_until_an_exchange_lands() {
        let mut outbox = Outbox::default();
        outbox.push(report(1));
        assert_eq!(outbox.hand_in().len(), 1);
        outbox.push(report(2));
        let fences =
            |reports: Vec<Report>| -> Vec<i32> { reports.iter().map(|report| report.lease.fence).collect() };
        assert_eq!(
            fences(outbox.hand_in()),
            [1, 2],
            "the first exchange did not land"
        );
        outbox.push(report(3));
        outbox.landed();
        assert_eq!(fences(outbox.hand_in()), [3]);
        outbox.landed();
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_exchange_carries_a_bounded_number_of_reports() {
        let mut outbox = Outbox::default();
        (0..501).for_each(|fence| outbox.push(report(fence)));
        assert_eq!(outbox.hand_in().len(), BATCH);
        outbox.landed();
        assert_eq!(outbox.hand_in().len(), 1);
    }
}
