//! Spans of time as people write them: `250ms`, `90s`, `15m`, `12h`, `30d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a whole number with its unit.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, factor)| number.parse::<u64>().ok()?.checked_mul(*factor));
    milliseconds
        .map(Duration::from_millis)
        .ok_or_else(|| "write a whole number and a unit: 250ms, 90s, 15m, 12h or 30d".to_owned())
}

/// Writes a span for people, in one unit or two.
pub(crate) fn format_duration(duration: Duration) -> String {
    let (milliseconds, seconds) = (duration.as_millis(), duration.as_secs());
    match seconds {
        0 => format!("{milliseconds}ms"),
        1..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_needs_its_unit() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_hours(48)));
        for wrong in ["90", "s", "", "-1s", "1.5h", "1w", "99999999999999999d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_shown_in_the_unit_that_matters() {
        let shown = |milliseconds| format_duration(Duration::from_millis(milliseconds));
        assert_eq!(shown(7), "7ms");
        assert_eq!(shown(1250), "1.2s");
        assert_eq!(shown(83_000), "1m 23s");
        assert_eq!(shown(7_500_000), "2h 05m");
    }
}
