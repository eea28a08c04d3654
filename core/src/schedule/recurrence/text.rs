//! The lines in which a recurrence is written.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::{MOST_DATES, RecurrenceError};
use crate::schedule::zone::Zone;

/// What the lines of a recurrence say, all dates as wall time of one zone.
pub(super) struct Lines {
    /// The zone of `DTSTART`.
    pub(super) zone: Tz,
    pub(super) start: NaiveDateTime,
    /// The value of the `RRULE` line.
    pub(super) rule: String,
    pub(super) added: Vec<NaiveDateTime>,
    pub(super) removed: Vec<NaiveDateTime>,
    /// The first date of an `RDATE` or `EXDATE` line that has no time, with the line's name.
    pub(super) day_alone: Option<(String, String)>,
}

/// A line, taken apart.
struct Line<'a> {
    name: String,
    parameters: &'a str,
    value: &'a str,
}

/// A date as RFC 5545 writes it.
enum Written {
    Date(NaiveDate),
    Wall(NaiveDateTime),
    Instant(DateTime<Utc>),
}

impl Lines {
    pub(super) fn read(text: &str, zone: Tz) -> Result<Self, RecurrenceError> {
        if !text.is_ascii() {
            return Err(RecurrenceError::NotAscii);
        }
        let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
        let lines: Vec<Line> = unfolded
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(Line::read)
            .collect();
        let known = ["DTSTART", "RRULE", "RDATE", "EXDATE"];
        if let Some(line) = lines.iter().find(|line| !known.contains(&line.name.as_str())) {
            return Err(RecurrenceError::UnknownLine {
                line: line.name.clone(),
            });
        }
        let start = once(&lines, "DTSTART")?;
        let rule = once(&lines, "RRULE")?.value.to_owned();
        let (start, zone) = match (start.date(start.value)?, start.zone()?) {
            (Written::Instant(instant), _) => (instant.naive_utc(), Tz::UTC),
            (Written::Date(date), named) => (date.and_time(NaiveTime::MIN), named.unwrap_or(zone)),
            (Written::Wall(wall), named) => (wall, named.unwrap_or(zone)),
        };
        Ok(Self {
            zone,
            start,
            rule,
            added: dates(&lines, "RDATE", zone)?,
            removed: dates(&lines, "EXDATE", zone)?,
            day_alone: day_alone(&lines),
        })
    }

    /// Refuses dates without a time, for a rule that names times: they would never meet.
    pub(super) fn check_times(&self) -> Result<(), RecurrenceError> {
        let Some((line, value)) = self.day_alone.clone() else {
            return Ok(());
        };
        Err(RecurrenceError::Parameter {
            line,
            value,
            problem: "the rule names times of the day, so write the time as well, such as 20250131T093000",
        })
    }

    /// The last wall time that an `UNTIL` of this value lets through.
    pub(super) fn last_wall(&self, value: &str) -> Result<NaiveDateTime, RecurrenceError> {
        let line = Line {
            name: "UNTIL".into(),
            parameters: "",
            value,
        };
        Ok(match line.date(value)? {
            Written::Date(date) => date.and_hms_opt(23, 59, 59).unwrap_or(NaiveDateTime::MAX),
            Written::Wall(wall) => wall,
            Written::Instant(instant) => Zone::of(self.zone).wall(instant),
        })
    }
}

impl<'a> Line<'a> {
    /// A line without a name is taken for the rule, as most who write rules by hand mean it.
    fn read(line: &'a str) -> Self {
        let (head, value) = line.split_once(':').unwrap_or(("RRULE", line));
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        Self {
            name: name.to_ascii_uppercase(),
            parameters,
            value,
        }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches('"'))
    }

    fn zone(&self) -> Result<Option<Tz>, RecurrenceError> {
        self.parameter("TZID").map(zone_named).transpose()
    }

    fn date(&self, value: &str) -> Result<Written, RecurrenceError> {
        let (line, value) = (self.name.clone(), value.to_owned());
        match written(&value) {
            None => Err(RecurrenceError::Date { line, value }),
            Some(written) => match self.contradiction(&written) {
                Some(problem) => Err(RecurrenceError::Parameter { line, value, problem }),
                None => Ok(written),
            },
        }
    }

    /// What the line's parameters say against a date of this form.
    fn contradiction(&self, written: &Written) -> Option<&'static str> {
        let value = self.parameter("VALUE").map(str::to_ascii_uppercase);
        match (value.as_deref(), written) {
            (Some("DATE"), Written::Wall(_) | Written::Instant(_)) => {
                Some("VALUE=DATE says that there is no time; leave out VALUE or the time")
            }
            (Some("DATE-TIME"), Written::Date(_)) => {
                Some("VALUE=DATE-TIME says that there is a time; add it, or leave out VALUE")
            }
            (Some(value), _) if value != "DATE" && value != "DATE-TIME" => {
                Some("VALUE is DATE or DATE-TIME here; write each date by itself")
            }
            (_, Written::Instant(_)) if self.parameter("TZID").is_some() => {
                Some("Z says UTC, and TZID names a zone; leave out one of them")
            }
            _ => None,
        }
    }

    /// One of the line's dates as wall time of `zone`.
    fn wall(&self, value: &str, zone: Tz) -> Result<NaiveDateTime, RecurrenceError> {
        let own = self.zone()?.unwrap_or(zone);
        Ok(match self.date(value)? {
            Written::Date(date) => date.and_time(NaiveTime::MIN),
            Written::Wall(wall) if own == zone => wall,
            Written::Wall(wall) => Zone::of(zone).wall(Zone::of(own).first_at(wall)),
            Written::Instant(instant) => Zone::of(zone).wall(instant),
        })
    }
}

fn once<'a, 'b>(lines: &'a [Line<'b>], name: &'static str) -> Result<&'a Line<'b>, RecurrenceError> {
    let mut all = lines.iter().filter(|line| line.name == name);
    match (all.next(), all.count()) {
        (Some(line), 0) => Ok(line),
        (first, more) => Err(RecurrenceError::Once {
            line: name,
            found: more + usize::from(first.is_some()),
        }),
    }
}

fn dates(lines: &[Line], name: &'static str, zone: Tz) -> Result<Vec<NaiveDateTime>, RecurrenceError> {
    let mut dates = lines
        .iter()
        .filter(|line| line.name == name)
        .flat_map(|line| line.value.split(',').map(move |value| (line, value)))
        .map(|(line, value)| line.wall(value.trim(), zone))
        .collect::<Result<Vec<_>, _>>()?;
    if dates.len() > MOST_DATES {
        return Err(RecurrenceError::TooManyDates {
            line: name,
            found: dates.len(),
        });
    }
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}

fn day_alone(lines: &[Line]) -> Option<(String, String)> {
    lines
        .iter()
        .filter(|line| line.name == "RDATE" || line.name == "EXDATE")
        .flat_map(|line| line.value.split(',').map(move |value| (line, value.trim())))
        .find(|(_, value)| matches!(written(value), Some(Written::Date(_))))
        .map(|(line, value)| (line.name.clone(), value.to_owned()))
}

fn zone_named(zone: &str) -> Result<Tz, RecurrenceError> {
    zone.parse().map_err(|_| RecurrenceError::Zone {
        zone: zone.to_owned(),
    })
}

fn written(value: &str) -> Option<Written> {
    let date = |text: &str| {
        (text.len() == 8)
            .then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())
            .flatten()
            .filter(|date| (1900..2200).contains(&date.year()))
    };
    let Some((day, time)) = value.split_once('T') else {
        return date(value).map(Written::Date);
    };
    let (time, utc) = time.strip_suffix('Z').map_or((time, false), |time| (time, true));
    let time = (time.len() == 6).then(|| NaiveTime::parse_from_str(time, "%H%M%S").ok())??;
    let wall = date(day)?.and_time(time);
    Some(if utc {
        Written::Instant(wall.and_utc())
    } else {
        Written::Wall(wall)
    })
}
