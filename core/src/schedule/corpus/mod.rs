//! Expressions and the instants that they name, worked out by others.
//!
//! The files say at their heads where their instants come from. Each case is read forwards and backwards.

use chrono::{DateTime, Utc};

use super::plan::Plan;
use super::rule::{BothDays, Dialect, Rule, Seed};
use super::timing::Timing;
use super::zone::{DaylightSaving, Gap, Repeat};

struct Case<'a> {
    line: &'a str,
    timing: Timing,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    instants: Vec<DateTime<Utc>>,
}

/// A word of the corpus as the type that a schedule stores it in.
fn word<T: serde::de::DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(word.into()).unwrap_or_else(|error| panic!("{word:?}: {error}"))
}

fn case(line: &str) -> Case<'_> {
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let [
        kind,
        text,
        dialect,
        both_days,
        zone,
        gap,
        repeat,
        after,
        until,
        instants,
    ] = fields[..]
    else {
        panic!("a case has ten fields: {line}")
    };
    let rule = match kind {
        "CRON" => Rule::Cron {
            expression: text.into(),
            dialect: word::<Dialect>(dialect),
            both_days: word::<BothDays>(both_days),
        },
        "RRULE" => Rule::RRule {
            text: text.replace("\\n", "\n"),
        },
        kind => panic!("{kind:?} is no kind of rule"),
    };
    Case {
        line,
        timing: Timing {
            zone: zone.parse().expect("a zone"),
            daylight_saving: DaylightSaving {
                gap: word::<Gap>(gap),
                repeat: word::<Repeat>(repeat),
            },
            ..Timing::of(rule)
        },
        after: word(after),
        until: word(until),
        instants: instants.split_whitespace().map(word).collect(),
    }
}

/// Checks every case of a file, and says how many there are.
fn check(file: &str) -> usize {
    let cases: Vec<Case> = file
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(case)
        .collect();
    for case in &cases {
        let plan = Plan::new(&case.timing, None, Seed::default())
            .unwrap_or_else(|error| panic!("{}: {error}", case.line));
        let forwards: Vec<_> = plan
            .due_between(case.after, case.until)
            .map(|planned| planned.nominal)
            .collect();
        assert_eq!(forwards, case.instants, "{}", case.line);
        let mut backwards: Vec<_> = plan
            .overdue(case.after, case.until)
            .map(|planned| planned.nominal)
            .collect();
        backwards.reverse();
        assert_eq!(backwards, case.instants, "backwards: {}", case.line);
    }
    cases.len()
}

#[test]
fn every_gap_and_repeat_of_twelve_zones_is_met_by_the_policy() {
    assert!(check(include_str!("daylight_saving.txt")) > 700);
}

#[test]
fn no_schedule_ends_where_a_zone_leaves_a_day_out() {
    assert!(check(include_str!("lost_days.txt")) > 40);
}

#[test]
fn fields_name_the_days_and_times_that_their_texts_say() {
    assert!(check(include_str!("days.txt")) > 120);
}

#[test]
fn recurrences_are_those_of_the_standard() {
    assert!(check(include_str!("recurrences.txt")) >= 49);
}
