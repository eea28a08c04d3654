//! How long to wait before a call that failed is made again.

use std::time::Duration;

use rand::RngExt;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double up to a bound, each shortened by chance, so that executors that lost one database together do not
/// return to it together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait now.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let doubled = FIRST * 2_u32.pow(self.failures.min(10));
        self.failures += 1;
        doubled.min(LONGEST).mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// Whether the last call failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// A call went through.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.next_wait()).collect();
        assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2);
        assert!(waits[11] <= LONGEST && waits[11] >= LONGEST / 2);
        backoff.succeeded();
        assert!(!backoff.is_failing());
        assert!(backoff.next_wait() <= FIRST);
    }
}
