//! Which days and hours work.

use chrono::Weekday;

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn days(from: &str, until: &str) -> Days {
    Days {
        from: date(from),
        until: date(until),
        name: None,
    }
}

/// The holidays of May 2024 in China: five days off, and the Sunday before and the Saturday after work.
fn may() -> CalendarDefinition {
    CalendarDefinition {
        excluded: vec![days("2024-05-01", "2024-05-05")],
        included: vec![days("2024-04-28", "2024-04-28"), days("2024-05-11", "2024-05-11")],
        ..CalendarDefinition::default()
    }
}

fn calendar(definition: &CalendarDefinition) -> Calendar {
    Calendar::new(definition).expect("a calendar")
}

#[test]
fn a_make_up_day_works_although_it_is_a_saturday() {
    let calendar = calendar(&may());
    for (day, works) in [
        ("2024-04-28", true),
        ("2024-04-30", true),
        ("2024-05-01", false),
        ("2024-05-05", false),
        ("2024-05-06", true),
        ("2024-05-11", true),
        ("2024-05-12", false),
    ] {
        assert_eq!(calendar.works_on(date(day)), works, "{day}");
    }
    assert_eq!(
        calendar.next_working_day(date("2024-04-30")),
        Some(date("2024-05-06"))
    );
    assert_eq!(
        calendar.previous_working_day(date("2024-05-06")),
        Some(date("2024-04-30"))
    );
}

#[test]
fn working_days_of_a_month_are_counted_from_either_end() {
    let calendar = calendar(&may());
    let may = date("2024-05-20");
    assert_eq!(calendar.nth_working_day(may, 1), Some(date("2024-05-06")));
    assert_eq!(calendar.nth_working_day(may, 6), Some(date("2024-05-11")));
    assert_eq!(calendar.nth_working_day(may, -1), Some(date("2024-05-31")));
    assert_eq!(calendar.nth_working_day(may, 0), None);
    assert_eq!(calendar.nth_working_day(may, 24), None);
    assert_eq!(last_of_month(date("2024-02-03")), date("2024-02-29"));
}

#[test]
fn a_window_wins_over_its_day_and_a_freeze_over_both() {
    let window = |from: &str, until: &str| Window {
        from: from.parse().expect("an instant"),
        until: until.parse().expect("an instant"),
        name: None,
    };
    let calendar = calendar(&CalendarDefinition {
        included_windows: vec![window("2024-06-01T08:00:00Z", "2024-06-01T12:00:00Z")],
        excluded_windows: vec![window("2024-06-01T10:00:00Z", "2024-06-01T11:00:00Z")],
        hours: vec![Hours {
            from: NaiveTime::from_hms_opt(22, 0, 0).expect("a time"),
            until: NaiveTime::from_hms_opt(6, 0, 0).expect("a time"),
        }],
        ..CalendarDefinition::default()
    });
    for (instant, works) in [
        ("2024-06-01T07:59:59Z", false),
        ("2024-06-01T08:00:00Z", true),
        ("2024-06-01T10:30:00Z", false),
        ("2024-06-01T11:00:00Z", true),
        ("2024-06-03T12:00:00Z", false),
        ("2024-06-03T23:00:00Z", true),
        ("2024-06-03T05:59:59Z", true),
    ] {
        let instant: DateTime<Utc> = instant.parse().expect("an instant");
        assert_eq!(
            calendar.works_at(instant, instant.naive_utc()),
            works,
            "{instant}"
        );
    }
}

#[test]
fn calendars_are_joined_where_they_are_used() {
    let all_week = CalendarDefinition {
        working_weekdays: vec![Weekday::Mon, Weekday::Sat],
        ..CalendarDefinition::default()
    };
    let find = |key: &str| match key {
        "may" => Some(Arc::new(may())),
        "ends" => Some(Arc::new(all_week.clone())),
        _ => None,
    };
    let named = |key: &str| Selection::Named(key.into());
    let both = Selection::And(vec![named("may"), named("ends")])
        .resolve(&find)
        .expect("both");
    assert!(both.works_on(date("2024-05-06")) && both.works_on(date("2024-05-11")));
    assert!(!both.works_on(date("2024-05-07")) && !both.works_on(date("2024-05-18")));
    let except = Selection::Except {
        of: Box::new(named("may")),
        but: Box::new(named("ends")),
    };
    let except = except.resolve(&find).expect("except");
    assert!(!except.works_on(date("2024-05-06")) && except.works_on(date("2024-05-07")));
    let unknown = named("june").resolve(&find).expect_err("there is no june");
    assert_eq!(
        unknown.to_string(),
        "there is no calendar \"june\"; create it, or name another"
    );
}
