//! The log of a task run, followed while it grows.
//!
//! The lines of an attempt are numbered without gaps by the one executor that prints them, but may be committed in any
//! order, so a follower goes only as far as the numbers go without a gap. What is missing comes, or the attempt is over
//! and its lines are lost with its executor; then the follower goes on behind the gap.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Inner, Watch, WatchError};
use crate::id::{TaskRunId, TenantId};
use crate::store::log_lines::{LogPage, LogPlace, PrintedLine, list_log_lines};
use crate::store::task_runs::list_task_runs_by_id;
use crate::store::{Actor, StoreError};

/// How many lines are read at once.
const PAGE: usize = 500;

/// How often the log is looked at without a signal.
const SLOW_POLL: Duration = Duration::from_millis(500);

/// The least time between two looks that found all there was: a program that prints a line a millisecond need not cost a
/// statement a millisecond.
const PACE: Duration = Duration::from_millis(50);

/// The lines of a task run, from a place on, until it has ended and all of them were handed over.
pub struct LogFollower {
    inner: Arc<Inner>,
    tenant: TenantId,
    task_run: TaskRunId,
    place: LogPlace,
    grew: watch::Receiver<()>,
    looked: Option<Instant>,
    ended: bool,
}

/// What one look at the log found.
struct Look {
    /// Whether the task run had ended before the lines were read, so that there will be no more.
    ended: bool,
    /// The latest attempt, which may still print.
    attempt: i32,
    lines: Vec<PrintedLine>,
}

impl Watch {
    /// The lines of a task run after `place`.
    #[must_use]
    pub fn follow_log(&self, tenant: TenantId, task_run: TaskRunId, place: LogPlace) -> LogFollower {
        let grew = self.inner.fan_out().join_log(tenant);
        self.inner.wanted.notify_one();
        LogFollower {
            inner: Arc::clone(&self.inner),
            tenant,
            task_run,
            place,
            grew,
            looked: None,
            ended: false,
        }
    }
}

impl LogFollower {
    /// The next lines, at least one; `None` when there will be no more. After an error there will be no more either.
    pub async fn next(&mut self) -> Option<Result<Vec<PrintedLine>, WatchError>> {
        while !self.ended {
            match self.look().await {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Some(Ok(lines)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
            }
        }
        None
    }

    /// Waits until a look is due, and takes it.
    async fn look(&mut self) -> Result<Vec<PrintedLine>, StoreError> {
        if let Some(looked) = self.looked {
            tokio::time::sleep_until(looked + PACE).await;
            // It grew, or it is time to look all the same.
            let _ = tokio::time::timeout_at(looked + SLOW_POLL, self.grew.changed()).await;
        }
        let looked = Instant::now();
        let look = self.read().await?;
        let lines = if look.ended {
            look.lines
        } else {
            without_gaps(self.place, look.attempt, look.lines)
        };
        let may_have_more = lines.len() >= PAGE;
        self.place = lines.last().map_or(self.place, |line| line.place);
        self.ended = look.ended && !may_have_more;
        self.looked = (!may_have_more).then_some(looked);
        Ok(lines)
    }

    async fn read(&self) -> Result<Look, StoreError> {
        let mut transaction = self.inner.database.begin(Actor::Tenant(self.tenant)).await?;
        let task_run = list_task_runs_by_id(&mut transaction, self.tenant, &[self.task_run])
            .await?
            .pop();
        let page = LogPage {
            after: self.place,
            attempt: None,
            limit: i64::try_from(PAGE).expect("a page is small"),
        };
        let lines = list_log_lines(&mut transaction, self.tenant, &[self.task_run], page).await?;
        transaction.commit().await?;
        Ok(Look {
            ended: task_run
                .as_ref()
                .is_none_or(|task_run| task_run.state.is_terminal()),
            attempt: task_run.map_or(0, |task_run| task_run.attempts),
            lines,
        })
    }
}

impl Drop for LogFollower {
    fn drop(&mut self) {
        self.inner.fan_out().leave_log(self.tenant);
    }
}

/// The lines after `place` up to the first gap in an attempt that may still print: `latest`, or a later one.
fn without_gaps(mut place: LogPlace, latest: i32, mut lines: Vec<PrintedLine>) -> Vec<PrintedLine> {
    let whole = lines.iter().take_while(|line| {
        let previous = if line.place.attempt == place.attempt {
            place.number
        } else {
            0
        };
        place = line.place;
        line.place.attempt < latest || line.place.number == previous + 1
    });
    let whole = whole.count();
    lines.truncate(whole);
    lines
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::work::LogStream;

    fn lines(places: &[(i32, i32)]) -> Vec<PrintedLine> {
        let line = |&(attempt, number): &(i32, i32)| PrintedLine {
            task_run_id: Uuid::nil().into(),
            place: LogPlace { attempt, number },
            stream: LogStream::Stdout,
            text: String::new(),
            at: DateTime::UNIX_EPOCH,
        };
        places.iter().map(line).collect()
    }

    fn shown(after: (i32, i32), latest: i32, places: &[(i32, i32)]) -> Vec<(i32, i32)> {
        let after = LogPlace {
            attempt: after.0,
            number: after.1,
        };
        let shown = without_gaps(after, latest, lines(places));
        shown
            .into_iter()
            .map(|line| (line.place.attempt, line.place.number))
            .collect()
    }

    #[test]
    fn a_line_whose_predecessor_is_still_to_come_waits_for_it() {
        assert_eq!(shown((0, 0), 1, &[(1, 1), (1, 2), (1, 4)]), [(1, 1), (1, 2)]);
        assert_eq!(shown((1, 2), 1, &[(1, 4)]), []);
        assert_eq!(shown((1, 2), 1, &[(1, 3), (1, 4)]), [(1, 3), (1, 4)]);
    }

    #[test]
    fn what_an_earlier_attempt_lost_is_waited_for_no_longer() {
        assert_eq!(shown((1, 2), 2, &[(1, 4), (2, 1), (2, 3)]), [(1, 4), (2, 1)]);
    }

    #[test]
    fn an_attempt_begins_with_its_first_line() {
        assert_eq!(shown((1, 7), 2, &[(2, 2)]), []);
        assert_eq!(shown((1, 7), 2, &[(2, 1), (2, 2)]), [(2, 1), (2, 2)]);
    }
}
