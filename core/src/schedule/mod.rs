//! The rules of time: which instants a schedule names, and what becomes of them.
//!
//! Users of schedulers lose occurrences to restarts, to daylight saving and to outages, and learn of it from their customers.
//! Here an occurrence is named by a function before anything happens, so that whatever happens can be held against it. What
//! a [`plan`] answers depends on a timing, a calendar and a seed and on nothing else: it reads no clock, keeps no memory and
//! asks nobody. The memory of a schedule is one instant, up to which everything has been settled; read from there, the plan
//! says the same to a live pass, to a catch-up after an outage and to a backfill a year later.
//!
//! Read from the ground up: a [`rule`] names instants by way of a [`cron`] expression, a [`recurrence`] or plain
//! arithmetic, on the clock of a [`zone`]; a [`calendar`] says which of them work; [`timing`] is all of it as its author
//! writes it, and [`plan`] all of it ready to be asked. What becomes of occurrences that are due is decided beside them:
//! [`catch_up`] for those that are late, [`overlap`] for those that meet earlier ones, [`backfill`] for those that are asked
//! for again.
//!
//! Every evaluation ends, and soon. What could take long is bounded where it is written (lists, counts, joined calendars),
//! where it is looked for (the days of 400 years, after which the calendar repeats itself; a year of days off), or in what it means (of
//! days off that lie together, a thousand occurrences move), and what can never fire is refused with the reason.

pub mod backfill;
pub mod calendar;
pub mod catch_up;
pub mod cron;
mod day_times;
pub mod describe;
mod instants;
mod moves;
pub mod occurrence;
pub mod overlap;
pub mod plan;
pub mod preset;
pub mod recurrence;
pub mod rule;
pub mod spec;
pub mod timing;
mod walk;
pub mod zone;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod properties;
