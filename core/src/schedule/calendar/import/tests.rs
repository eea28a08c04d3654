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
