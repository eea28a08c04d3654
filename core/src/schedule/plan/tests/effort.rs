//! What a question costs, counted in looks: at an instant of the rule, and at a day of the calendar.

use std::cell::Cell;

use super::*;
use crate::schedule::calendar::FARTHEST_WORKING_DAY;
use crate::schedule::catch_up::{CatchUp, CatchUpTerms, Fate, settle};
use crate::schedule::moves::MOST_MOVED;

/// How often something was looked at.
#[derive(Clone, Copy, Debug)]
struct Looks {
    instants: usize,
    days: usize,
}

thread_local! {
    static LOOKS: Cell<Looks> = const { Cell::new(Looks { instants: 0, days: 0 }) };
}

/// Counts a look at an instant.
pub(in crate::schedule) fn look_at_instant() {
    let Looks { instants, days } = LOOKS.get();
    LOOKS.set(Looks {
        instants: instants + 1,
        days,
    });
}

/// Counts a look at a day.
pub(in crate::schedule) fn look_at_day() {
    let Looks { instants, days } = LOOKS.get();
    LOOKS.set(Looks {
        instants,
        days: days + 1,
    });
}

/// What `question` answers, and after how many looks.
fn counted<T>(question: impl FnOnce() -> T) -> (T, Looks) {
    let before = LOOKS.get();
    let answer = question();
    let after = LOOKS.get();
    let looks = Looks {
        instants: after.instants - before.instants,
        days: after.days - before.days,
    };
    (answer, looks)
}

/// Says that `answers` may take so many looks. A stretch of days off is read once to know what becomes of it and once more to
/// pass over it, and each of what is named on it is looked for where it goes; with jitter, from either side. A year of days
/// off lies before each answer at most, and is looked at for its end and for its beginning.
fn assert_few(looks: Looks, answers: usize, asked: &str) {
    assert!(
        looks.instants <= 2 * answers + 7 * MOST_MOVED,
        "{looks:?}: {asked}"
    );
    assert!(
        looks.days <= 3 * (answers + 2) * FARTHEST_WORKING_DAY,
        "{looks:?}: {asked}"
    );
}

/// No day works, but for one if it is given.
fn idle(working: Option<&str>) -> Calendar {
    let days = |date: &str| {
        let date = date.parse().expect("a date");
        Days {
            from: date,
            until: date,
            name: None,
        }
    };
    let definition = CalendarDefinition {
        working_weekdays: vec![],
        included: working.into_iter().map(days).collect(),
        ..CalendarDefinition::default()
    };
    Calendar::new(&definition).expect("a calendar")
}

/// Rules that run as often as a rule may that moves, and as they meet calendars that hardly work.
fn idle_plans() -> impl Iterator<Item = (String, Plan)> {
    let hours = Timing::of(Rule::Interval {
        every_ms: 3_600_001,
        anchor: at("2025-01-01T00:00:00Z"),
    });
    let text = "DTSTART:20200101T001500\nRRULE:FREQ=DAILY;BYHOUR=0,2,4,6,8,10,12,14,16,18,20,22".into();
    let rules = [
        cron("0 12 * * *"),
        cron("0 0-22 * * *"),
        cron("0 12 29 2 *"),
        hours,
        Timing::of(Rule::RRule { text }),
    ];
    let calendars = [None, Some("2025-11-15"), Some("2024-03-01")];
    rules
        .into_iter()
        .flat_map(move |rule| calendars.map(|working| (rule.clone(), working)))
        .flat_map(|(rule, working)| {
            [Reaction::Next, Reaction::Previous].map(|reaction| (rule.clone(), working, reaction))
        })
        .flat_map(|(rule, working, reaction)| {
            [0, 60_000]
                .map(|jitter_ms| Timing {
                    calendar: Some(Selection::Named("idle".into())),
                    zone: Tz::Europe__Berlin,
                    reaction,
                    jitter_ms,
                    ..rule.clone()
                })
                .map(|timing| {
                    let plan = Plan::new(&timing, Some(idle(working)), Seed::default()).expect("a plan");
                    (format!("{timing:?} on {working:?}"), plan)
                })
        })
}

#[test]
fn a_page_costs_a_bounded_look_whatever_calendar_and_rule_meet() {
    let now = at("2025-01-15T10:00:00Z");
    for (name, plan) in idle_plans() {
        let (upcoming, looks) = counted(|| plan.upcoming(now).take(100).collect::<Vec<_>>());
        assert_few(looks, 100, &format!("ahead of {name}"));
        assert!(
            upcoming.windows(2).all(|pair| pair[0].due < pair[1].due),
            "{name}"
        );
        let (past, looks) = counted(|| plan.past(now).take(100).collect::<Vec<_>>());
        assert_few(looks, 100, &format!("back from {name}"));
        assert!(past.windows(2).all(|pair| pair[0].due > pair[1].due), "{name}");
        for planned in upcoming.iter().chain(&past).step_by(19) {
            let (same, looks) = counted(|| plan.at(planned.nominal));
            assert_eq!(same, Some(*planned), "{name}");
            assert_few(looks, 1, &format!("at one of {name}"));
        }
    }
}

#[test]
fn a_schedule_that_no_day_is_left_for_is_settled_as_excluded() {
    let terms = CatchUpTerms {
        catch_up: CatchUp::Latest,
        grace: TimeDelta::seconds(60),
        start_deadline: None,
    };
    let timing = working("0 0-22 * * *", Reaction::Next);
    let plan = Plan::new(&timing, Some(idle(None)), Seed::default()).expect("a plan");
    let (settled_until, now) = (at("2025-01-01T12:00:00Z"), at("2025-01-11T12:00:00Z"));
    let (settlement, looks) = counted(|| settle(plan.overdue(settled_until, now), now, &terms));
    assert_eq!(settlement.listed.len(), 230);
    assert!(
        settlement
            .listed
            .iter()
            .all(|(_, fate)| *fate == Fate::SkippedCalendar)
    );
    assert_few(looks, 230, "to settle");
    assert_eq!(
        plan.next(now).map(|planned| planned.due),
        Some(at("2025-01-11T13:00:00Z"))
    );
}

#[test]
fn of_a_stretch_of_days_off_the_nearest_move_and_the_rest_is_excluded() {
    let saturday = at("2025-01-04T12:00:00Z");
    let instants: Vec<_> = (0..10_000)
        .map(|second| saturday + TimeDelta::seconds(second))
        .collect();
    let timing = Timing {
        rule: Rule::At {
            instants: instants.clone(),
        },
        ..working("0 0 * * *", Reaction::Next)
    };
    let plan = plan(&timing);
    let (all, looks) = counted(|| plan.upcoming(at("2025-01-01T00:00:00Z")).collect::<Vec<_>>());
    assert_few(looks, all.len(), "ahead of a list");
    assert_eq!(all.len(), instants.len());
    assert!(all.windows(2).all(|pair| pair[0].due < pair[1].due));
    let (staying, moved) = all.split_at(instants.len() - MOST_MOVED);
    assert!(
        staying
            .iter()
            .all(|planned| planned.placement == Placement::Excluded)
    );
    for (planned, nominal) in moved.iter().zip(&instants[staying.len()..]) {
        assert_eq!(planned.nominal, *nominal);
        assert_eq!(planned.due, *nominal + TimeDelta::days(3));
        assert_eq!(planned.placement, Placement::Kept);
    }
    let mut back: Vec<Planned> = plan.past(at("2026-01-01T00:00:00Z")).collect();
    back.reverse();
    assert_eq!(back, all);
    let (each, looks) = counted(|| plan.each_at(instants).collect::<Option<Vec<_>>>());
    assert_eq!(each, Some(all));
    assert_few(looks, 10_000, "at each of a list");
}
