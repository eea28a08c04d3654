//! What recurrences name, and which are refused.

use chrono::Datelike;
use proptest::prelude::*;
use rrule::{RRule, RRuleSet, Tz as RuleZone, Unvalidated};

use super::*;

fn recurrence(text: &str) -> Recurrence {
    Recurrence::parse(text, Tz::Europe__Berlin).expect("a recurrence")
}

fn refused(text: &str) -> String {
    Recurrence::parse(text, Tz::UTC)
        .expect_err("it is refused")
        .to_string()
}

fn wall(text: &str) -> NaiveDateTime {
    text.parse().expect("a wall time")
}

/// What the crate names, as if all the world were in UTC.
fn second_opinion(start: NaiveDateTime, rule: &str, count: usize) -> Vec<NaiveDateTime> {
    let start = start.and_utc().with_timezone(&RuleZone::UTC);
    let rule: RRule<Unvalidated> = rule.parse().expect("the crate reads it");
    let rule = rule.validate(start).expect("the crate takes it");
    RRuleSet::new(start)
        .rrule(rule)
        .limit()
        .into_iter()
        .map(|instant| instant.naive_utc())
        .take(count)
        .collect()
}

/// The first `count` at or after `wall`.
fn named(recurrence: &Recurrence, wall: NaiveDateTime, count: usize) -> Vec<NaiveDateTime> {
    iter::successors(recurrence.first_from(wall), |&named| {
        recurrence.first_from(named + SECOND)
    })
    .take(count)
    .collect()
}

#[test]
fn a_second_reader_agrees_about_days() {
    for rule in [
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=-1",
        "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1,53;BYDAY=MO",
        "FREQ=YEARLY;BYWEEKNO=1;WKST=SU",
        "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=TU,TH",
        "FREQ=YEARLY;BYYEARDAY=1,60,-1",
        "FREQ=YEARLY;BYDAY=20MO,-3FR",
        "FREQ=YEARLY;BYMONTH=3,11;BYDAY=2SU,-1MO",
        "FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=YEARLY;BYDAY=SA,SU;BYSETPOS=1,-2",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYDAY=MO;BYHOUR=6,18;BYSETPOS=2,-1",
        "FREQ=MONTHLY;BYMONTH=1,6;BYDAY=5SU",
        "FREQ=MONTHLY;INTERVAL=7",
        "FREQ=MONTHLY",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO",
        "FREQ=WEEKLY;BYMONTH=12,1;BYDAY=TH",
        "FREQ=DAILY;INTERVAL=11;BYHOUR=8,20",
        "FREQ=DAILY;INTERVAL=3;BYMONTH=2,3;BYMONTHDAY=-1,1",
        "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=0,30;BYSECOND=5;BYSETPOS=1,-1",
    ] {
        let recurrence = recurrence(&format!("DTSTART:20200131T093015\nRRULE:{rule}"));
        let expected = second_opinion(recurrence.start, rule, 200);
        assert_eq!(named(&recurrence, recurrence.start, 200), expected, "{rule}");
        for pair in expected.windows(2) {
            assert_eq!(recurrence.first_from(pair[0] + SECOND), Some(pair[1]), "{rule}");
            assert_eq!(recurrence.last_before(pair[1]), Some(pair[0]), "{rule}");
        }
        assert_eq!(recurrence.last_before(expected[0]), None, "{rule}");
    }
}

/// Those of which the crate keeps the step. Others are in the corpus.
#[test]
fn a_second_reader_agrees_within_the_day() {
    for rule in [
        "FREQ=HOURLY",
        "FREQ=HOURLY;INTERVAL=50",
        "FREQ=HOURLY;INTERVAL=5;BYMINUTE=10,40;BYSECOND=0,30",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        "FREQ=MINUTELY;INTERVAL=4321",
        "FREQ=MINUTELY;INTERVAL=90;BYDAY=MO,WE",
        "FREQ=SECONDLY;INTERVAL=65535",
        "FREQ=HOURLY;INTERVAL=6;BYMONTHDAY=-1;BYMONTH=2",
    ] {
        let recurrence = recurrence(&format!("DTSTART:20200131T093015\nRRULE:{rule}"));
        let expected = second_opinion(recurrence.start, rule, 60);
        assert_eq!(named(&recurrence, recurrence.start, 60), expected, "{rule}");
        for pair in expected.windows(2) {
            assert_eq!(recurrence.last_before(pair[1]), Some(pair[0]), "{rule}");
        }
        assert_eq!(recurrence.last_before(expected[0]), None, "{rule}");
    }
}

fn part(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

/// Rules of days and more that both readers understand alike.
fn rules() -> impl Strategy<Value = String> {
    let days_of = |frequency: &str| match frequency {
        "YEARLY" => part(&[
            "",
            ";BYYEARDAY=1,100,-50",
            ";BYMONTHDAY=1,15,-3",
            ";BYDAY=MO,SA",
            ";BYDAY=2TU,-1FR",
            ";BYWEEKNO=5,20,52;BYDAY=WE",
            ";BYMONTHDAY=13;BYDAY=FR",
            ";BYDAY=TH;BYSETPOS=3,-1",
        ])
        .boxed(),
        "MONTHLY" => part(&[
            "",
            ";BYMONTHDAY=31",
            ";BYMONTHDAY=1,-1",
            ";BYDAY=WE",
            ";BYDAY=1MO,-1SU",
            ";BYDAY=MO,TU;BYSETPOS=-2",
            ";BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU",
        ])
        .boxed(),
        "WEEKLY" => part(&["", ";BYDAY=MO,SU", ";BYDAY=TU", ";WKST=SU;BYDAY=SA,SU"]).boxed(),
        _ => part(&["", ";BYDAY=MO,FR", ";BYMONTHDAY=-2,29", ";BYDAY=SU;BYMONTHDAY=1"]).boxed(),
    };
    let frequency = prop::sample::select(&["YEARLY", "MONTHLY", "WEEKLY", "DAILY"][..]);
    let months = part(&["", "", ";BYMONTH=2", ";BYMONTH=1,6,12"]);
    let times = part(&[
        "",
        ";BYHOUR=3,17",
        ";BYMINUTE=0,45",
        ";BYHOUR=6;BYMINUTE=1;BYSECOND=2,3",
    ]);
    (frequency, 1..9_u32, months, times).prop_flat_map(move |(frequency, interval, months, times)| {
        days_of(frequency)
            .prop_map(move |days| format!("FREQ={frequency};INTERVAL={interval}{days}{months}{times}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_reader_agrees(rule in rules(), day in 0..12_000_i64, second in 0..86_400_i64) {
        let start = wall("1995-01-01T00:00:00") + TimeDelta::days(day) + TimeDelta::seconds(second);
        let text = format!("DTSTART:{}\nRRULE:{rule}", start.format("%Y%m%dT%H%M%S"));
        if let Ok(ours) = Recurrence::parse(&text, Tz::UTC) {
            // The crate gives up where two occurrences are far apart.
            let expected = second_opinion(start, &rule, 12);
            prop_assert_eq!(named(&ours, start, expected.len()), expected, "{}", text);
        }
    }

    #[test]
    fn a_count_ends_where_counting_ends(rule in rules(), count in 1..60_usize) {
        let text = format!("DTSTART:20240229T013000\nRRULE:{rule}");
        if let Ok(endless) = Recurrence::parse(&text, Tz::UTC) {
            let counted = Recurrence::parse(&format!("{text};COUNT={count}"), Tz::UTC).expect("it has a first");
            let expected = named(&endless, endless.start, count);
            prop_assert_eq!(named(&counted, endless.start, count + 1), expected, "{}", text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_fall(text in "[ -~]{0,40}") {
        let _ = Recurrence::parse(&format!("DTSTART:20250101\nRRULE:FREQ=DAILY;{text}"), Tz::UTC);
        let _ = Recurrence::parse(&text, Tz::UTC);
    }
}

/// Each of these was once listed: every second of a day, of a year's Mondays, or of a count.
#[test]
fn no_list_of_times_is_gone_through() {
    let all = |most: u32| {
        (0..=most)
            .map(|place| place.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let every_second = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", all(23), all(59), all(59));
    let start = "DTSTART:20270101T000000\nRRULE:FREQ=";
    for (rule, from, first, last) in [
        (
            "SECONDLY;COUNT=10000".to_owned(),
            "2027-01-01T02:00:00",
            "2027-01-01T02:00:00",
            "2027-01-01T02:46:39",
        ),
        (
            format!("YEARLY;BYDAY=MO;{every_second};UNTIL=20290101"),
            "2027-12-27T23:59:59",
            "2027-12-27T23:59:59",
            "2029-01-01T23:59:59",
        ),
        (
            format!("DAILY;COUNT=10000;{every_second}"),
            "2027-01-01T02:46:39",
            "2027-01-01T02:46:39",
            "2027-01-01T02:46:39",
        ),
        (
            "DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=10000".to_owned(),
            "2030-01-01T00:00:00",
            "2044-02-29T00:00:00",
            "9988-02-29T00:00:00",
        ),
    ] {
        let recurrence = recurrence(&format!("{start}{rule}"));
        assert_eq!(recurrence.first_from(wall(from)), Some(wall(first)), "{rule}");
        assert_eq!(
            recurrence.last_before(NaiveDateTime::MAX),
            Some(wall(last)),
            "{rule}"
        );
        assert_eq!(recurrence.first_from(wall(last) + SECOND), None, "{rule}");
    }
}

#[test]
fn nothing_is_named_after_the_last_year() {
    let recurrence = recurrence("DTSTART:20270101T000000\nRRULE:FREQ=YEARLY;INTERVAL=1000");
    let last = recurrence
        .last_before(NaiveDateTime::MAX)
        .expect("it has a first");
    assert_eq!(last.year(), 9027);
    assert_eq!(recurrence.first_from(last + SECOND), None);
}

#[test]
fn dates_are_added_and_removed() {
    let recurrence = recurrence(
        "DTSTART;TZID=America/New_York:20250101T090000\nRRULE:FREQ=DAILY;COUNT=4\n\
         EXDATE;TZID=America/New_York:20250102T090000\nRDATE:20250102T170000Z",
    );
    let all: Vec<_> = named(&recurrence, recurrence.start, 9)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        all,
        [
            "2025-01-01 09:00:00",
            "2025-01-02 12:00:00",
            "2025-01-03 09:00:00",
            "2025-01-04 09:00:00"
        ]
    );
    assert_eq!(
        recurrence.last_before(wall("2025-01-03T09:00:00")),
        Some(wall("2025-01-02T12:00:00"))
    );
}

#[test]
fn what_is_removed_is_removed_from_the_added_as_well() {
    let recurrence = recurrence(
        "DTSTART:20261201T000000\nRRULE:FREQ=YEARLY;COUNT=2\nRDATE:20261205T000000,20261206T000000\n\
         EXDATE:20261205T000000,20261201T000000",
    );
    assert_eq!(
        named(&recurrence, NaiveDateTime::MIN, 9),
        [wall("2026-12-06T00:00:00"), wall("2027-12-01T00:00:00")]
    );
    assert_eq!(
        recurrence.last_before(wall("2027-01-01T00:00:00")),
        Some(wall("2026-12-06T00:00:00"))
    );
}

#[test]
fn a_day_is_removed_from_a_rule_of_days() {
    let recurrence =
        recurrence("DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20261201");
    assert_eq!(
        named(&recurrence, NaiveDateTime::MIN, 9),
        [wall("2026-12-02T00:00:00")]
    );
}

#[test]
fn until_is_in_utc_or_on_the_wall_and_inclusive() {
    for (until, last) in [
        ("20250103T080000Z", "2025-01-03T09:00:00"),
        ("20250103T075959Z", "2025-01-02T09:00:00"),
        ("20250103T090000", "2025-01-03T09:00:00"),
        ("20250103", "2025-01-03T09:00:00"),
    ] {
        let recurrence = recurrence(&format!(
            "DTSTART:20250101T090000\nRRULE:FREQ=DAILY;UNTIL={until}"
        ));
        assert_eq!(
            recurrence.last_before(wall("2026-01-01T00:00:00")),
            Some(wall(last)),
            "{until}"
        );
        assert_eq!(recurrence.first_from(wall("2025-01-03T09:00:01")), None);
    }
}

#[test]
fn what_cannot_be_a_recurrence_is_refused_with_the_remedy() {
    for (text, reason) in [
        ("RRULE:FREQ=DAILY", "give exactly one DTSTART line; 0 are given"),
        ("DTSTART:20250101", "give exactly one RRULE line; 0 are given"),
        (
            "DTSTART:20250101T090000\nRRULE:FREQ=DAILY;COUNT=20000",
            "COUNT is 20000; at most 10000 are taken, so use the schedule's own count limit or UNTIL",
        ),
        (
            "DTSTART:20250101T090000\nRRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
            "the rule names no instant after its DTSTART; change the parts that exclude each other",
        ),
        (
            "DTSTART;TZID=Mars/Base:20250101T090000\nRRULE:FREQ=DAILY",
            "\"Mars/Base\" is not a zone of the IANA database; write one such as Europe/Berlin, or leave TZID out",
        ),
        (
            "DTSTART:2025-01-01\nRRULE:FREQ=DAILY",
            "\"2025-01-01\" of DTSTART is not a date; write 20250131, 20250131T093000 or 20250131T093000Z, from 1900 to 2199",
        ),
        (
            "DTSTART:20250101T090000\nRRULE:FREQ=DAILY;INTERVAL=0",
            "INTERVAL is 0; give 1 or more",
        ),
    ] {
        assert_eq!(refused(text), reason);
    }
    assert!(refused("DTSTART:20250101\nRRULE:FREQ=HOURLY;BYDAY=2MO").contains("leave the number out"));
    assert!(refused("DTSTART:20250101\nRRULE:FREQ=DAILY;BYDAY=é").contains("ASCII"));
}

#[test]
fn a_rule_that_the_standard_forbids_is_refused_by_its_part() {
    for (rule, reason) in [
        (
            "FREQ=WEEKLY;BYDAY=1MO",
            "BYDAY with a number counts days of a month or a year; leave the number out, or use MONTHLY or YEARLY",
        ),
        (
            "FREQ=DAILY;BYDAY=-1FR",
            "BYDAY with a number counts days of a month or a year; leave the number out, or use MONTHLY or YEARLY",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO",
            "BYDAY with a number does not go with BYWEEKNO, whose weeks have each day once; leave the number out",
        ),
        (
            "FREQ=DAILY;BYMONTHDAY=0",
            "BYMONTHDAY=0 is not one of 1 to 31, or -1 to -31 to count from the end",
        ),
        ("FREQ=DAILY;BYHOUR=9,25", "BYHOUR=25 is not one of 0 to 23"),
        (
            "FREQ=MONTHLY;BYDAY=0MO",
            "BYDAY=0MO is no day; write MO, TU, WE, TH, FR, SA or SU, for one of the month or the year with 1 to 53 or -1 to -53 \
             before it",
        ),
        (
            "FREQ=MONTHLY;BYSETPOS=1",
            "BYSETPOS chooses from what another BY part names; add one such as BYDAY, or leave BYSETPOS out",
        ),
        (
            "FREQ=DAILY;UNTIL=20260101;UNTIL=20270101",
            "UNTIL is given twice; give it once",
        ),
        (
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "BYMONTHDAY does not go with WEEKLY; use MONTHLY, or DAILY with BYDAY",
        ),
        (
            "FREQ=MONTHLY;BYYEARDAY=1",
            "BYYEARDAY goes with YEARLY, HOURLY, MINUTELY and SECONDLY only; use YEARLY",
        ),
        (
            "FREQ=MONTHLY;BYWEEKNO=1",
            "BYWEEKNO goes with YEARLY only; use that",
        ),
        (
            "FREQ=SOMETIMES",
            "FREQ=SOMETIMES is no frequency; write YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY",
        ),
        (
            "INTERVAL=2",
            "FREQ is missing; write YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY",
        ),
        ("X", "\"X\" is no part; write a name, = and a value"),
        (
            "FREQ=DAILY;BYEASTER=1",
            "BYEASTER is not a part of RFC 5545; leave it out",
        ),
        ("FREQ=DAILY;COUNT=0", "COUNT=0 is no count; write 1 to 10000"),
        (
            "FREQ=DAILY;INTERVAL=70000",
            "INTERVAL=70000 is no interval; write 1 to 65535",
        ),
    ] {
        let text = format!("DTSTART:20250101T000000\nRRULE:{rule}");
        assert_eq!(refused(&text), format!("RRULE: {reason}"), "{rule}");
    }
}

#[test]
fn a_date_that_its_line_contradicts_is_refused() {
    for (lines, reason) in [
        (
            "DTSTART;TZID=Europe/Berlin:20250101T090000Z\nRRULE:FREQ=DAILY",
            "\"20250101T090000Z\" of DTSTART: Z says UTC, and TZID names a zone; leave out one of them",
        ),
        (
            "DTSTART;VALUE=DATE:20250101T090000\nRRULE:FREQ=DAILY",
            "\"20250101T090000\" of DTSTART: VALUE=DATE says that there is no time; leave out VALUE or the time",
        ),
        (
            "DTSTART;VALUE=DATE-TIME:20250101\nRRULE:FREQ=DAILY",
            "\"20250101\" of DTSTART: VALUE=DATE-TIME says that there is a time; add it, or leave out VALUE",
        ),
        (
            "DTSTART:20250101T090000\nRRULE:FREQ=DAILY\nRDATE;VALUE=PERIOD:20250102T090000",
            "\"20250102T090000\" of RDATE: VALUE is DATE or DATE-TIME here; write each date by itself",
        ),
        (
            "DTSTART:20250101T090000\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20250102",
            "\"20250102\" of EXDATE: the rule names times of the day, so write the time as well, such as 20250131T093000",
        ),
    ] {
        assert_eq!(refused(lines), reason, "{lines}");
    }
}

#[test]
fn what_is_too_rare_to_be_looked_for_is_refused() {
    // A step of eighteen hours and a quarter meets one second of the day every dozen years.
    let rare = "DTSTART:20250101T000000\nRRULE:FREQ=SECONDLY;INTERVAL=65520;BYHOUR=9;BYMINUTE=30;BYSECOND=1";
    assert_eq!(
        refused(rare),
        "every 65520-th step of FREQ=SECONDLY meets the BY parts too rarely to be looked for; use DAILY or a longer FREQ with \
         BYHOUR, BYMINUTE and BYSECOND"
    );
    let costly =
        "DTSTART:20250101T000000\nRRULE:FREQ=SECONDLY;INTERVAL=65521;BYHOUR=9;BYMINUTE=30;COUNT=10000";
    assert_eq!(
        refused(costly),
        "COUNT=10000 takes too long to count at every 65521-th step of FREQ=SECONDLY; give UNTIL in its place"
    );
}
