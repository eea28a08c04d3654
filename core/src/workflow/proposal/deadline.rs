//! How long things may take.

use crate::check::{Faults, check_range};
use crate::workflow::Deadline;

/// The longest that anything may be waited for, in milliseconds: 365 days.
const LONGEST_WAIT: i64 = 365 * 86_400_000;

impl Deadline {
    /// Checks how long `what` is.
    pub fn check(self, what: &str, faults: &mut Faults) {
        faults.within("after", |faults| check_wait(faults, what, self.after_ms));
    }
}

/// Checks the length of something that is waited for.
pub(super) fn check_wait(faults: &mut Faults, what: &str, length_ms: i64) {
    check_range(
        faults,
        &format!("{what} in milliseconds"),
        length_ms,
        1..=LONGEST_WAIT,
    );
}
