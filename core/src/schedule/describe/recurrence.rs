//! A recurrence in plain words.

use rrule::{Frequency, NWeekday, RRule};

use super::words::{MONTHS, WEEKDAYS, counted, list, names, numbers, ordinal};
use crate::schedule::recurrence::Recurrence;

/// How many times of the day are told one by one.
const MOST_TIMES: usize = 6;

pub(super) fn describe(recurrence: &Recurrence) -> String {
    let rule = recurrence.rule();
    let mut parts = vec![frequency(rule)];
    parts.extend(months(rule));
    parts.extend(ordinals("on", rule.get_by_week_no(), "week of the year"));
    parts.extend(ordinals("on", rule.get_by_year_day(), "day of the year"));
    parts.extend(month_days(recurrence));
    parts.extend(weekdays(rule));
    if !rule.get_by_set_pos().is_empty() {
        let places: Vec<String> = rule
            .get_by_set_pos()
            .iter()
            .map(|&place| ordinal(place.into()))
            .collect();
        parts.push(format!("of those the {}", list(&places)));
    }
    parts.extend(times(rule));
    if let Some(count) = rule.get_count() {
        parts.push(counted(count as usize, "time"));
    }
    if let Some(until) = recurrence.until() {
        parts.push(format!("until {}", until.format("%Y-%m-%d %H:%M")));
    }
    parts.push(format!(
        "from {} in {}",
        recurrence.start().date(),
        recurrence.zone.name()
    ));
    parts.join(", ")
}

fn frequency(rule: &RRule) -> String {
    let unit = match rule.get_freq() {
        Frequency::Yearly => "year",
        Frequency::Monthly => "month",
        Frequency::Weekly => "week",
        Frequency::Daily => "day",
        Frequency::Hourly => "hour",
        Frequency::Minutely => "minute",
        Frequency::Secondly => "second",
    };
    match rule.get_interval() {
        1 => format!("Every {unit}"),
        interval => format!("Every {interval} {unit}s"),
    }
}

fn months(rule: &RRule) -> Option<String> {
    let months: Vec<u32> = rule
        .get_by_month()
        .iter()
        .map(|&month| u32::from(month) - 1)
        .collect();
    let told = names(&months, &MONTHS);
    match told.as_str() {
        "" => None,
        told if told.starts_with("from ") => Some(told.into()),
        told => Some(format!("in {told}")),
    }
}

fn ordinals<T: Copy + Into<i64>>(before: &str, places: &[T], unit: &str) -> Option<String> {
    let told: Vec<String> = places.iter().map(|&place| ordinal(place.into())).collect();
    (!told.is_empty()).then(|| format!("{before} the {} {unit}", list(&told)))
}

fn month_days(recurrence: &Recurrence) -> Option<String> {
    let days = recurrence.month_days();
    if days.iter().all(|&day| day > 0) {
        let plural = if days.len() == 1 { "day" } else { "days" };
        return (!days.is_empty()).then(|| format!("on {plural} {} of the month", numbers(days)));
    }
    ordinals("on", days, "day of the month")
}

fn weekdays(rule: &RRule) -> Option<String> {
    let name = |day: rrule::Weekday| WEEKDAYS[day.num_days_from_sunday() as usize];
    let plain = |day: &NWeekday| match day {
        NWeekday::Every(day) => Some(day.num_days_from_sunday()),
        NWeekday::Nth(..) => None,
    };
    let days = rule.get_by_weekday();
    if days.is_empty() {
        return None;
    }
    if let Some(mut every) = days.iter().map(plain).collect::<Option<Vec<u32>>>() {
        every.sort_unstable();
        every.dedup();
        let told = names(&every, &WEEKDAYS);
        return Some(if told.starts_with("from ") {
            told
        } else {
            format!("on {told}")
        });
    }
    let told: Vec<String> = days
        .iter()
        .map(|day| match day {
            NWeekday::Every(day) => format!("every {}", name(*day)),
            NWeekday::Nth(place, day) => format!("the {} {}", ordinal((*place).into()), name(*day)),
        })
        .collect();
    Some(format!("on {}", list(&told)))
}

/// At what times of the day; nothing when they follow from the frequency.
fn times(rule: &RRule) -> Option<String> {
    let (hours, minutes, seconds) = (rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second());
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
    let unit = |name: &str, values: &[u8]| {
        let plural = if values.len() == 1 { "" } else { "s" };
        (!values.is_empty()).then(|| format!("{name}{plural} {}", numbers(values)))
    };
    let units: Vec<String> = [
        unit("hour", hours),
        unit("minute", minutes),
        unit("second", seconds).filter(|_| seconds != [0]),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!units.is_empty()).then(|| format!("at {}", list(&units)))
}
