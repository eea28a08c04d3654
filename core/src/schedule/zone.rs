//! Wall clocks: which instants a zone's clock shows, and what the clock's changes mean for a rule.
//!
//! A zone is a row of spans in which the distance to UTC stays the same. Within a span, wall time and instants run alike,
//! so a rule can be asked about wall time without a thought for changes. All trouble is where two spans meet, and three
//! facts about each span say it: where its clock begins, up to where earlier clocks had come (`seen_until`), and from where
//! later clocks will come again (`returns_from`). Wall time from `seen_until` to the beginning is the gap: no clock ever
//! shows it. Wall time before `seen_until` is shown for the second time, and from `returns_from` on for the first. That
//! holds for an hour in spring as it does for Lord Howe's half hour and for the Friday that Apia left out.
//!
//! The crate with the zones answers what the offset of an instant is and keeps its spans to itself. They are found once
//! per zone and process, by asking for every noon and halving where two noons differ. Its data end with this century:
//! later instants have the offset of the last span.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// What a schedule does where its zone's clock jumps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaylightSaving {
    /// What becomes of a wall time that is left out.
    #[serde(default)]
    pub gap: Gap,
    /// What becomes of a wall time that is shown twice.
    #[serde(default)]
    pub repeat: Repeat,
}

/// What becomes of a wall time that the clock leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Gap {
    /// It is kept at the first instant after the gap. Several within one gap are one occurrence there.
    #[default]
    Next,
    /// It is left out.
    Skip,
}

/// What becomes of a wall time that the clock shows twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Repeat {
    /// It is kept the first time.
    #[default]
    First,
    /// It is kept the last time.
    Last,
    /// It is kept both times.
    Both,
}

/// A stretch of time in which a zone's distance to UTC stays the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Its first instant.
    pub(super) begin: DateTime<Utc>,
    /// The first instant after it.
    pub(super) end: DateTime<Utc>,
    /// What is added to UTC.
    offset: TimeDelta,
    /// What its clock shows first.
    pub(super) wall_begin: NaiveDateTime,
    /// The first wall time that its clock no longer shows.
    pub(super) wall_end: NaiveDateTime,
    /// Up to where the clocks of earlier spans had come.
    pub(super) seen_until: NaiveDateTime,
    /// From where the clocks of later spans begin.
    pub(super) returns_from: NaiveDateTime,
}

impl Span {
    /// What the clock shows at `instant`.
    pub(super) fn wall(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        instant
            .naive_utc()
            .checked_add_signed(self.offset)
            .unwrap_or(if instant < DateTime::UNIX_EPOCH {
                NaiveDateTime::MIN
            } else {
                NaiveDateTime::MAX
            })
    }

    /// When the clock shows `wall`, which must lie between the beginning and the end of its wall time.
    pub(super) fn instant(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        let instant = wall.checked_sub_signed(self.offset);
        instant.map_or(self.begin, |instant| instant.and_utc())
    }
}

/// The spans of a zone.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    spans: Arc<[Span]>,
}

impl Zone {
    /// The spans of `tz`.
    pub(super) fn of(tz: Tz) -> Self {
        static FOUND: LazyLock<RwLock<HashMap<Tz, Arc<[Span]>>>> = LazyLock::new(RwLock::default);
        let known = FOUND
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tz)
            .cloned();
        let spans = known.unwrap_or_else(|| {
            let spans: Arc<[Span]> = spans(tz).into();
            let mut found = FOUND.write().unwrap_or_else(PoisonError::into_inner);
            found.entry(tz).or_insert(spans).clone()
        });
        Self { spans }
    }

    /// All spans, the earliest first.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Which span `instant` lies in.
    pub(super) fn place(&self, instant: DateTime<Utc>) -> usize {
        self.spans
            .partition_point(|span| span.begin <= instant)
            .saturating_sub(1)
    }

    /// What the zone's clock shows at `instant`.
    pub(super) fn wall(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        self.spans[self.place(instant)].wall(instant)
    }

    /// The first instant at which the clock shows `wall` or, when it leaves that out, something later.
    pub(super) fn first_at(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        let span = &self.spans[self.place_showing(wall)];
        span.instant(wall.max(span.wall_begin))
    }

    /// All instants at which the clock shows `wall`.
    pub(super) fn instants_at(&self, wall: NaiveDateTime) -> impl Iterator<Item = DateTime<Utc>> {
        // No clock was ever put back over what it had shown twice.
        self.spans[self.place_showing(wall)..]
            .iter()
            .take(2)
            .filter(move |span| span.wall_begin <= wall && wall < span.wall_end)
            .map(move |span| span.instant(wall))
    }

    /// The first span whose clock shows `wall` or something later.
    fn place_showing(&self, wall: NaiveDateTime) -> usize {
        let place = self
            .spans
            .partition_point(|span| span.seen_until.max(span.wall_end) <= wall);
        place.min(self.spans.len() - 1)
    }
}

/// Finds the spans of `tz` between the years for which zones are known.
fn spans(tz: Tz) -> Vec<Span> {
    let noon = |year| Utc.with_ymd_and_hms(year, 1, 1, 12, 0, 0).single();
    let (first, last) = noon(1900).zip(noon(2101)).expect("both noons exist");
    let mut changes = vec![(DateTime::<Utc>::MIN_UTC, offset(tz, first))];
    let mut here = first;
    while here < last {
        let next = here + TimeDelta::days(1);
        let later = offset(tz, next);
        if later != offset(tz, here) {
            changes.push((change_between(tz, here, next), later));
        }
        here = next;
    }
    let mut spans: Vec<Span> = changes
        .iter()
        .enumerate()
        .map(|(place, &(begin, offset))| {
            let end = changes
                .get(place + 1)
                .map_or(DateTime::<Utc>::MAX_UTC, |change| change.0);
            let mut span = Span {
                begin,
                end,
                offset,
                wall_begin: NaiveDateTime::MIN,
                wall_end: NaiveDateTime::MAX,
                seen_until: NaiveDateTime::MIN,
                returns_from: NaiveDateTime::MAX,
            };
            if place > 0 {
                span.wall_begin = span.wall(begin);
            }
            if place + 1 < changes.len() {
                span.wall_end = span.wall(end);
            }
            span
        })
        .collect();
    for place in 1..spans.len() {
        spans[place].seen_until = spans[place - 1].seen_until.max(spans[place - 1].wall_end);
    }
    for place in (1..spans.len()).rev() {
        spans[place - 1].returns_from = spans[place].returns_from.min(spans[place].wall_begin);
    }
    spans
}

/// The first instant with the offset of `after`; `before` and `after` have different ones.
fn change_between(tz: Tz, mut before: DateTime<Utc>, mut after: DateTime<Utc>) -> DateTime<Utc> {
    let old = offset(tz, before);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if offset(tz, middle) == old {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

fn offset(tz: Tz, instant: DateTime<Utc>) -> TimeDelta {
    let offset = tz.offset_from_utc_datetime(&instant.naive_utc()).fix();
    TimeDelta::seconds(offset.local_minus_utc().into())
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().expect("a wall time")
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn gaps_and_repeats_are_where_the_clock_has_them() {
        for (tz, at, seen_until, begin) in [
            (
                Tz::Europe__Berlin,
                "2025-03-30T01:00:00Z",
                "2025-03-30T02:00:00",
                "2025-03-30T03:00:00",
            ),
            (
                Tz::Europe__Berlin,
                "2025-10-26T01:00:00Z",
                "2025-10-26T03:00:00",
                "2025-10-26T02:00:00",
            ),
            (
                Tz::Australia__Lord_Howe,
                "2025-10-04T15:30:00Z",
                "2025-10-05T02:00:00",
                "2025-10-05T02:30:00",
            ),
            (
                Tz::Australia__Lord_Howe,
                "2025-04-05T15:00:00Z",
                "2025-04-06T02:00:00",
                "2025-04-06T01:30:00",
            ),
            (
                Tz::Pacific__Apia,
                "2011-12-30T10:00:00Z",
                "2011-12-30T00:00:00",
                "2011-12-31T00:00:00",
            ),
        ] {
            let zone = Zone::of(tz);
            let span = zone.spans()[zone.place(instant(at))];
            assert_eq!(span.begin, instant(at), "{tz}");
            assert_eq!(
                (span.seen_until, span.wall_begin),
                (wall(seen_until), wall(begin)),
                "{tz}"
            );
        }
    }

    #[test]
    fn a_wall_time_has_no_instant_or_one_or_two() {
        let zone = Zone::of(Tz::Europe__Berlin);
        for (shown, expected) in [
            ("2025-03-30T02:30:00", vec![]),
            ("2025-07-01T12:00:00", vec!["2025-07-01T10:00:00Z"]),
            (
                "2025-10-26T02:30:00",
                vec!["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"],
            ),
        ] {
            let found: Vec<_> = zone.instants_at(wall(shown)).collect();
            let expected: Vec<_> = expected.into_iter().map(instant).collect();
            assert_eq!(found, expected, "{shown}");
        }
        assert_eq!(
            zone.first_at(wall("2025-03-30T02:30:00")),
            instant("2025-03-30T01:00:00Z")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn spans_show_what_the_zone_shows(
            tz in prop::sample::select(TZ_VARIANTS.to_vec()),
            seconds in prop::collection::vec(-2_200_000_000..4_200_000_000_i64, 200),
        ) {
            let zone = Zone::of(tz);
            for seconds in seconds {
                let instant = DateTime::from_timestamp(seconds, 0).expect("an instant");
                prop_assert_eq!(zone.wall(instant), instant.with_timezone(&tz).naive_local(), "{} at {}", tz, instant);
            }
        }
    }
}
