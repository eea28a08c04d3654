//! When a delivery is tried again.

use std::time::Duration;

/// How long to wait after each try that did not arrive: quickly while it may be a hiccup, then ever more slowly, until a day
/// lies between two. After the last there is no further try.
const WAITS: [Duration; 9] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(12),
    LONGEST,
];

/// The longest wait, whatever a receiver asks for.
const LONGEST: Duration = Duration::from_hours(24);

/// By how much of itself a wait may be longer, so that what failed together is not tried again together.
const JITTER: f64 = 0.2;

/// How long to wait after the try `number`, from 1; `None` when it was the last. `asked` is what the receiver asked for, and
/// `chance` anything from 0 to 1.
pub(crate) fn wait_after(number: i32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    let wait = *WAITS.get(usize::try_from(number - 1).ok()?)?;
    let wait = wait.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0));
    Some(wait.max(asked.unwrap_or_default()).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_day_and_end() {
        let waits: Vec<u64> = (1..)
            .map_while(|number| wait_after(number, None, 0.0))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [10, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400]);
        assert!(wait_after(0, None, 0.5).is_none());
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_not_for_less() {
        let wait = |asked| wait_after(1, Some(Duration::from_secs(asked)), 0.0).map(|wait| wait.as_secs());
        assert_eq!(wait(3), Some(10));
        assert_eq!(wait(300), Some(300));
        assert_eq!(wait(1_000_000), Some(86_400));
        assert_eq!(wait_after(1, None, 1.0), Some(Duration::from_secs(12)));
    }
}
