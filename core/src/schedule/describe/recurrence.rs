//! A recurrence in plain words.

use chrono::{NaiveDateTime, Timelike, Weekday};

use super::MOST_TOLD;
use super::words::{MONTHS, WEEKDAYS, counted, list, names, numbers, ordinal};
use crate::schedule::recurrence::{Frequency, Parts, Recurrence};

/// How many times of the day are told one by one.
const MOST_TIMES: usize = 6;

pub(super) fn describe(recurrence: &Recurrence) -> String {
    let rule = recurrence.parts();
    let mut told = vec![frequency(rule)];
    told.extend(months(rule));
    told.extend(ordinals("on", &rule.weeks, "week of the year"));
    told.extend(ordinals("on", &rule.year_days, "day of the year"));
    told.extend(month_days(rule));
    told.extend(weekdays(rule));
    if !rule.positions.is_empty() {
        let places: Vec<String> = rule
            .positions
            .iter()
            .map(|&place| ordinal(place.into()))
            .collect();
        told.push(format!("of those the {}", list(&places)));
    }
    told.extend(times(rule));
    if let Some(count) = rule.count {
        told.push(counted(count as usize, "time"));
    }
    if let Some(until) = recurrence.until() {
        told.push(format!("until {}", until.format("%Y-%m-%d %H:%M")));
    }
    told.extend(dates("but not on", recurrence.removed()));
    told.extend(dates("and also on", recurrence.added()));
    told.push(format!(
        "from {} in {}",
        recurrence.start().date(),
        recurrence.zone.name()
    ));
    told.join(", ")
}

/// Single dates, or how many there are.
fn dates(before: &str, walls: &[NaiveDateTime]) -> Option<String> {
    let told = match walls.len() {
        0 => return None,
        few if few <= MOST_TOLD => list(&walls.iter().map(date).collect::<Vec<_>>()),
        many => counted(many, "date"),
    };
    Some(format!("{before} {told}"))
}

fn date(wall: &NaiveDateTime) -> String {
    let form = match (wall.num_seconds_from_midnight(), wall.second()) {
        (0, _) => "%Y-%m-%d",
        (_, 0) => "%Y-%m-%d at %H:%M",
        _ => "%Y-%m-%d at %H:%M:%S",
    };
    wall.format(form).to_string()
}

fn frequency(rule: &Parts) -> String {
    let unit = match rule.frequency {
        Frequency::Yearly => "year",
        Frequency::Monthly => "month",
        Frequency::Weekly => "week",
        Frequency::Daily => "day",
        Frequency::Hourly => "hour",
        Frequency::Minutely => "minute",
        Frequency::Secondly => "second",
    };
    match rule.interval {
        1 => format!("Every {unit}"),
        interval => format!("Every {interval} {unit}s"),
    }
}

fn months(rule: &Parts) -> Option<String> {
    let months: Vec<u32> = rule
        .months
        .iter()
        .map(|month| u32::from(month.unsigned_abs()) - 1)
        .collect();
    let told = names(&months, &MONTHS);
    match told.as_str() {
        "" => None,
        told if told.starts_with("from ") => Some(told.into()),
        told => Some(format!("in {told}")),
    }
}

fn ordinals(before: &str, places: &[i16], unit: &str) -> Option<String> {
    let told: Vec<String> = places.iter().map(|&place| ordinal(place.into())).collect();
    (!told.is_empty()).then(|| format!("{before} the {} {unit}", list(&told)))
}

fn month_days(rule: &Parts) -> Option<String> {
    let days = &rule.month_days;
    if days.iter().all(|&day| day > 0) {
        let plural = if days.len() == 1 { "day" } else { "days" };
        return (!days.is_empty()).then(|| format!("on {plural} {} of the month", numbers(days)));
    }
    ordinals("on", days, "day of the month")
}

fn weekdays(rule: &Parts) -> Option<String> {
    let place = |day: Weekday| day.num_days_from_sunday();
    let name = |day: Weekday| WEEKDAYS[place(day) as usize];
    if rule.weekdays.is_empty() {
        return None;
    }
    if rule.weekdays.iter().all(|day| day.place.is_none()) {
        let mut every: Vec<u32> = rule.weekdays.iter().map(|day| place(day.day())).collect();
        every.sort_unstable();
        let told = names(&every, &WEEKDAYS);
        return Some(if told.starts_with("from ") {
            told
        } else {
            format!("on {told}")
        });
    }
    let told: Vec<String> = rule
        .weekdays
        .iter()
        .map(|day| match day.place {
            None => format!("every {}", name(day.day())),
            Some(place) => format!("the {} {}", ordinal(place.into()), name(day.day())),
        })
        .collect();
    Some(format!("on {}", list(&told)))
}

/// At what times of the day; nothing when they follow from the frequency.
fn times(rule: &Parts) -> Option<String> {
    let (hours, minutes, seconds) = (&rule.hours, &rule.minutes, &rule.seconds);
    let told = hours.len() * minutes.len() * seconds.len();
    if !hours.is_empty() && (1..=MOST_TIMES).contains(&told) {
        let mut times = Vec::new();
        for hour in hours {
            for minute in minutes {
                times.extend(seconds.iter().map(|second| match second {
                    0 => format!("{hour:02}:{minute:02}"),
                    second => format!("{hour:02}:{minute:02}:{second:02}"),
                }));
            }
        }
        return Some(format!("at {}", list(&times)));
    }
    let unit = |name: &str, values: &[i16]| {
        let plural = if values.len() == 1 { "" } else { "s" };
        (!values.is_empty()).then(|| format!("{name}{plural} {}", numbers(values)))
    };
    let units: Vec<String> = [
        unit("hour", hours),
        unit("minute", minutes),
        unit("second", seconds).filter(|_| seconds[..] != [0]),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!units.is_empty()).then(|| format!("at {}", list(&units)))
}
