//! Small stories about schedules.

use std::time::Instant;

use chrono_tz::Tz;

use super::*;
use crate::schedule::calendar::{CalendarDefinition, Days, Selection};
use crate::schedule::rule::{BothDays, Dialect};
use crate::schedule::timing::{Validity, Window};

pub(in crate::schedule) mod effort;
mod moving;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn cron(expression: &str) -> Timing {
    Timing::of(Rule::Cron {
        expression: expression.into(),
        dialect: Dialect::Vixie,
        both_days: BothDays::Or,
    })
}

/// Weekends off, and Monday 6 January 2025.
fn calendar() -> Calendar {
    let epiphany = NaiveDate::from_ymd_opt(2025, 1, 6).expect("a date");
    let definition = CalendarDefinition {
        excluded: vec![Days {
            from: epiphany,
            until: epiphany,
            name: None,
        }],
        ..CalendarDefinition::default()
    };
    Calendar::new(&definition).expect("a calendar")
}

fn plan(timing: &Timing) -> Plan {
    Plan::new(timing, Some(calendar()), Seed::of(b"schedule")).expect("a plan")
}

fn working(expression: &str, reaction: Reaction) -> Timing {
    Timing {
        calendar: Some(Selection::Named("work".into())),
        reaction,
        ..cron(expression)
    }
}

/// What is due in a stretch: the nominal instant, when it is due if not then, and what becomes of it if it is not kept.
fn told(plan: &Plan, after: &str, until: &str) -> Vec<String> {
    let short = |instant: DateTime<Utc>| instant.format("%a %d %H:%M").to_string();
    plan.due_between(at(after), at(until))
        .map(|planned| {
            let due = if planned.due == planned.nominal {
                String::new()
            } else {
                format!(" -> {}", short(planned.due))
            };
            let placement = match planned.placement {
                Placement::Kept => String::new(),
                Placement::Excluded => " excluded".into(),
                Placement::Merged { into } => format!(" merged into {}", short(into)),
            };
            format!("{}{due}{placement}", short(planned.nominal))
        })
        .collect()
}

#[test]
fn what_falls_on_a_day_off_is_skipped_unless_it_moves() {
    let (after, until) = ("2025-01-03T00:00:00Z", "2025-01-07T23:00:00Z");
    assert_eq!(
        told(&plan(&working("0 9 * * *", Reaction::Skip)), after, until),
        [
            "Fri 03 09:00",
            "Sat 04 09:00 excluded",
            "Sun 05 09:00 excluded",
            "Mon 06 09:00 excluded",
            "Tue 07 09:00"
        ]
    );
    assert_eq!(
        told(&plan(&working("0 9 * * *", Reaction::Next)), after, until),
        [
            "Fri 03 09:00",
            "Sat 04 09:00 merged into Tue 07 09:00",
            "Sun 05 09:00 merged into Tue 07 09:00",
            "Mon 06 09:00 merged into Tue 07 09:00",
            "Tue 07 09:00",
        ]
    );
}

#[test]
fn those_that_move_to_one_instant_are_one() {
    let (after, until) = ("2025-01-02T00:00:00Z", "2025-01-08T00:00:00Z");
    assert_eq!(
        told(
            &plan(&working("0 9,17 * * SAT,SUN", Reaction::Next)),
            after,
            until
        ),
        [
            "Sat 04 09:00 merged into Sun 05 09:00",
            "Sat 04 17:00 merged into Sun 05 17:00",
            "Sun 05 09:00 -> Tue 07 09:00",
            "Sun 05 17:00 -> Tue 07 17:00",
        ]
    );
    assert_eq!(
        told(
            &plan(&working("0 9,17 * * SAT,SUN", Reaction::Previous)),
            after,
            until
        ),
        [
            "Sat 04 09:00 -> Fri 03 09:00",
            "Sat 04 17:00 -> Fri 03 17:00",
            "Sun 05 09:00 merged into Sat 04 09:00",
            "Sun 05 17:00 merged into Sat 04 17:00",
        ]
    );
}

#[test]
fn moving_keeps_the_wall_time_across_a_change_of_the_clock() {
    let timing = Timing {
        zone: Tz::America__New_York,
        ..working("30 9 8 3 *", Reaction::Next)
    };
    let planned = plan(&timing).next(at("2025-03-01T00:00:00Z")).expect("it fires");
    assert_eq!(planned.nominal, at("2025-03-08T14:30:00Z"));
    assert_eq!(planned.due, at("2025-03-10T13:30:00Z"));
    let notes: Vec<Note> = planned.notes.iter().collect();
    assert_eq!(notes, [Note::CalendarExcluded, Note::Moved]);
}

#[test]
fn a_blackout_excludes_whatever_the_calendar_says_and_moves_nothing() {
    let timing = Timing {
        blackouts: vec![Window {
            from: at("2025-01-07T08:00:00Z"),
            until: at("2025-01-07T10:00:00Z"),
            name: Some("release".into()),
        }],
        ..working("0 9,10 * * 0,2", Reaction::Next)
    };
    assert_eq!(
        told(&plan(&timing), "2025-01-04T00:00:00Z", "2025-01-08T00:00:00Z"),
        [
            "Sun 05 09:00 merged into Tue 07 09:00",
            "Sun 05 10:00 merged into Tue 07 10:00",
            "Tue 07 09:00 excluded",
            "Tue 07 10:00",
        ]
    );
}

#[test]
fn jitter_is_stable_bounded_and_never_reaches_the_next() {
    let timing = Timing {
        jitter_ms: 600_000,
        ..cron("*/5 * * * *")
    };
    let plan = plan(&timing);
    let all: Vec<Planned> = plan.upcoming(at("2025-01-01T00:00:00Z")).take(200).collect();
    for planned in &all {
        let delay = planned.due - planned.nominal;
        assert!(
            TimeDelta::zero() <= delay && delay < TimeDelta::minutes(5),
            "{planned:?}"
        );
        assert_eq!(planned.notes.contains(Note::Jittered), !delay.is_zero());
        assert_eq!(plan.at(planned.nominal), Some(*planned));
    }
    let spread = all
        .iter()
        .map(|planned| (planned.due - planned.nominal).num_minutes());
    assert_eq!(
        spread.collect::<std::collections::BTreeSet<_>>().len(),
        5,
        "all of the room is used"
    );
    let other = Plan::new(&timing, None, Seed::of(b"another")).expect("a plan");
    assert_ne!(other.next(at("2025-01-01T00:00:00Z")), all.first().copied());
}

#[test]
fn an_interval_keeps_its_anchor_however_late_one_asks() {
    let interval = plan(&Timing::of(Rule::Interval {
        every_ms: 90_000,
        anchor: at("2025-01-01T00:00:00.250Z"),
    }));
    for (after, next) in [
        ("2025-01-01T00:00:00.250Z", "2025-01-01T00:01:30.250Z"),
        ("2025-01-01T00:00:00.249999500Z", "2025-01-01T00:00:00.250Z"),
        ("2024-12-31T23:59:00Z", "2025-01-01T00:00:00.250Z"),
        ("2031-07-09T12:34:56Z", "2031-07-09T12:36:00.250Z"),
    ] {
        assert_eq!(
            interval.next(at(after)).map(|planned| planned.nominal),
            Some(at(next)),
            "{after}"
        );
    }
    assert_eq!(
        interval.data_interval(at("2025-01-01T00:00:00.250Z")).from,
        at("2024-12-31T23:58:30.250Z")
    );
}

#[test]
fn a_fixed_delay_follows_the_end_of_a_run() {
    let timing = Timing {
        validity: Validity {
            from: Some(at("2025-01-01T12:00:00Z")),
            until: Some(at("2025-01-02T00:00:00Z")),
            count: None,
        },
        ..Timing::of(Rule::FixedDelay { delay_ms: 600_000 })
    };
    let plan = plan(&timing);
    assert!(plan.follows_runs());
    assert_eq!(plan.next(at("2025-01-01T12:00:00Z")), None);
    let due = |ended| plan.after_run(at(ended)).map(|planned| planned.due);
    assert_eq!(due("2025-01-01T13:00:07Z"), Some(at("2025-01-01T13:10:07Z")));
    assert_eq!(due("2025-01-01T09:00:00Z"), Some(at("2025-01-01T12:00:00Z")));
    assert_eq!(due("2025-01-01T23:55:00Z"), None);
}

#[test]
fn a_count_is_of_what_the_rule_names_excluded_or_not() {
    let timing = Timing {
        validity: Validity {
            from: Some(at("2025-01-03T09:00:00Z")),
            until: None,
            count: Some(3),
        },
        ..working("0 9 * * *", Reaction::Skip)
    };
    assert_eq!(
        told(&plan(&timing), "2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ["Fri 03 09:00", "Sat 04 09:00 excluded", "Sun 05 09:00 excluded"]
    );
}

#[test]
fn an_occurrence_knows_its_data_and_its_days() {
    let timing = Timing {
        zone: Tz::Asia__Shanghai,
        ..working("0 1 * * *", Reaction::Skip)
    };
    let plan = plan(&timing);
    // One in the morning of Monday the 6th in Shanghai, a holiday.
    let nominal = at("2025-01-05T17:00:00Z");
    assert_eq!(plan.data_interval(nominal).from, at("2025-01-04T17:00:00Z"));
    let days = plan.business_days(nominal);
    let date = |day| NaiveDate::from_ymd_opt(2025, 1, day).expect("a date");
    assert_eq!(days.date, date(6));
    assert_eq!(days.business_date, date(3));
    assert_eq!(
        (days.previous_working_day, days.next_working_day),
        (Some(date(3)), Some(date(7)))
    );
    assert_eq!((days.first_of_month, days.last_of_month), (date(1), date(31)));
    assert_eq!(
        (days.first_working_day, days.last_working_day),
        (Some(date(1)), Some(date(31)))
    );
}

#[test]
fn a_list_names_each_instant_once() {
    let instants = [
        "2025-02-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
        "2025-02-01T00:00:00Z",
    ]
    .map(at)
    .to_vec();
    let plan = plan(&Timing::of(Rule::At { instants }));
    assert_eq!(
        told(&plan, "2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ["Wed 01 00:00", "Sat 01 00:00"]
    );
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let berlin = |timing| Timing {
        zone: Tz::Europe__Berlin,
        ..timing
    };
    for timing in [
        berlin(cron("0 0 29 2 *")),
        berlin(cron("0 * * * *")),
        berlin(working("0 9 * * *", Reaction::Previous)),
        berlin(working("0 9 * * *", Reaction::Next)),
        Timing::of(Rule::Interval {
            every_ms: 1_000,
            anchor: at("2025-01-01T00:00:00Z"),
        }),
        Timing::of(Rule::RRule {
            text: "DTSTART:20250101T000000\nRRULE:FREQ=DAILY".into(),
        }),
    ] {
        let plan = plan(&timing);
        for edge in [first, last] {
            let _ = (plan.next(edge), plan.previous(edge), plan.at(edge));
        }
        assert!(plan.next(at("2150-01-01T00:00:00Z")).is_some());
    }
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    let refused = |timing: &Timing| {
        let error = Plan::new(timing, None, Seed::default()).expect_err("it is refused");
        (error.path().join("."), error.to_string())
    };
    let validity = |from: Option<&str>, until: Option<&str>, count| Timing {
        validity: Validity {
            from: from.map(at),
            until: until.map(at),
            count,
        },
        ..cron("0 0 * * *")
    };
    for (timing, path, told) in [
        (
            cron("0 0 * * * * * *"),
            "rule.expression",
            "the expression has 8 fields",
        ),
        (
            Timing::of(Rule::Interval {
                every_ms: 10,
                anchor: at("2025-01-01T00:00:00Z"),
            }),
            "rule.every_ms",
            "10 ms is not a step",
        ),
        (
            Timing::of(Rule::FixedDelay { delay_ms: -1 }),
            "rule.delay_ms",
            "-1 ms is not a step",
        ),
        (
            Timing::of(Rule::At { instants: vec![] }),
            "rule.instants",
            "0 instants are given",
        ),
        (
            Timing {
                jitter_ms: -5,
                ..cron("0 0 * * *")
            },
            "jitter_ms",
            "-5 ms is not a jitter",
        ),
        (
            validity(Some("2025-01-02T00:00:00Z"), Some("2025-01-01T00:00:00Z"), None),
            "validity.until",
            "the validity ends before it begins",
        ),
        (
            validity(None, None, Some(5)),
            "validity.count",
            "a count needs an instant to count from",
        ),
        (
            validity(Some("2025-01-02T00:00:00Z"), None, Some(0)),
            "validity.count",
            "0 is not a count",
        ),
        (
            working("*/5 * * * *", Reaction::Next),
            "reaction",
            "a rule that runs every hour or oftener",
        ),
        (
            working("*/20 1-9 * * *", Reaction::Previous),
            "reaction",
            "a rule that runs every hour or oftener, or more than 24 times a day",
        ),
        (
            Timing {
                rule: Rule::RRule {
                    text: "DTSTART:20250101T085500Z\nRRULE:FREQ=MINUTELY;BYHOUR=8".into(),
                },
                ..working("0 0 * * *", Reaction::Next)
            },
            "reaction",
            "a rule that runs every hour or oftener, or more than 24 times a day",
        ),
        (
            Timing {
                blackouts: vec![Window {
                    from: at("2025-01-02T00:00:00Z"),
                    until: at("2025-01-02T00:00:00Z"),
                    name: None,
                }],
                ..cron("0 0 * * *")
            },
            "blackouts.0.until",
            "the window ends before it begins",
        ),
    ] {
        let refusal = refused(&timing);
        assert_eq!(refusal.0, path);
        assert!(refusal.1.starts_with(told), "{}", refusal.1);
    }
}

#[test]
fn a_timing_is_read_from_its_least_form_and_kept_whole() {
    let least = r#"{"rule": {"kind": "CRON", "expression": "0 9 * * MON"}, "zone": "Europe/Berlin"}"#;
    let read: Timing = serde_json::from_str(least).expect("a timing");
    let expected = Timing {
        zone: Tz::Europe__Berlin,
        ..cron("0 9 * * MON")
    };
    assert_eq!(read, expected);
    let whole = Timing {
        calendar: Some(Selection::Except {
            of: Box::new(Selection::And(vec![
                Selection::Named("work".into()),
                Selection::Named("plant".into()),
            ])),
            but: Box::new(Selection::Named("stocktaking".into())),
        }),
        ..working("0 9 * * MON", Reaction::Next)
    };
    let written = serde_json::to_string(&whole).expect("text");
    assert_eq!(serde_json::from_str::<Timing>(&written).expect("a timing"), whole);
}

/// Prints what one question costs. Of use with optimisation only: `cargo test --release -- --ignored --nocapture`.
#[test]
#[ignore = "measures, and decides nothing"]
fn how_long_a_question_takes() {
    let every = |timing: Timing| Timing {
        zone: Tz::America__New_York,
        ..timing
    };
    for (name, timing) in [
        ("every minute", every(cron("* * * * *"))),
        ("every second", every(cron("* * * * * *"))),
        ("daily", every(cron("30 2 * * *"))),
        ("leap days on Mondays", {
            let mut rare = every(cron("0 0 29 2 MON"));
            if let Rule::Cron { both_days, .. } = &mut rare.rule {
                *both_days = BothDays::And;
            }
            rare
        }),
        ("daily, moved", every(working("0 9 * * *", Reaction::Next))),
        (
            "every minute, jittered",
            every(Timing {
                jitter_ms: 30_000,
                ..cron("* * * * *")
            }),
        ),
        (
            "weekly recurrence",
            every(Timing::of(Rule::RRule {
                text: "DTSTART:20000101T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR".into(),
            })),
        ),
        (
            "interval",
            Timing::of(Rule::Interval {
                every_ms: 60_000,
                anchor: at("2025-01-01T00:00:00Z"),
            }),
        ),
    ] {
        let plan = plan(&timing);
        let mut now = at("2025-01-01T00:00:00Z");
        let (begun, rounds) = (Instant::now(), 1_000);
        for _ in 0..rounds {
            now = plan.next(now).map_or(now, |planned| planned.due);
        }
        let next = begun.elapsed() / rounds;
        let begun = Instant::now();
        for _ in 0..rounds {
            now = plan.previous(now).map_or(now, |planned| planned.due);
        }
        println!("{name}: next {next:?}, previous {:?}", begun.elapsed() / rounds);
    }
}
