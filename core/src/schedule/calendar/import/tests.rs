//! Files as programs write them, and files that are none.

use super::*;

fn bounds() -> ImportBounds {
    ImportBounds {
        from: NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date"),
        until: NaiveDate::from_ymd_opt(2027, 12, 31).expect("a date"),
        zone: Tz::Europe__Berlin,
    }
}

fn file(events: &[&str]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|event| {
            format!(
                "BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n",
                event.replace('\n', "\r\n")
            )
        })
        .collect();
    let events = events.concat();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n{events}END:VCALENDAR\r\n")
}

fn days(imported: &Imported) -> Vec<String> {
    imported
        .days
        .iter()
        .map(|days| {
            format!(
                "{}..{} {}",
                days.from,
                days.until,
                days.name.as_deref().unwrap_or("-")
            )
        })
        .collect()
}

#[test]
fn whole_days_are_days_and_their_end_is_the_day_after() {
    let text = file(&[
        "SUMMARY:Easter Monday\nDTSTART;VALUE=DATE:20250421\nDTEND;VALUE=DATE:20250422\nTRANSP:TRANSPARENT",
        "SUMMARY:Summer break\nDTSTART;VALUE=DATE:20250801\nDTEND;VALUE=DATE:20250816",
        "SUMMARY:A day\nDTSTART;VALUE=DATE:20250901",
        "SUMMARY:Off\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20250902",
        "SUMMARY:Long ago\nDTSTART;VALUE=DATE:19990902",
    ]);
    let imported = import(&text, &bounds()).expect("a calendar");
    assert_eq!(
        days(&imported),
        [
            "2025-04-21..2025-04-21 Easter Monday",
            "2025-08-01..2025-08-15 Summer break",
            "2025-09-01..2025-09-01 A day",
        ]
    );
    assert!(imported.windows.is_empty());
}

#[test]
fn recurring_events_are_listed_up_to_the_horizon() {
    let text = file(&[
        "SUMMARY:Christmas\nDTSTART;VALUE=DATE:20101225\nDTEND;VALUE=DATE:20101227\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261225",
    ]);
    assert_eq!(
        days(&import(&text, &bounds()).expect("a calendar")),
        [
            "2025-12-25..2025-12-26 Christmas",
            "2027-12-25..2027-12-26 Christmas"
        ]
    );
}

#[test]
fn times_are_windows_in_their_own_zone() {
    let text = file(&[
        "SUMMARY:Freeze\nDTSTART;TZID=America/New_York:20250310T180000\nDURATION:PT2H",
        "DTSTART:20250710T180000\nDTEND:20250710T190000",
        "SUMMARY:Weekly\nDTSTART:20250101T000000Z\nDTEND:20250101T010000Z\nRRULE:FREQ=WEEKLY;COUNT=2",
    ]);
    let windows: Vec<String> = import(&text, &bounds())
        .expect("a calendar")
        .windows
        .iter()
        .map(|window| format!("{:?}..{:?}", window.from, window.until))
        .collect();
    assert_eq!(
        windows,
        [
            "2025-01-01T00:00:00Z..2025-01-01T01:00:00Z",
            "2025-01-08T00:00:00Z..2025-01-08T01:00:00Z",
            "2025-03-10T22:00:00Z..2025-03-11T00:00:00Z",
            "2025-07-10T16:00:00Z..2025-07-10T17:00:00Z",
        ]
    );
}

fn windows(imported: &Imported) -> Vec<String> {
    imported
        .windows
        .iter()
        .map(|window| format!("{:?}..{:?}", window.from, window.until))
        .collect()
}

fn refused(events: &[&str]) -> String {
    import(&file(events), &bounds())
        .expect_err("it is refused")
        .to_string()
}

#[test]
fn dates_are_added_and_removed_with_and_without_a_rule() {
    let text = file(&[
        "SUMMARY:A\nDTSTART;VALUE=DATE:20260501\nRDATE;VALUE=DATE:20260601,20270605",
        "SUMMARY:B\nDTSTART;VALUE=DATE:20260101\nRDATE;VALUE=DATE:20260201\nEXDATE;VALUE=DATE:20260101",
        "SUMMARY:C\nDTSTART;VALUE=DATE:20260301\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260302\nRDATE;VALUE=DATE:20260310",
    ]);
    assert_eq!(
        days(&import(&text, &bounds()).expect("a calendar")),
        [
            "2026-02-01..2026-02-01 B",
            "2026-03-01..2026-03-01 C",
            "2026-03-03..2026-03-03 C",
            "2026-03-10..2026-03-10 C",
            "2026-05-01..2026-05-01 A",
            "2026-06-01..2026-06-01 A",
            "2027-06-05..2027-06-05 A",
        ]
    );
    let text = file(&[
        "DTSTART:20261201T090000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20261202T090000Z/PT2H,20261203T090000Z/20261203T093000Z",
        "DTSTART;TZID=Europe/Berlin:20261210T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20261210T080000Z",
    ]);
    assert_eq!(
        windows(&import(&text, &bounds()).expect("a calendar")),
        [
            "2026-12-01T09:00:00Z..2026-12-01T10:00:00Z",
            "2026-12-02T09:00:00Z..2026-12-02T11:00:00Z",
            "2026-12-03T09:00:00Z..2026-12-03T09:30:00Z",
            "2026-12-11T08:00:00Z..2026-12-11T09:00:00Z",
        ]
    );
}

#[test]
fn an_event_that_replaces_a_time_of_another_takes_it_out() {
    let text = file(&[
        "UID:moved\nDTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;COUNT=3",
        "UID:moved\nRECURRENCE-ID;VALUE=DATE:20261202\nDTSTART;VALUE=DATE:20261210",
        "UID:off\nRECURRENCE-ID;TZID=Europe/Berlin:20261222T090000\nSTATUS:CANCELLED\nDTSTART:20261222T080000Z",
        "UID:off\nDTSTART:20261221T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
    ]);
    let imported = import(&text, &bounds()).expect("a calendar");
    assert_eq!(
        days(&imported),
        [
            "2026-12-01..2026-12-01 -",
            "2026-12-03..2026-12-03 -",
            "2026-12-10..2026-12-10 -"
        ]
    );
    assert_eq!(
        windows(&imported),
        [
            "2026-12-21T08:00:00Z..2026-12-21T09:00:00Z",
            "2026-12-23T08:00:00Z..2026-12-23T09:00:00Z"
        ]
    );
    assert!(refused(&["RECURRENCE-ID:20261201\nDTSTART:20261201"]).contains("no UID"));
    assert!(
        refused(&["UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261201\nDTSTART:20261201"]).contains("RANGE")
    );
}

#[test]
fn an_event_without_a_length_takes_no_time() {
    let text = file(&[
        "DTSTART:20261226T090000Z",
        "DTSTART:20261227T090000Z\nDTEND:20261227T090000Z",
        "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261224",
    ]);
    let imported = import(&text, &bounds()).expect("a calendar");
    assert_eq!(days(&imported), ["2026-12-24..2026-12-24 -"]);
    assert!(imported.windows.is_empty());
}

#[test]
fn what_an_event_leaves_in_doubt_is_refused() {
    for (event, reason) in [
        (
            "DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261130",
            "it ends before it begins; give it a DTEND after its DTSTART",
        ),
        (
            "DTSTART:20261201T090000Z\nDTEND:20261201T080000Z",
            "it ends before it begins; give it a DTEND after its DTSTART",
        ),
        (
            "DTSTART:20261201T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20261202",
            "\"20261202\" of EXDATE is a day, and the event has times; write the time as well",
        ),
        (
            "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
            "it has more than one RRULE; write an event for each",
        ),
        (
            "DTSTART:20261201T090000Z\nDURATION:P999999999W\nRRULE:FREQ=DAILY",
            "\"P999999999W\" is not a duration up to ten years; write one such as P1D or PT1H30M",
        ),
        (
            "DTSTART:20261201T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY",
            "it recurs more than 5000 times in the stretch that is imported; shorten that, or leave the event out",
        ),
    ] {
        assert_eq!(
            refused(&[event]),
            format!("event \"number 1\": {reason}"),
            "{event}"
        );
    }
}

#[test]
fn a_frequent_event_is_listed_from_the_beginning_of_the_stretch() {
    let text = file(&["DTSTART:20200101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY;UNTIL=20250101T010000Z"]);
    assert_eq!(
        windows(&import(&text, &bounds()).expect("a calendar")),
        [
            "2025-01-01T00:00:00Z..2025-01-01T00:01:00Z",
            "2025-01-01T01:00:00Z..2025-01-01T01:01:00Z"
        ]
    );
}

#[test]
fn a_name_loses_its_backslashes() {
    let text = file(&["SUMMARY:Xmas\\, both\nDTSTART;VALUE=DATE:20261225"]);
    assert_eq!(
        days(&import(&text, &bounds()).expect("a calendar")),
        ["2026-12-25..2026-12-25 Xmas, both"]
    );
}

#[test]
fn names_are_read_in_either_case() {
    let text = file(&["dtstart;value=date:20261205"]).replace("VEVENT", "vevent");
    assert_eq!(
        days(&import(&text, &bounds()).expect("a calendar")),
        ["2026-12-05..2026-12-05 -"]
    );
}

#[test]
fn a_file_may_hold_several_calendars() {
    let text = file(&["DTSTART;VALUE=DATE:20261205"]) + &file(&["DTSTART;VALUE=DATE:20261206"]);
    assert_eq!(import(&text, &bounds()).expect("calendars").days.len(), 2);
}

#[test]
fn a_stretch_that_ends_before_it_begins_is_refused() {
    let backwards = ImportBounds {
        until: bounds().from,
        from: bounds().until,
        ..bounds()
    };
    assert_eq!(
        import(&file(&[]), &backwards).expect_err("backwards").to_string(),
        "until, 2025-01-01, is before from, 2027-12-31; exchange them"
    );
}

#[test]
fn a_file_is_refused_in_our_own_words() {
    for (text, reason) in [
        ("", "it holds no BEGIN:VCALENDAR"),
        (
            "begin:VCALENDAR\r\nend:VCALENDAR\r\n",
            "write BEGIN and END in capital letters",
        ),
        ("hello", "the line \"hello\" is not NAME:value"),
        (
            "BEGIN:VEVENT\r\nEND:VEVENT\r\n",
            "it has lines outside of BEGIN:VCALENDAR and END:VCALENDAR",
        ),
        (
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
            "END:VCALENDAR stands where something else is open",
        ),
        (
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
            "BEGIN:VEVENT has no END:VEVENT",
        ),
        (
            "BEGIN:VCALENDAR\r\n:c\r\nEND:VCALENDAR\r\n",
            "the line \":c\" is not NAME:value",
        ),
        (
            "BEGIN:VCALENDAR\r\na b;c=d:e\r\nEND:VCALENDAR\r\n",
            "the line \"a b;c=d:e\" is not NAME:value",
        ),
    ] {
        let refused = import(text, &bounds()).expect_err("it is none").to_string();
        assert_eq!(refused, format!("the file is not an iCalendar file: {reason}"));
    }
}

#[test]
fn what_is_no_calendar_is_refused() {
    let nested = "BEGIN:A\r\n".repeat(100_000);
    for text in [
        "",
        "no calendar",
        nested.as_str(),
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
    ] {
        let refused = import(text, &bounds());
        assert!(
            matches!(refused, Err(ImportError::Unreadable { .. })),
            "{:?}: {refused:?}",
            &text[..text.len().min(20)]
        );
    }
    let refused = import(&file(&["SUMMARY:Odd\nDTSTART:20250101T99"]), &bounds());
    assert_eq!(
        refused.expect_err("no time").to_string(),
        "event \"Odd\": \"20250101T99\" of DTSTART is not a time"
    );
}
