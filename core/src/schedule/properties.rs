//! What holds for every timing.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use proptest::prelude::*;

use super::calendar::{Calendar, CalendarDefinition, Days, Selection};
use super::plan::Plan;
use super::rule::{BothDays, Dialect, Rule, Seed};
use super::timing::{Note, Placement, Planned, Reaction, Timing, Validity, Window};
use super::zone::{DaylightSaving, Gap, Repeat};

const ZONES: [Tz; 8] = [
    Tz::UTC,
    Tz::America__New_York,
    Tz::Europe__Berlin,
    Tz::Australia__Lord_Howe,
    Tz::America__Santiago,
    Tz::Africa__Casablanca,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
];

/// Some years around now, or the weeks in which Apia left a day out.
fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = prop_oneof![1_700_000_000..1_900_000_000_i64, 1_324_000_000..1_326_000_000_i64];
    seconds.prop_map(|seconds| DateTime::from_timestamp(seconds, 0).expect("an instant"))
}

fn expressions() -> impl Strategy<Value = String> {
    let texts = [
        "30 2 * * *",
        "15,45 1-3 * * *",
        "0 0 * * *",
        "*/20 0 * * *",
        "0 9,17 * * *",
        "0 9 1 * *",
        "45 23 L * *",
        "0 12 * * MON-FRI",
        "0 0,12 13 * FRI",
        "30 1 * MAR,APR,SEP-NOV SUN",
        "10 4 15W * *",
        "0 */4 * * 0",
    ];
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

fn cron(expression: impl Into<String>) -> Rule {
    Rule::Cron {
        expression: expression.into(),
        dialect: Dialect::Vixie,
        both_days: BothDays::Or,
    }
}

fn rules() -> impl Strategy<Value = Rule> {
    let recurrences = [
        "FREQ=DAILY;BYHOUR=2,14;BYMINUTE=30",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU,MO",
        "FREQ=MONTHLY;BYDAY=-1SU,1MO",
        "FREQ=HOURLY;INTERVAL=7",
        "FREQ=DAILY;COUNT=4000",
    ];
    let recurrence = prop::sample::select(recurrences.to_vec()).prop_map(|rule| Rule::RRule {
        text: format!("DTSTART:20111201T013000\nRRULE:{rule}"),
    });
    let interval = (3_600_001..200_000_000_i64, instants())
        .prop_map(|(every_ms, anchor)| Rule::Interval { every_ms, anchor });
    let at = prop::collection::vec(instants(), 1..50).prop_map(|instants| Rule::At { instants });
    prop_oneof![6 => expressions().prop_map(cron), 2 => recurrence, 1 => interval, 1 => at]
}

fn policies() -> impl Strategy<Value = DaylightSaving> {
    let gaps = prop::sample::select(vec![Gap::Next, Gap::Skip]);
    let repeats = prop::sample::select(vec![Repeat::First, Repeat::Last, Repeat::Both]);
    (gaps, repeats).prop_map(|(gap, repeat)| DaylightSaving { gap, repeat })
}

/// A timing whose calendar has weekends off, and every Monday to Wednesday of odd months besides.
fn timings() -> impl Strategy<Value = Timing> {
    let reactions = prop::sample::select(vec![Reaction::Skip, Reaction::Previous, Reaction::Next]);
    let jitters = prop::sample::select(vec![0, 0, 1, 90_000, 86_400_000]);
    let zones = prop::sample::select(ZONES.to_vec());
    (
        rules(),
        zones,
        policies(),
        reactions,
        jitters,
        any::<bool>(),
        prop::option::of(instants()),
    )
        .prop_map(
            |(rule, zone, daylight_saving, reaction, jitter_ms, has_calendar, blackout)| Timing {
                zone,
                daylight_saving,
                calendar: has_calendar.then(|| Selection::Named("calendar".into())),
                reaction,
                blackouts: blackout
                    .map(|from| Window {
                        from,
                        until: from + TimeDelta::days(40),
                        name: None,
                    })
                    .into_iter()
                    .collect(),
                jitter_ms,
                ..Timing::of(rule)
            },
        )
}

/// Weekends off, ten days off in every second month, a Saturday that works, and every so often five hours that work on any day.
fn calendar() -> Calendar {
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    let years = (2011..2032).flat_map(|year| (1..=6).map(move |half| (year, half * 2)));
    let off = years.map(|(year, month)| Days {
        from: date(year, month, 20),
        until: date(year, month, 28),
        name: None,
    });
    let open = (0..400).map(|place| {
        let from = DateTime::from_timestamp(1_700_000_000 + place * 500_000, 0).expect("an instant");
        Window {
            from,
            until: from + TimeDelta::hours(5),
            name: None,
        }
    });
    let definition = CalendarDefinition {
        excluded: off.collect(),
        included_windows: open.collect(),
        included: vec![Days {
            from: date(2026, 3, 7),
            until: date(2026, 3, 7),
            name: None,
        }],
        ..CalendarDefinition::default()
    };
    Calendar::new(&definition).expect("a calendar")
}

fn plan(timing: &Timing) -> Plan {
    Plan::new(timing, Some(calendar()), Seed::of(b"schedule"))
        .unwrap_or_else(|error| panic!("{timing:?}: {error}"))
}

fn usual() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(usual())]

    #[test]
    fn occurrences_are_due_one_after_another_and_back_again(timing in timings(), start in instants()) {
        let plan = plan(&timing);
        let chain: Vec<Planned> =
            std::iter::successors(plan.next(start), |planned| plan.next(planned.due)).take(25).collect();
        prop_assert!(chain.iter().all(|planned| planned.due > start));
        prop_assert!(chain.windows(2).all(|pair| pair[0].due < pair[1].due), "{chain:?}");
        let read: Vec<Planned> = plan.upcoming(start).take(25).collect();
        prop_assert_eq!(&read, &chain, "read at once and one by one");
        for pair in chain.windows(2) {
            prop_assert_eq!(plan.previous(pair[1].due), Some(pair[0]));
        }
        if let Some(last) = chain.last() {
            let mut back: Vec<Planned> = plan.past(last.due + TimeDelta::microseconds(1)).take(chain.len()).collect();
            back.reverse();
            prop_assert_eq!(back, chain);
        }
    }

    #[test]
    fn a_pass_of_any_rhythm_a_catch_up_and_a_backfill_see_the_same(
        timing in timings(),
        start in instants(),
        steps in prop::collection::vec(1..900_000_i64, 1..12),
    ) {
        let plan = plan(&timing);
        let mut live: Vec<Planned> = Vec::new();
        let mut settled_until = start;
        for step in &steps {
            let now = settled_until + TimeDelta::seconds(*step);
            live.extend(plan.due_between(settled_until, now));
            settled_until = now;
        }
        let mut caught_up: Vec<Planned> = plan.overdue(start, settled_until).collect();
        caught_up.reverse();
        prop_assert_eq!(&caught_up, &live);
        // Nothing is moved by more than a fortnight here, nor delayed by more than a day.
        let margin = TimeDelta::days(25);
        let mut named: Vec<Planned> = plan
            .named_between(start - margin, settled_until + margin)
            .filter(|planned| start < planned.due && planned.due <= settled_until)
            .collect();
        named.sort_by_key(|planned| planned.due);
        prop_assert_eq!(&named, &live);
        for planned in &live {
            prop_assert_eq!(plan.at(planned.nominal), Some(*planned));
        }
    }

    #[test]
    fn each_instant_matches_its_expression(
        expression in expressions(),
        zone in prop::sample::select(ZONES.to_vec()),
        policy in policies(),
        start in instants(),
    ) {
        let timing = Timing { zone, daylight_saving: policy, ..Timing::of(cron(expression.clone())) };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let other = parser.parse(&expression).expect("both read it");
        for planned in plan(&timing).upcoming(start).take(40) {
            let wall = planned.nominal.with_timezone(&zone).naive_local();
            let matches = other.is_time_matching(&wall.and_utc()).expect("an answer");
            prop_assert_eq!(matches, !planned.notes.contains(Note::DstShifted), "{} at {}", expression, wall);
        }
    }

    #[test]
    fn what_starts_starts_where_the_calendar_allows(timing in timings(), start in instants()) {
        let timing = Timing { calendar: Some(Selection::Named("calendar".into())), ..timing };
        let (plan, calendar) = (plan(&timing), calendar());
        for planned in plan.upcoming(start).take(40) {
            let works = calendar.works_at(planned.due, planned.due.with_timezone(&timing.zone).naive_local())
                && !timing.blackouts.iter().any(|window| window.holds(planned.due));
            prop_assert_eq!(works, planned.placement == Placement::Kept, "{:?}", planned);
            if let Placement::Merged { into } = planned.placement {
                let other = plan.at(into).expect("it is merged into an occurrence");
                prop_assert!(!matches!(other.placement, Placement::Merged { .. }), "{:?}", other);
                // It moved there, or is the rule's own on a day that works; what a window keeps on its day off is neither.
                let own_day = other.nominal.with_timezone(&timing.zone).date_naive();
                prop_assert!(other.notes.contains(Note::Moved) || calendar.works_on(own_day), "{:?}", other);
            }
        }
    }

    #[test]
    fn a_window_and_a_count_cut_and_change_nothing_else(
        timing in timings(),
        start in instants(),
        count in 1..30_u32,
        days in 1..400_i64,
    ) {
        let whole = plan(&timing);
        let until = start + TimeDelta::days(days);
        let validity = Validity { from: Some(start), until: Some(until), count: Some(count) };
        let cut = plan(&Timing { validity, jitter_ms: 0, calendar: None, ..timing.clone() });
        let expected: Vec<DateTime<Utc>> =
            whole.named_between(start, until).take(count as usize).map(|planned| planned.nominal).collect();
        let far = DateTime::from_timestamp(0, 0).expect("an instant");
        let cut: Vec<DateTime<Utc>> = cut.upcoming(far).map(|planned| planned.nominal).collect();
        prop_assert_eq!(cut, expected);
    }
}
