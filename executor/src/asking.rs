//! When to ask for work: because of a hint, because there was more than the slots could take, or because time passed.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// How long to wait, in milliseconds, when the source could not decide just then and wants to be asked again.
const ASK_AGAIN_MS: std::ops::RangeInclusive<u64> = 1..=3;

/// When to ask for work.
#[derive(Debug)]
pub(crate) struct Asking {
    /// There is a reason to ask.
    wanted: bool,
    /// The last exchange filled every slot it asked for: there is probably more.
    more: bool,
    /// The slots that the exchange under way asked for.
    asked: u32,
    /// When to ask without any hint.
    next: Instant,
    /// No exchange before [`Asking::next`]: the last one failed.
    held: bool,
    backoff: Backoff,
}

impl Asking {
    /// To ask as soon as there is somebody who could.
    pub(crate) fn at_once() -> Self {
        Self {
            wanted: true,
            more: false,
            asked: 0,
            next: Instant::now(),
            held: false,
            backoff: Backoff::default(),
        }
    }

    /// When to ask without any hint, or again after a failure.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Whether an exchange may begin: not while the last failure is too fresh.
    pub(crate) fn is_allowed(&self) -> bool {
        !self.held
    }

    /// Whether the last exchange failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.backoff.is_failing()
    }

    /// Whether there is a reason to ask with this many slots free.
    pub(crate) fn has_reason(&self, free_slots: u32) -> bool {
        self.wanted || (self.more && free_slots > 0)
    }

    /// There may be something.
    pub(crate) fn hinted(&mut self) {
        self.wanted = true;
    }

    /// [`Asking::next`] has come.
    pub(crate) fn came_due(&mut self, idle: Duration) {
        self.wanted = true;
        self.held = false;
        self.next = Instant::now() + idle;
    }

    /// An exchange began that asks for this many slots.
    pub(crate) fn begun(&mut self, free_slots: u32, idle: Duration) {
        self.wanted = false;
        self.more = false;
        self.asked = free_slots;
        self.next = Instant::now() + idle;
    }

    /// The exchange landed and gave work of this cost.
    pub(crate) fn answered(&mut self, given: u32, again: bool) {
        self.backoff.succeeded();
        self.more = self.asked > 0 && given >= self.asked;
        if again {
            let moment = rand::rng().random_range(ASK_AGAIN_MS);
            self.next = Instant::now() + Duration::from_millis(moment);
        }
    }

    /// The exchange failed.
    pub(crate) fn failed(&mut self) {
        self.wanted = true;
        self.held = true;
        self.next = Instant::now() + self.backoff.next_wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_full_answer_is_a_reason_to_ask_for_the_slots_that_come_free() {
        let mut asking = Asking::at_once();
        assert!(asking.has_reason(0));
        asking.begun(5, IDLE);
        asking.answered(5, false);
        assert!(!asking.has_reason(0) && asking.has_reason(1));
        asking.begun(1, IDLE);
        asking.answered(0, false);
        assert!(!asking.has_reason(1));
        asking.hinted();
        assert!(asking.has_reason(0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_work_is_asked_for_again_after_the_idle_interval_or_in_a_moment() {
        let mut asking = Asking::at_once();
        asking.begun(5, IDLE);
        asking.answered(0, false);
        assert_eq!(asking.next(), Instant::now() + IDLE);
        asking.answered(0, true);
        assert!(asking.next() <= Instant::now() + Duration::from_millis(3));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_nothing_is_asked_until_its_wait_is_over() {
        let mut asking = Asking::at_once();
        asking.begun(5, IDLE);
        asking.failed();
        assert!(asking.is_failing() && !asking.is_allowed());
        asking.came_due(IDLE);
        assert!(asking.is_allowed() && asking.has_reason(0));
    }
}
