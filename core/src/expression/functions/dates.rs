//! Dates, and the days on which people work.
//!
//! A date is text, `YYYY-MM-DD`, and every function of dates gives such text again. What a working day is, only a calendar
//! knows: see [`WorkingDays`](crate::expression::WorkingDays).

use std::slice::Iter;

use chrono::format::{Item, StrftimeItems};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};

use super::super::value::Value;
use super::Shape::{Bool, Number, String};
use super::convert::unreadable;
use super::{Failure, Function, Means, global, text_of, whole_of};

/// The longest pattern of a format.
const LONGEST_PATTERN: usize = 256;
/// How many days are looked at for one that people work on, before it is said that there is none.
const MOST_DAYS: usize = 3 * 366;
/// What asking a calendar for a day costs.
const STEPS_A_DAY: usize = 20;

pub(super) const FUNCTIONS: &[Function] = &[
    global("firstDayOfMonth", &[String], String, |given, means| {
        moved(given, means, |date| date.with_day(1))
    }),
    global("lastDayOfMonth", &[String], String, |given, means| {
        moved(given, means, |date| {
            date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
        })
    }),
    global("addDays", &[String, Number], String, add_days),
    global("addMonths", &[String, Number], String, add_months),
    global("dayOfWeek", &[String], Number, |given, _| {
        let date = date(&given[0])?;
        Ok(Value::Int(date.weekday().number_from_monday().into()))
    }),
    global("formatDate", &[String, String], String, format_date),
];

pub(super) const OF_WORKING_DAYS: &[Function] = &[
    global("isWorkingDay", &[String], Bool, |given, means| {
        let date = date(&given[0])?;
        asked(means, date).map(Value::Bool)
    }),
    global("nextWorkingDay", &[String], String, |given, means| {
        work_days_on(given, means, 1)
    }),
    global("previousWorkingDay", &[String], String, |given, means| {
        work_days_on(given, means, -1)
    }),
    global("addWorkingDays", &[String, Number], String, |given, means| {
        let count = whole_of(&given[1])?;
        work_days_on(given, means, count)
    }),
];

fn date(value: &Value<'_>) -> Result<NaiveDate, Failure> {
    let text = text_of(value);
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    date.filter(|date| (1..=9999).contains(&date.year()))
        .ok_or_else(|| unreadable(text, "a date as `2026-01-31`"))
}

fn text<'a>(date: Option<NaiveDate>, means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let date = date
        .filter(|date| (1..=9999).contains(&date.year()))
        .ok_or_else(|| Failure::new("the date lies beyond the years 1 to 9999"))?;
    Value::text(&date.to_string(), means.meter)
}

fn moved<'a>(
    given: &[Value<'a>],
    means: &mut Means<'_>,
    to: fn(NaiveDate) -> Option<NaiveDate>,
) -> Result<Value<'a>, Failure> {
    text(to(date(&given[0])?), means)
}

fn add_days<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let (date, count) = (date(&given[0])?, whole_of(&given[1])?);
    let days = Days::new(count.unsigned_abs());
    let sum = if count < 0 {
        date.checked_sub_days(days)
    } else {
        date.checked_add_days(days)
    };
    text(sum, means)
}

/// The same day of another month; its last day where it is shorter.
fn add_months<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let (date, count) = (date(&given[0])?, whole_of(&given[1])?);
    let months = u32::try_from(count.unsigned_abs()).ok().map(Months::new);
    let sum = months.and_then(|months| {
        if count < 0 {
            date.checked_sub_months(months)
        } else {
            date.checked_add_months(months)
        }
    });
    text(sum, means)
}

fn format_date<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let date = date(&given[0])?;
    // With an offset, since a pattern may ask for one.
    let midnight = date.and_time(NaiveTime::MIN).and_utc();
    written(text_of(&given[1]), means, |items| {
        midnight.format_with_items(items).to_string()
    })
}

/// What `write` makes of a pattern in the notation of `strftime`.
pub(super) fn written<'a>(
    pattern: &str,
    means: &mut Means<'_>,
    write: impl FnOnce(Iter<'_, Item<'_>>) -> std::string::String,
) -> Result<Value<'a>, Failure> {
    let wrong = || unreadable(pattern, "a pattern as `%Y-%m-%d %H:%M`, of at most 256 bytes");
    if pattern.len() > LONGEST_PATTERN {
        return Err(wrong());
    }
    means.meter.steps(pattern.len())?;
    let items: Vec<Item<'_>> = StrftimeItems::new(pattern).parse().map_err(|_| wrong())?;
    Value::text(&write(items.iter()), means.meter)
}

fn asked(means: &mut Means<'_>, date: NaiveDate) -> Result<bool, Failure> {
    means.meter.steps(STEPS_A_DAY)?;
    let calendar = means
        .working_days
        .ok_or_else(|| Failure::new("there is no calendar here to ask for working days"))?;
    Ok(calendar.is_working_day(date))
}

/// The working day that is so many after the date, or before it. The date itself is not counted; 0 is the date.
fn work_days_on<'a>(given: &[Value<'a>], means: &mut Means<'_>, count: i64) -> Result<Value<'a>, Failure> {
    let mut at = date(&given[0])?;
    let mut left = count.unsigned_abs();
    let mut without = 0;
    while left > 0 {
        let neighbour = if count < 0 { at.pred_opt() } else { at.succ_opt() };
        at = neighbour.ok_or_else(|| Failure::new("the date lies beyond the calendar"))?;
        if asked(means, at)? {
            (left, without) = (left - 1, 0);
        } else {
            without += 1;
        }
        if without > MOST_DAYS {
            return Err(Failure::new(format!(
                "nobody works on any of {MOST_DAYS} days up to {at}"
            )));
        }
    }
    text(Some(at), means)
}
