//! A rule in plain words.
//!
//! The words are made from what a rule was understood as, not from its text, so that whoever reads them reads what will
//! happen: `H` is the minute it stands for, and `*/45` is the minutes 0 and 45. Where a recurrence leaves the zone to its
//! schedule, that zone is named, and an `UNTIL` in UTC is told as what its clock shows then.

mod cron;
mod recurrence;
mod words;

use chrono::{DateTime, Utc};

use super::cron::Cron;
use super::plan::TimingError;
use super::recurrence::Recurrence;
use super::rule::{Rule, Seed};
use super::timing::Timing;
use words::{counted, list};

/// How many instants of a list are told.
const MOST_TOLD: usize = 3;

/// Says in English what the rule of `timing` names, or what is wrong with it. `seed` is the schedule's.
pub fn describe(timing: &Timing, seed: Seed) -> Result<String, TimingError> {
    Ok(match &timing.rule {
        Rule::Cron {
            expression,
            dialect,
            both_days,
        } => cron::describe(&Cron::parse(expression, *dialect, *both_days, seed)?),
        Rule::RRule { text } => recurrence::describe(&Recurrence::parse(text, timing.zone)?),
        Rule::Interval { every_ms, anchor } => {
            format!("Every {}, counted from {}", length(*every_ms), instant(*anchor))
        }
        Rule::FixedDelay { delay_ms } => {
            format!("{} after the previous run has ended", capital(&length(*delay_ms)))
        }
        Rule::At { instants } => at(instants),
    })
}

fn at(instants: &[DateTime<Utc>]) -> String {
    let mut sorted = instants.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut told: Vec<String> = sorted.iter().take(MOST_TOLD).map(|&at| instant(at)).collect();
    if sorted.len() > MOST_TOLD {
        told.push(counted(sorted.len() - MOST_TOLD, "further instant"));
    }
    format!("At {}", list(&told))
}

fn instant(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M:%S%.f UTC").to_string()
}

/// A length of time in the units that it is made of: `1 day`, `90 minutes`, `1 hour and 1 second`.
fn length(ms: i64) -> String {
    let units = [
        (604_800_000, "week"),
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1_000, "second"),
        (1, "millisecond"),
    ];
    // One unit that divides it, if its number stays small, is easier to read than two.
    if let Some((unit, name)) = units
        .iter()
        .find(|(unit, _)| ms % unit == 0 && ms / unit < 120 && ms >= *unit)
    {
        return counted(usize::try_from(ms / unit).unwrap_or_default(), name);
    }
    let mut rest = ms;
    let mut parts = Vec::new();
    // What is no small number of weeks is counted in days.
    for &(unit, name) in &units[1..] {
        let whole = usize::try_from(rest / unit).unwrap_or_default();
        if whole > 0 {
            parts.push(counted(whole, name));
        }
        rest %= unit;
    }
    list(&parts)
}

/// The text with its first letter in upper case.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::super::rule::{BothDays, Dialect};
    use super::*;

    fn told(rule: Rule) -> String {
        describe(&Timing::of(rule), Seed::of(b"schedule")).expect("a rule")
    }

    fn cron(expression: &str, both_days: BothDays) -> String {
        told(Rule::Cron {
            expression: expression.into(),
            dialect: Dialect::Vixie,
            both_days,
        })
    }

    #[test]
    fn expressions_are_told_in_words() {
        for (expression, words) in [
            ("* * * * *", "Every minute"),
            ("*/15 * * * *", "Every 15 minutes"),
            ("@hourly", "Every hour, at minute 0"),
            ("30 * * * *", "Every hour, at minute 30"),
            ("*/45 * * * *", "Every hour, at minutes 0 and 45"),
            ("@daily", "At 00:00 every day"),
            ("0 9 * * MON-FRI", "At 09:00, from Monday to Friday"),
            ("0 9,17 * * 1,3", "At 09:00 and 17:00, on Monday and Wednesday"),
            (
                "*/5 9-17 * * *",
                "Every 5 minutes, in the hours from 9 to 17, every day",
            ),
            ("0 */2 * * *", "At minute 0, in every 2nd hour from 0, every day"),
            (
                "0 22-2 * * *",
                "At 00:00, 01:00, 02:00, 22:00 and 23:00 every day",
            ),
            ("*/10 * * * * *", "Every 10 seconds"),
            ("15 30 6 * * *", "At 06:30:15 every day"),
            ("5,10 * * * * *", "At seconds 5 and 10 of every minute"),
            ("@monthly", "At 00:00, on day 1 of the month"),
            ("0 0 1,15 * *", "At 00:00, on days 1 and 15 of the month"),
            ("0 0 1-7 * *", "At 00:00, on days 1 to 7 of the month"),
            (
                "0 0 1-3,7,8,20-22 * *",
                "At 00:00, on days 1 to 3, 7, 8 and 20 to 22 of the month",
            ),
            ("0 18 L * *", "At 18:00, on the last day of the month"),
            (
                "0 18 L-3 * *",
                "At 18:00, on the day 3 before the last of the month",
            ),
            ("0 18 LW * *", "At 18:00, on the last weekday of the month"),
            (
                "0 18 15W * *",
                "At 18:00, on the weekday nearest to day 15 of the month",
            ),
            ("0 12 * * 5#3", "At 12:00, on the 3rd Friday of the month"),
            ("0 12 * * 5L", "At 12:00, on the last Friday of the month"),
            (
                "0 0 * NOV-FEB SUN",
                "At 00:00, on Sunday, from November to February",
            ),
            (
                "0 0 0 29 2 ? 2028/4",
                "At 00:00, on day 29 of the month, in February, in 2028, 2032, 2036 and so on to 2096",
            ),
            (
                "0 0 0 1 1 ? 2030-2035",
                "At 00:00, on day 1 of the month, in January, from 2030 to 2035",
            ),
        ] {
            assert_eq!(cron(expression, BothDays::Or), words, "{expression}");
        }
        assert_eq!(
            cron("0 0 13 * 5", BothDays::Or),
            "At 00:00, on day 13 of the month or on Friday"
        );
        assert_eq!(
            cron("0 0 13 * 5", BothDays::And),
            "At 00:00, on day 13 of the month, but only on Friday"
        );
    }

    #[test]
    fn other_rules_are_told_in_words() {
        let anchor: DateTime<Utc> = "2025-01-31T06:00:00Z".parse().expect("an instant");
        for (rule, words) in [
            (
                Rule::Interval {
                    every_ms: 5_400_000,
                    anchor,
                },
                "Every 90 minutes, counted from 2025-01-31 06:00:00 UTC",
            ),
            (
                Rule::Interval {
                    every_ms: 86_400_000,
                    anchor,
                },
                "Every 1 day, counted from 2025-01-31 06:00:00 UTC",
            ),
            (
                Rule::Interval {
                    every_ms: 3_660 * 86_400_000,
                    anchor,
                },
                "Every 3660 days, counted from 2025-01-31 06:00:00 UTC",
            ),
            (
                Rule::FixedDelay { delay_ms: 90_061_000 },
                "1 day, 1 hour, 1 minute and 1 second after the previous run has ended",
            ),
            (
                Rule::At {
                    instants: vec![anchor, anchor],
                },
                "At 2025-01-31 06:00:00 UTC",
            ),
            (
                Rule::RRule {
                    text: "DTSTART;TZID=Europe/Berlin:20250131T093000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=10".into(),
                },
                "Every 2 weeks, on Monday and Friday, at 09:30, 10 times, from 2025-01-31 in Europe/Berlin",
            ),
            (
                Rule::RRule {
                    text: "DTSTART:20250131T093000Z\nRRULE:FREQ=MONTHLY;BYDAY=-1FR,2MO;BYSETPOS=1;UNTIL=20260101T000000Z".into(),
                },
                "Every month, on the last Friday and the 2nd Monday, of those the 1st, at 09:30, until 2026-01-01 00:00, from \
                 2025-01-31 in UTC",
            ),
        ] {
            assert_eq!(told(rule), words);
        }
    }

    #[test]
    fn a_recurrence_is_told_in_the_zone_of_its_schedule() {
        for (text, words) in [
            (
                "DTSTART:20261201T000000\nRRULE:FREQ=DAILY;UNTIL=20261205T020000Z",
                "Every day, at 00:00, until 2026-12-05 11:00, from 2026-12-01 in Asia/Tokyo",
            ),
            (
                "DTSTART;TZID=Europe/Berlin:20261201T000000\nRRULE:FREQ=DAILY;UNTIL=20261205T020000Z",
                "Every day, at 00:00, until 2026-12-05 03:00, from 2026-12-01 in Europe/Berlin",
            ),
        ] {
            let timing = Timing {
                zone: Tz::Asia__Tokyo,
                ..Timing::of(Rule::RRule { text: text.into() })
            };
            assert_eq!(describe(&timing, Seed::default()).expect(words), words);
        }
    }

    #[test]
    fn single_dates_of_a_recurrence_are_told() {
        for (dates, words) in [
            (
                "EXDATE:20261202T093000\nRDATE:20261203T120000,20261204T000000",
                "Every day, at 09:30, but not on 2026-12-02 at 09:30, and also on 2026-12-03 at 12:00 and 2026-12-04, from 2026-12-01 \
                 in UTC",
            ),
            (
                "EXDATE:20261202T093000,20261203T093000,20261204T093000,20261205T093000",
                "Every day, at 09:30, but not on 4 dates, from 2026-12-01 in UTC",
            ),
        ] {
            let text = format!("DTSTART:20261201T093000\nRRULE:FREQ=DAILY\n{dates}");
            assert_eq!(told(Rule::RRule { text }), words);
        }
    }

    #[test]
    fn a_hash_is_told_as_what_it_stands_for() {
        let told = cron("H 3 * * *", BothDays::Or);
        assert!(
            told.starts_with("At 03:") && told.ends_with(" every day"),
            "{told}"
        );
    }
}
