//! A cron expression in plain words.

use super::words::{MONTHS, WEEKDAYS, list, names, numbers, ordinal, places, step};
use crate::schedule::cron::{Cron, MonthDays, WeekDays};
use crate::schedule::day_times::ALL_HOURS;
use crate::schedule::rule::BothDays;

/// How many times of the day are told one by one.
const MOST_TIMES: usize = 6;

pub(super) fn describe(cron: &Cron) -> String {
    let (time, fixed) = time(cron);
    let mut parts = vec![time];
    match days(cron) {
        Some(days) => parts.push(days),
        // What runs all day long runs every day, unless said otherwise.
        None if fixed => parts[0].push_str(" every day"),
        None if cron.times.hours != ALL_HOURS => parts.push("every day".into()),
        None => {}
    }
    let months: Vec<u32> = places(cron.months.into()).iter().map(|month| month - 1).collect();
    if months.len() < 12 {
        let months = names(&months, &MONTHS);
        parts.push(if months.starts_with("from ") {
            months
        } else {
            format!("in {months}")
        });
    }
    parts.extend(years(&cron.years));
    parts.join(", ")
}

/// When on a day, and whether that is a short list of times.
fn time(cron: &Cron) -> (String, bool) {
    let (seconds, minutes, hours) = (
        places(cron.times.seconds),
        places(cron.times.minutes),
        places(cron.times.hours.into()),
    );
    if seconds.len() * minutes.len() * hours.len() <= MOST_TIMES {
        return (format!("At {}", list(&times(&seconds, &minutes, &hours))), true);
    }
    let every_hour = hours.len() == 24;
    let told = if seconds == [0] {
        minutes_of(&minutes, every_hour)
    } else {
        let of = if minutes.len() == 60 {
            String::new()
        } else {
            format!(", {}", within_minutes(&minutes))
        };
        format!("{}{of}", seconds_of(&seconds, minutes.len() == 60))
    };
    if every_hour {
        return (told, false);
    }
    (format!("{told}, {}", within_hours(&hours)), false)
}

fn times(seconds: &[u32], minutes: &[u32], hours: &[u32]) -> Vec<String> {
    let mut times = Vec::new();
    for hour in hours {
        for minute in minutes {
            for second in seconds {
                times.push(if seconds == [0] {
                    format!("{hour:02}:{minute:02}")
                } else {
                    format!("{hour:02}:{minute:02}:{second:02}")
                });
            }
        }
    }
    times
}

fn minutes_of(minutes: &[u32], every_hour: bool) -> String {
    match step(minutes, 0, 59) {
        Some(1) => "Every minute".into(),
        Some(step) if 60 % step == 0 => format!("Every {step} minutes"),
        _ if every_hour => format!("Every hour, at {}", named("minute", minutes)),
        _ => format!("At {}", named("minute", minutes)),
    }
}

fn seconds_of(seconds: &[u32], every_minute: bool) -> String {
    match step(seconds, 0, 59) {
        Some(1) => "Every second".into(),
        Some(step) if 60 % step == 0 => format!("Every {step} seconds"),
        _ if every_minute => format!("At {} of every minute", named("second", seconds)),
        _ => format!("At {}", named("second", seconds)),
    }
}

fn within_minutes(minutes: &[u32]) -> String {
    match step(minutes, 0, 59) {
        Some(step) => format!("in every {} minute from 0", ordinal(step.into())),
        None => format!("in {}", named("minute", minutes)),
    }
}

fn within_hours(hours: &[u32]) -> String {
    match (step(hours, 0, 23), hours) {
        (Some(step), _) => format!("in every {} hour from 0", ordinal(step.into())),
        (None, [first, _, .., last]) if hours.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
            format!("in the hours from {first} to {last}")
        }
        _ => format!("in {}", named("hour", hours)),
    }
}

fn named(unit: &str, values: &[u32]) -> String {
    let plural = if values.len() == 1 { "" } else { "s" };
    format!("{unit}{plural} {}", numbers(values))
}

fn days(cron: &Cron) -> Option<String> {
    let of_month = month_days(&cron.days.of_month).map(|days| format!("on {days} of the month"));
    let of_week = week_days(&cron.days.of_week);
    match (of_month, of_week) {
        (Some(of_month), Some(of_week)) => {
            let either = cron.days.both_days == BothDays::Or
                && cron.days.of_month.restricted
                && cron.days.of_week.restricted;
            let join = if either { " or" } else { ", but only" };
            Some(format!("{of_month}{join} {of_week}"))
        }
        (of_month, of_week) => of_month.or(of_week),
    }
}

fn month_days(days: &MonthDays) -> Option<String> {
    let fixed = places(days.days.into());
    if fixed.len() == 31 {
        return None;
    }
    let mut told = Vec::new();
    if !fixed.is_empty() {
        let plural = if fixed.len() == 1 { "day" } else { "days" };
        told.push(format!("{plural} {}", numbers(&fixed)));
    }
    for before in places(days.before_last.into()) {
        told.push(if before == 0 {
            "the last day".into()
        } else {
            format!("the day {before} before the last")
        });
    }
    for day in places(days.nearest.into()) {
        told.push(format!("the weekday nearest to day {day}"));
    }
    for before in places(days.nearest_before_last.into()) {
        told.push(if before == 0 {
            "the last weekday".into()
        } else {
            format!("the weekday nearest to the day {before} before the last")
        });
    }
    Some(list(&told))
}

fn week_days(days: &WeekDays) -> Option<String> {
    let every = places(days.days.into());
    if every.len() == 7 {
        return None;
    }
    let mut told = Vec::new();
    if !every.is_empty() {
        let every = names(&every, &WEEKDAYS);
        told.push(if every.starts_with("from ") {
            every
        } else {
            format!("on {every}")
        });
    }
    let mut nth = Vec::new();
    for (day, name) in WEEKDAYS.iter().enumerate() {
        let mut weeks: Vec<String> = places(days.nth[day].into())
            .iter()
            .map(|&week| ordinal(week.into()))
            .collect();
        if days.last & (1 << day) != 0 {
            weeks.push("last".into());
        }
        if !weeks.is_empty() {
            nth.push(format!("the {} {name}", list(&weeks)));
        }
    }
    if !nth.is_empty() {
        told.push(format!("on {} of the month", list(&nth)));
    }
    Some(list(&told))
}

fn years(years: &[i32]) -> Option<String> {
    let (first, last) = (years.first()?, years.last()?);
    let consecutive = usize::try_from(last - first).is_ok_and(|span| span + 1 == years.len());
    Some(match years {
        _ if consecutive && years.len() > 2 => format!("from {first} to {last}"),
        [a, b, c, .., last] if years.len() > MOST_TIMES => format!("in {a}, {b}, {c} and so on to {last}"),
        _ => format!("in {}", numbers(years)),
    })
}
