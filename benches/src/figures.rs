//! From many measurements to the few figures that are shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The present in microseconds since 1970. All clocks that are compared with it are this machine's.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is compared with the database's clock, on the same machine"
)]
pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A count as a number to calculate with.
pub(crate) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// A length of time in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// A length of time in milliseconds, from microseconds.
pub(crate) fn millis_of_micros(micros: i64) -> f64 {
    i32::try_from(micros).map_or(f64::INFINITY, f64::from) / 1_000.0
}

/// A set of measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest measurement that `percent` of all do not exceed; not a number when there is none.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn lowest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    pub(crate) fn highest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_measurement_that_was_made() {
        let sample: Sample = (1..=100).rev().map(f64::from).collect();
        assert!((sample.median() - 50.0).abs() < f64::EPSILON);
        assert!((sample.percentile(99) - 99.0).abs() < f64::EPSILON);
        assert!((sample.lowest() - 1.0).abs() < f64::EPSILON);
        assert!((sample.highest() - 100.0).abs() < f64::EPSILON);
        let three: Sample = [3.0, 1.0, 2.0].into_iter().collect();
        assert!((three.median() - 2.0).abs() < f64::EPSILON);
        assert!(Sample::default().median().is_nan());
    }
}
