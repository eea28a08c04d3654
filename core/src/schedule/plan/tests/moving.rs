//! Occurrences that move to other days, or a part of the way to the next.

use chrono::{NaiveTime, Weekday};

use super::*;
use crate::schedule::zone::{Gap, Repeat};

fn window(from: &str, until: &str) -> Window {
    Window {
        from: at(from),
        until: at(until),
        name: None,
    }
}

fn plan_on(timing: &Timing, calendar: &CalendarDefinition) -> Plan {
    let calendar = Calendar::new(calendar).expect("a calendar");
    Plan::new(timing, Some(calendar), Seed::of(b"schedule")).expect("a plan")
}

#[test]
fn what_a_window_keeps_on_its_day_off_is_nothing_to_merge_into() {
    let (after, until) = ("2026-12-03T00:00:00Z", "2026-12-09T00:00:00Z");
    let open = |from, until| CalendarDefinition {
        included_windows: vec![window(from, until)],
        ..CalendarDefinition::default()
    };
    let sunday = open("2026-12-06T11:00:00Z", "2026-12-06T13:00:00Z");
    assert_eq!(
        told(
            &plan_on(&working("0 12 * * 6,0", Reaction::Next), &sunday),
            after,
            until
        ),
        ["Sun 06 12:00", "Sat 05 12:00 -> Mon 07 12:00"]
    );
    let saturday = open("2026-12-05T11:00:00Z", "2026-12-05T13:00:00Z");
    assert_eq!(
        told(
            &plan_on(&working("0 12 * * 6,0", Reaction::Previous), &saturday),
            after,
            until
        ),
        ["Sun 06 12:00 -> Fri 04 12:00", "Sat 05 12:00"]
    );
    // Three that move to one instant: the nearest of those that move stands for them.
    let long = CalendarDefinition {
        working_weekdays: vec![Weekday::Tue, Weekday::Wed, Weekday::Thu],
        ..sunday
    };
    assert_eq!(
        told(
            &plan_on(&working("0 12 * * 5,6,0", Reaction::Next), &long),
            after,
            until
        ),
        [
            "Fri 04 12:00 merged into Sat 05 12:00",
            "Sun 06 12:00",
            "Sat 05 12:00 -> Tue 08 12:00",
        ]
    );
}

/// In Berlin, where all days work but Saturdays, and what falls on those moves to Sunday.
fn off_saturdays(expression: &str, gap: Gap, repeat: Repeat) -> Plan {
    let timing = Timing {
        zone: Tz::Europe__Berlin,
        daylight_saving: DaylightSaving { gap, repeat },
        ..working(expression, Reaction::Next)
    };
    plan_on(&timing, &all_but(Weekday::Sat))
}

fn all_but(off: Weekday) -> CalendarDefinition {
    let mut week = CalendarDefinition::default().working_weekdays;
    week.extend([Weekday::Sat, Weekday::Sun]);
    week.retain(|&day| day != off);
    CalendarDefinition {
        working_weekdays: week,
        ..CalendarDefinition::default()
    }
}

#[test]
fn a_move_to_a_day_that_leaves_the_time_out_obeys_the_policy() {
    let saturday = "2027-03-26T00:00:00Z";
    let moved = |gap| {
        off_saturdays("30 2 * * 6", gap, Repeat::First)
            .next(at(saturday))
            .expect("it is named")
    };
    let next = moved(Gap::Next);
    assert_eq!(
        (next.due, next.placement),
        (at("2027-03-28T01:00:00Z"), Placement::Kept)
    );
    let notes: Vec<Note> = next.notes.iter().collect();
    assert_eq!(notes, [Note::DstShifted, Note::CalendarExcluded, Note::Moved]);
    let skip = moved(Gap::Skip);
    assert_eq!(
        (skip.due, skip.placement),
        (at("2027-03-27T01:30:00Z"), Placement::Excluded)
    );
    let notes: Vec<Note> = skip.notes.iter().collect();
    assert_eq!(notes, [Note::CalendarExcluded]);
    // Times of one gap meet after it, and there they meet the rule's own, too.
    for (expression, expected) in [
        (
            "15,30 2 * * 6",
            vec![
                "Sat 27 01:15 merged into Sat 27 01:30",
                "Sat 27 01:30 -> Sun 28 01:00",
            ],
        ),
        (
            "30 2 * * 6,0",
            vec!["Sat 27 01:30 merged into Sun 28 01:00", "Sun 28 01:00"],
        ),
    ] {
        let plan = off_saturdays(expression, Gap::Next, Repeat::First);
        assert_eq!(told(&plan, saturday, "2027-03-29T00:00:00Z"), expected);
    }
}

#[test]
fn a_move_to_a_day_that_shows_the_time_twice_starts_once_by_the_policy() {
    for (repeat, due) in [
        (Repeat::First, "Sat 30 00:30 -> Sun 31 00:30"),
        (Repeat::Last, "Sat 30 00:30 -> Sun 31 01:30"),
        (Repeat::Both, "Sat 30 00:30 -> Sun 31 00:30"),
    ] {
        let plan = off_saturdays("30 2 * * 6", Gap::Next, repeat);
        assert_eq!(
            told(&plan, "2027-10-29T00:00:00Z", "2027-11-01T00:00:00Z"),
            [due],
            "{repeat:?}"
        );
    }
}

#[test]
fn a_move_never_leads_past_the_day_where_its_last_hour_is_left_out() {
    // In Nuuk the clock goes from Saturday 23:00 to Sunday 0:00.
    let timing = Timing {
        zone: Tz::America__Nuuk,
        ..working("30 23 * * 5", Reaction::Next)
    };
    let plan = plan_on(&timing, &all_but(Weekday::Fri));
    assert_eq!(
        told(&plan, "2027-03-26T00:00:00Z", "2027-03-30T00:00:00Z"),
        ["Sat 27 01:30 excluded"]
    );
}

#[test]
fn jitter_leads_nowhere_that_a_calendar_or_a_blackout_excludes() {
    let night = Timing {
        jitter_ms: 7_200_000,
        blackouts: vec![window("2025-01-07T02:00:00Z", "2025-01-07T06:00:00Z")],
        ..cron("59 1 7 1 *")
    };
    let friday = Timing {
        jitter_ms: WIDEST_JITTER_MS,
        ..working("30 23 * * 5", Reaction::Skip)
    };
    let office = CalendarDefinition {
        hours: vec![crate::schedule::calendar::Hours {
            from: NaiveTime::from_hms_opt(9, 0, 0).expect("a time"),
            until: NaiveTime::from_hms_opt(17, 0, 0).expect("a time"),
        }],
        ..CalendarDefinition::default()
    };
    let afternoon = Timing {
        jitter_ms: 36_000_000,
        ..working("0 16 * * 2", Reaction::Skip)
    };
    let ends = Timing {
        jitter_ms: WIDEST_JITTER_MS,
        validity: Validity {
            until: Some(at("2025-01-07T00:20:00Z")),
            ..Validity::default()
        },
        ..cron("0 0 7 1 *")
    };
    let office = Calendar::new(&office).expect("a calendar");
    for (timing, calendar, nominal, works_until) in [
        (night, calendar(), "2025-01-07T01:59:00Z", "2025-01-07T02:00:00Z"),
        (friday, calendar(), "2025-01-10T23:30:00Z", "2025-01-11T00:00:00Z"),
        (afternoon, office, "2025-01-07T16:00:00Z", "2025-01-07T17:00:00Z"),
        (ends, calendar(), "2025-01-07T00:00:00Z", "2025-01-07T00:20:00Z"),
    ] {
        let (nominal, works_until) = (at(nominal), at(works_until));
        let room = works_until - nominal;
        let mut early = 0;
        for seed in 0..200_u32 {
            let seed = Seed::of(&seed.to_be_bytes());
            let plan = Plan::new(&timing, Some(calendar.clone()), seed).expect("a plan");
            let planned = plan.at(nominal).expect("it is named");
            assert_eq!(planned.placement, Placement::Kept);
            assert!(nominal <= planned.due && planned.due < works_until, "{planned:?}");
            assert_eq!(plan.next(nominal - TimeDelta::seconds(1)), Some(planned));
            assert_eq!(plan.previous(planned.due + TimeDelta::days(1)), Some(planned));
            early += u32::from(planned.due - nominal < room / 2);
        }
        assert!(
            (40..160).contains(&early),
            "{early} of 200 in the first half of {room}"
        );
    }
}

#[test]
fn nothing_is_named_that_cannot_be_written() {
    let plan = plan(&cron("0 0 1 1 *"));
    let last = at("9998-01-01T00:00:00Z");
    assert_eq!(
        plan.next(at("9997-06-01T00:00:00Z")).map(|planned| planned.due),
        Some(last)
    );
    assert_eq!(plan.next(last), None);
}
