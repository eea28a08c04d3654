//! From one event to its days or windows.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use icalendar::parser::{Component, Property};

use super::value::{date, duration, is_date, parameter, properties, value_of, wall, zone};
use super::{ImportBounds, Imported};
use crate::schedule::calendar::definition::{Days, LONGEST_NAME, MOST_DAYS};
use crate::schedule::recurrence::Recurrence;
use crate::schedule::timing::Window;
use crate::schedule::zone::Zone;

/// One event of a file.
pub(super) struct Event<'a> {
    pub(super) component: &'a Component<'a>,
    pub(super) bounds: &'a ImportBounds,
    /// Which of its times other events replace.
    pub(super) replaced: &'a [&'a Property<'a>],
}

/// When an event first begins, and how long it lasts.
#[derive(Clone, Copy)]
struct Extent {
    /// Of an event of whole days, the midnight.
    start: NaiveDateTime,
    length: TimeDelta,
    /// The zone of its times; none for whole days.
    zone: Option<Tz>,
}

impl Event<'_> {
    /// What it is called.
    pub(super) fn name(&self) -> Option<String> {
        let summary = value_of(self.component, "SUMMARY")?;
        Some(summary.chars().take(LONGEST_NAME).collect())
    }

    pub(super) fn add_to(&self, imported: &mut Imported) -> Result<(), String> {
        let status = value_of(self.component, "STATUS");
        self.check_replacement()?;
        if status.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(());
        }
        let extent = self.extent()?;
        for (start, length) in self.times(extent)? {
            match extent.zone {
                None => self.add_days(start.date(), length, imported),
                Some(zone) => self.add_window(start, length, zone, imported),
            }
        }
        Ok(())
    }

    fn add_days(&self, from: NaiveDate, length: TimeDelta, imported: &mut Imported) {
        let until = from
            .checked_add_signed(length - TimeDelta::days(1))
            .unwrap_or(from);
        if until >= self.bounds.from && from <= self.bounds.until {
            let name = self.name();
            imported.days.push(Days { from, until, name });
        }
    }

    /// Adds a window, unless it has no length: such an event marks an instant and takes no time.
    fn add_window(&self, start: NaiveDateTime, length: TimeDelta, zone: Tz, imported: &mut Imported) {
        let from = Zone::of(zone).first_at(start);
        let until = from.checked_add_signed(length).unwrap_or(from);
        let matters = until.date_naive() >= self.bounds.from && from.date_naive() <= self.bounds.until;
        if from < until && matters {
            let name = self.name();
            imported.windows.push(Window { from, until, name });
        }
    }

    /// Refuses a replacement that reaches further than one time, or that says of nothing what it replaces.
    fn check_replacement(&self) -> Result<(), String> {
        match properties(self.component, "RECURRENCE-ID").next() {
            Some(replaces) if parameter(replaces, "RANGE").is_some() => Err(
                "its RECURRENCE-ID has a RANGE, which is not read; end the event before it with UNTIL, and write what follows as an \
                 event with a UID of its own"
                    .into(),
            ),
            Some(_) if value_of(self.component, "UID").is_none() => {
                Err("it has a RECURRENCE-ID and no UID; give it that of the event it belongs to".into())
            }
            _ => Ok(()),
        }
    }

    fn extent(&self) -> Result<Extent, String> {
        let start = properties(self.component, "DTSTART")
            .next()
            .ok_or("it has no DTSTART")?;
        let end = properties(self.component, "DTEND").next();
        let lasting = value_of(self.component, "DURATION").map(duration).transpose()?;
        let extent = if is_date(start) {
            Extent::of_days(start, end, lasting)?
        } else {
            self.extent_of_times(start, end, lasting)?
        };
        if extent.length < TimeDelta::zero() {
            return Err("it ends before it begins; give it a DTEND after its DTSTART".into());
        }
        Ok(extent)
    }

    fn extent_of_times(
        &self,
        start: &Property,
        end: Option<&Property>,
        lasting: Option<TimeDelta>,
    ) -> Result<Extent, String> {
        let text = start.val.as_str();
        let own = if text.ends_with('Z') {
            Some(Tz::UTC)
        } else {
            zone(start)?
        };
        let zone = own.unwrap_or(self.bounds.zone);
        let start = wall(start, text, zone)?;
        let length = match end {
            Some(end) => self.length(zone, start, end, end.val.as_str())?,
            None => lasting.unwrap_or_default(),
        };
        Ok(Extent {
            start,
            length,
            zone: Some(zone),
        })
    }

    /// How long it is from the wall time `from` to the time `until` of `property`.
    fn length(
        &self,
        zone: Tz,
        from: NaiveDateTime,
        property: &Property,
        until: &str,
    ) -> Result<TimeDelta, String> {
        let named = if until.ends_with('Z') {
            Some(Tz::UTC)
        } else {
            self::zone(property)?
        };
        let of = named.unwrap_or(if property.name.as_str().eq_ignore_ascii_case("DTEND") {
            self.bounds.zone
        } else {
            zone
        });
        let until = Zone::of(of).first_at(wall(property, until, of)?);
        Ok(until - Zone::of(zone).first_at(from))
    }

    /// When it begins within the bounds, and for how long: once, or as often as it recurs.
    fn times(&self, extent: Extent) -> Result<BTreeMap<NaiveDateTime, TimeDelta>, String> {
        let mut times: BTreeMap<NaiveDateTime, TimeDelta> = match self.rule()? {
            Some(rule) => self
                .ruled(rule, extent)?
                .map(|start| (start, extent.length))
                .collect(),
            None => [(extent.start, extent.length)].into(),
        };
        for property in properties(self.component, "RDATE") {
            for value in property.val.as_str().split(',') {
                let (start, length) = self.added(property, value.trim(), extent)?;
                times.insert(start, length);
            }
        }
        for property in properties(self.component, "EXDATE") {
            for value in property.val.as_str().split(',') {
                times.remove(&extent.start_at(property, value.trim())?);
            }
        }
        if properties(self.component, "RECURRENCE-ID").next().is_none() {
            for property in self.replaced {
                times.remove(&extent.start_at(property, property.val.as_str())?);
            }
        }
        Ok(times)
    }

    fn rule(&self) -> Result<Option<&str>, String> {
        if properties(self.component, "EXRULE").next().is_some() {
            return Err("it has an EXRULE, which RFC 5545 no longer has; write EXDATE".into());
        }
        let mut rules = properties(self.component, "RRULE").map(|rule| rule.val.as_str());
        match (rules.next(), rules.next()) {
            (_, Some(_)) => Err("it has more than one RRULE; write an event for each".into()),
            (rule, None) => Ok(rule),
        }
    }

    /// When `rule` lets it begin, from what reaches into the bounds to what begins in them.
    fn ruled(&self, rule: &str, extent: Extent) -> Result<impl Iterator<Item = NaiveDateTime>, String> {
        let zone = extent.zone.unwrap_or(Tz::UTC);
        let text = format!(
            "DTSTART;TZID={}:{}\nRRULE:{rule}",
            zone.name(),
            extent.start.format("%Y%m%dT%H%M%S")
        );
        // No zone is further than a day from the one of the bounds.
        let day = TimeDelta::days(1);
        let last = self
            .bounds
            .until
            .checked_add_signed(day)
            .unwrap_or(self.bounds.until);
        let first = self
            .bounds
            .from
            .checked_sub_signed(extent.length + day)
            .unwrap_or(NaiveDate::MIN);
        let recurrence = Recurrence::within(&text, zone, last).map_err(|error| error.to_string())?;
        let starts: Vec<NaiveDateTime> =
            std::iter::successors(recurrence.first_from(first.and_time(NaiveTime::MIN)), |&start| {
                recurrence.first_from(start + TimeDelta::seconds(1))
            })
            .take(MOST_DAYS + 1)
            .collect();
        if starts.len() > MOST_DAYS {
            return Err(format!(
                "it recurs more than {MOST_DAYS} times in the stretch that is imported; shorten that, or leave the event out"
            ));
        }
        Ok(starts.into_iter())
    }

    /// A time of an `RDATE` line, which may be a period with a length of its own.
    fn added(
        &self,
        property: &Property,
        value: &str,
        extent: Extent,
    ) -> Result<(NaiveDateTime, TimeDelta), String> {
        let Some((start, end)) = value.split_once('/') else {
            return Ok((extent.start_at(property, value)?, extent.length));
        };
        let Some(zone) = extent.zone else {
            return Err(format!(
                "{value:?} of RDATE has times, and the event is of whole days; write days"
            ));
        };
        let start = extent.start_at(property, start)?;
        let length = if end.starts_with('P') {
            duration(end)?
        } else {
            self.length(zone, start, property, end)?
        };
        if length < TimeDelta::zero() {
            return Err(format!(
                "{value:?} of RDATE ends before it begins; exchange its ends"
            ));
        }
        Ok((start, length))
    }
}

impl Extent {
    fn of_days(start: &Property, end: Option<&Property>, lasting: Option<TimeDelta>) -> Result<Self, String> {
        let day = TimeDelta::days(1);
        let from = date(start, start.val.as_str())?;
        let length = match end {
            Some(end) => date(end, end.val.as_str())? - from,
            None => lasting.map_or(day, |length| TimeDelta::days(length.num_days())),
        };
        Ok(Self {
            start: from.and_time(NaiveTime::MIN),
            // Some programs write the same day twice for an event of that day.
            length: if length.is_zero() { day } else { length },
            zone: None,
        })
    }

    /// The beginning that `value` names, in the event's own terms.
    fn start_at(&self, property: &Property, value: &str) -> Result<NaiveDateTime, String> {
        match self.zone {
            None => Ok(date(property, value)?.and_time(NaiveTime::MIN)),
            Some(_) if value.len() == 8 => Err(format!(
                "{value:?} of {} is a day, and the event has times; write the time as well",
                property.name.as_str()
            )),
            Some(zone) => wall(property, value, zone),
        }
    }
}
