//! What recurrences name, and which are refused.

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

#[test]
fn what_is_named_does_not_depend_on_where_one_begins_to_look() {
    for rule in [
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=-1",
        "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1,53;BYDAY=MO",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;INTERVAL=7",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO",
        "FREQ=DAILY;INTERVAL=11;BYHOUR=8,20",
        "FREQ=DAILY;INTERVAL=3;BYMONTH=2,3;BYMONTHDAY=-1,1",
    ] {
        let recurrence = recurrence(&format!("DTSTART:20200131T093015\nRRULE:{rule}"));
        let begin = wall("2031-01-01T00:00:00");
        let from_start: Vec<_> = recurrence
            .walls(recurrence.start)
            .skip_while(|&named| named < begin)
            .take(40)
            .collect();
        let from_near: Vec<_> = iter::successors(recurrence.first_from(begin), |&named| {
            recurrence.first_from(named + TimeDelta::seconds(1))
        })
        .take(40)
        .collect();
        assert_eq!(from_near, from_start, "{rule}");
        for pair in from_start.windows(2) {
            assert_eq!(recurrence.last_before(pair[1]), Some(pair[0]), "{rule}");
        }
    }
}

/// Those of which the crate keeps the step, from `DTSTART` on. Others are in the corpus.
#[test]
fn rules_within_the_day_name_what_the_crate_names() {
    for rule in [
        "FREQ=HOURLY",
        "FREQ=HOURLY;INTERVAL=50",
        "FREQ=HOURLY;INTERVAL=5;BYMINUTE=40,10;BYSECOND=30,0",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        "FREQ=MINUTELY;INTERVAL=4321",
        "FREQ=MINUTELY;INTERVAL=90;BYDAY=MO,WE",
        "FREQ=SECONDLY;INTERVAL=65535",
        "FREQ=HOURLY;INTERVAL=6;BYMONTHDAY=-1;BYMONTH=2",
    ] {
        let recurrence = recurrence(&format!("DTSTART:20200131T093015\nRRULE:{rule}"));
        let expected: Vec<_> = recurrence.walls(recurrence.start).take(60).collect();
        let ours = iter::successors(recurrence.first_from(recurrence.start), |&named| {
            recurrence.first_from(named + SECOND)
        });
        assert_eq!(ours.take(60).collect::<Vec<_>>(), expected, "{rule}");
        for pair in expected.windows(2) {
            assert_eq!(recurrence.last_before(pair[1]), Some(pair[0]), "{rule}");
        }
        assert_eq!(recurrence.last_before(expected[0]), None, "{rule}");
    }
}

#[test]
fn dates_are_added_and_removed() {
    let recurrence = recurrence(
        "DTSTART;TZID=America/New_York:20250101T090000\nRRULE:FREQ=DAILY;COUNT=4\n\
         EXDATE;TZID=America/New_York:20250102T090000\nRDATE:20250102T170000Z",
    );
    let all: Vec<_> = iter::successors(recurrence.first_from(recurrence.start), |&named| {
        recurrence.first_from(named + TimeDelta::seconds(1))
    })
    .map(|named| named.to_string())
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
    assert!(refused("DTSTART:20250101\nRRULE:FREQ=DAILY;BYHOUR=25").starts_with("RRULE: "));
    assert!(refused("DTSTART:20250101\nRRULE:FREQ=HOURLY;BYDAY=2MO").contains("leave the number out"));
    assert!(refused("DTSTART:20250101\nRRULE:FREQ=DAILY;BYDAY=é").contains("ASCII"));
}
