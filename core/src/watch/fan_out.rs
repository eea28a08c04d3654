//! Who is to be told of which events.
//!
//! Each tenant with subscribers has a feed: how far its log was read, and its subscribers by topic, so that an event
//! costs as much as it has listeners. A reader takes a [`Batch`] of the log; subscribers that join meanwhile join behind
//! it, because by then its end is where the feed stands.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::event::{Event, Span, Topic};
use crate::id::TenantId;
use crate::store::events::Interest;

/// Beyond so many watched runs their events are not picked out in the database; all runs' events are read.
const PICKED_RUNS: usize = 128;

/// The subscribers of all tenants.
#[derive(Debug)]
pub(super) struct FanOut {
    buffer: usize,
    feeds: HashMap<TenantId, Feed>,
    logs: HashMap<TenantId, LogFeed>,
    last_ticket: u64,
}

#[derive(Debug)]
struct Feed {
    read_until: i64,
    outlets: HashMap<Topic, Vec<Outlet>>,
}

#[derive(Debug)]
struct Outlet {
    ticket: u64,
    sender: mpsc::Sender<Arc<Event>>,
}

#[derive(Debug)]
struct LogFeed {
    grew: watch::Sender<()>,
    followers: usize,
}

/// A place among the subscribers.
#[derive(Debug)]
pub(super) struct Joined {
    /// Names the place.
    pub(super) ticket: u64,
    /// Everything after this number arrives; what was before must be read from the log.
    pub(super) live_after: i64,
    /// Where it arrives. It closes when the subscriber was too slow.
    pub(super) events: mpsc::Receiver<Arc<Event>>,
}

/// A part of a tenant's log that somebody waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) span: Span,
    pub(super) interest: Interest,
}

impl FanOut {
    /// A fan-out that lets `buffer` events wait for each subscriber.
    pub(super) fn new(buffer: usize) -> Self {
        Self {
            buffer,
            feeds: HashMap::new(),
            logs: HashMap::new(),
            last_ticket: 0,
        }
    }

    /// Adds a subscriber. A feed that begins with it begins at `settled`.
    pub(super) fn join(&mut self, tenant: TenantId, topic: Topic, settled: i64) -> Joined {
        let feed = self.feeds.entry(tenant).or_insert_with(|| Feed {
            read_until: settled,
            outlets: HashMap::new(),
        });
        self.last_ticket += 1;
        let (sender, events) = mpsc::channel(self.buffer);
        feed.outlets.entry(topic).or_default().push(Outlet {
            ticket: self.last_ticket,
            sender,
        });
        Joined {
            ticket: self.last_ticket,
            live_after: feed.read_until,
            events,
        }
    }

    /// Removes a subscriber, and with a tenant's last one its feed.
    pub(super) fn leave(&mut self, tenant: TenantId, topic: Topic, ticket: u64) {
        let Some(feed) = self.feeds.get_mut(&tenant) else {
            return;
        };
        feed.retain(topic, |outlet| outlet.ticket != ticket);
        if feed.outlets.is_empty() {
            self.feeds.remove(&tenant);
        }
    }

    /// The tenants that have subscribers.
    pub(super) fn tenants(&self) -> impl Iterator<Item = TenantId> {
        self.feeds.keys().copied()
    }

    /// Takes what is new to the tenant's subscribers up to `settled`; nothing when it has none, or nothing is new.
    pub(super) fn take_batch(&mut self, tenant: TenantId, settled: i64) -> Option<Batch> {
        let feed = self.feeds.get_mut(&tenant)?;
        let span = Span {
            tenant,
            after: feed.read_until,
            upto: feed.read_until.max(settled),
        };
        feed.read_until = span.upto;
        (span.after < span.upto).then(|| Batch {
            span,
            interest: feed.interest(),
        })
    }

    /// Gives back the part of a batch after `read_until`, to be taken again.
    pub(super) fn put_back(&mut self, tenant: TenantId, read_until: i64) {
        if let Some(feed) = self.feeds.get_mut(&tenant) {
            feed.read_until = feed.read_until.min(read_until);
        }
    }

    /// Hands events to those whose topic they are. A subscriber whose buffer is full is removed.
    pub(super) fn deliver(&mut self, tenant: TenantId, events: Vec<Event>) {
        let Some(feed) = self.feeds.get_mut(&tenant) else {
            return;
        };
        for event in events {
            feed.deliver(&Arc::new(event));
        }
        if feed.outlets.is_empty() {
            self.feeds.remove(&tenant);
        }
    }

    /// Adds a follower of the tenant's logs; it is woken when they grow.
    pub(super) fn join_log(&mut self, tenant: TenantId) -> watch::Receiver<()> {
        let feed = self.logs.entry(tenant).or_insert_with(|| LogFeed {
            grew: watch::Sender::new(()),
            followers: 0,
        });
        feed.followers += 1;
        feed.grew.subscribe()
    }

    /// Removes a follower of the tenant's logs.
    pub(super) fn leave_log(&mut self, tenant: TenantId) {
        if let Some(feed) = self.logs.get_mut(&tenant) {
            feed.followers -= 1;
            if feed.followers == 0 {
                self.logs.remove(&tenant);
            }
        }
    }

    /// Wakes the followers of the tenant's logs; of all logs when no tenant is named.
    pub(super) fn wake_log(&self, tenant: Option<TenantId>) {
        let named = self
            .logs
            .iter()
            .filter(|(of, _)| tenant.is_none_or(|tenant| tenant == **of));
        for feed in named.map(|(_, feed)| feed) {
            feed.grew.send_replace(());
        }
    }

    /// Whether there is nobody to serve.
    pub(super) fn is_empty(&self) -> bool {
        self.feeds.is_empty() && self.logs.is_empty()
    }

    /// How many there are to serve.
    pub(super) fn subscribers(&self) -> usize {
        let events: usize = self
            .feeds
            .values()
            .flat_map(|feed| feed.outlets.values())
            .map(Vec::len)
            .sum();
        let logs: usize = self.logs.values().map(|feed| feed.followers).sum();
        events + logs
    }
}

impl Feed {
    fn interest(&self) -> Interest {
        let mut runs = BTreeSet::new();
        for topic in self.outlets.keys() {
            if let Topic::Run(run) = topic {
                runs.insert(*run);
            }
        }
        Interest {
            runs: (runs.len() <= PICKED_RUNS).then_some(runs),
            all_runs: self.outlets.contains_key(&Topic::Runs),
            executors: self.outlets.contains_key(&Topic::Executors),
            alerts: self.outlets.contains_key(&Topic::Alerts),
            bulk_jobs: self.outlets.contains_key(&Topic::BulkJobs),
            occurrences: self.outlets.contains_key(&Topic::Occurrences),
            backfills: self.outlets.contains_key(&Topic::Backfills),
            firings: self.outlets.contains_key(&Topic::Firings),
        }
    }

    fn deliver(&mut self, event: &Arc<Event>) {
        let Some(run) = event.run_id else {
            if let Some(topic) = event.kind.topic() {
                self.send(topic, event);
            }
            return;
        };
        self.send(Topic::Run(run), event);
        if event.task_run_id.is_none() {
            self.send(Topic::Runs, event);
        }
    }

    fn send(&mut self, topic: Topic, event: &Arc<Event>) {
        // To drop the sender closes the channel; what is in it is still delivered.
        self.retain(topic, |outlet| outlet.sender.try_send(Arc::clone(event)).is_ok());
    }

    fn retain(&mut self, topic: Topic, keep: impl FnMut(&Outlet) -> bool) {
        if let Some(outlets) = self.outlets.get_mut(&topic) {
            outlets.retain(keep);
            if outlets.is_empty() {
                self.outlets.remove(&topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::event::EventKind;
    use crate::id::{RunId, TaskRunId};

    fn event(seq: i64, run: Option<RunId>, task_run: Option<TaskRunId>) -> Event {
        let kind = match (run, task_run) {
            (None, _) => EventKind::ExecutorLost,
            (Some(_), None) => EventKind::RunStarted,
            (Some(_), Some(_)) => EventKind::TaskRunStarted,
        };
        Event {
            seq,
            run_id: run,
            task_run_id: task_run,
            kind,
            data: None,
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn received(joined: &mut Joined) -> Vec<i64> {
        std::iter::from_fn(|| joined.events.try_recv().ok())
            .map(|event| event.seq)
            .collect()
    }

    #[test]
    fn each_topic_is_told_of_its_own_events() {
        let (tenant, run, other) = (TenantId::generate(), RunId::generate(), RunId::generate());
        let mut fan_out = FanOut::new(8);
        let mut of_run = fan_out.join(tenant, Topic::Run(run), 0);
        let mut of_runs = fan_out.join(tenant, Topic::Runs, 0);
        let mut of_executors = fan_out.join(tenant, Topic::Executors, 0);
        let task_run = Some(TaskRunId::generate());
        let events = vec![
            event(1, Some(run), None),
            event(2, Some(run), task_run),
            event(3, Some(other), None),
            event(4, Some(other), task_run),
            event(5, None, None),
        ];
        fan_out.deliver(tenant, events);
        assert_eq!(received(&mut of_run), [1, 2]);
        assert_eq!(received(&mut of_runs), [1, 3]);
        assert_eq!(received(&mut of_executors), [5]);
    }

    #[test]
    fn what_is_about_no_run_goes_by_its_kind() {
        let tenant = TenantId::generate();
        let mut fan_out = FanOut::new(8);
        let mut of_executors = fan_out.join(tenant, Topic::Executors, 0);
        let mut of_alerts = fan_out.join(tenant, Topic::Alerts, 0);
        let kinds = [
            EventKind::ExecutorLeft,
            EventKind::AlertRaised,
            EventKind::WorkflowRefused,
            EventKind::AlertResolved,
        ];
        let of_kind = |(seq, kind)| Event {
            kind,
            ..event(seq, None, None)
        };
        fan_out.deliver(tenant, (1..).zip(kinds).map(of_kind).collect());
        assert_eq!(received(&mut of_executors), [1]);
        assert_eq!(received(&mut of_alerts), [2, 4]);
    }

    #[test]
    fn a_tenant_is_told_nothing_of_anothers_events() {
        let (mine, other, run) = (TenantId::generate(), TenantId::generate(), RunId::generate());
        let mut fan_out = FanOut::new(8);
        let mut joined = fan_out.join(mine, Topic::Run(run), 0);
        fan_out.deliver(other, vec![event(1, Some(run), None)]);
        assert!(received(&mut joined).is_empty());
    }

    #[test]
    fn who_joins_during_a_batch_joins_behind_it() {
        let tenant = TenantId::generate();
        let mut fan_out = FanOut::new(8);
        fan_out.join(tenant, Topic::Runs, 10);
        let batch = fan_out
            .take_batch(tenant, 20)
            .expect("there is something to read");
        assert_eq!(
            batch.span,
            Span {
                tenant,
                after: 10,
                upto: 20
            }
        );
        assert_eq!(fan_out.join(tenant, Topic::Runs, 20).live_after, 20);
        assert_eq!(fan_out.take_batch(tenant, 20), None, "nothing is read twice");
        fan_out.put_back(tenant, 14);
        assert_eq!(
            fan_out.take_batch(tenant, 20).map(|batch| batch.span.after),
            Some(14)
        );
    }

    #[test]
    fn a_subscriber_that_is_too_slow_keeps_what_it_has_and_gets_no_more() {
        let (tenant, run) = (TenantId::generate(), RunId::generate());
        let mut fan_out = FanOut::new(2);
        let mut slow = fan_out.join(tenant, Topic::Run(run), 0);
        fan_out.deliver(tenant, (1..=3).map(|seq| event(seq, Some(run), None)).collect());
        assert_eq!(received(&mut slow), [1, 2]);
        assert!(slow.events.is_closed());
        assert!(fan_out.is_empty());
    }

    #[test]
    fn with_the_last_subscriber_the_feed_goes() {
        let tenant = TenantId::generate();
        let mut fan_out = FanOut::new(2);
        let (first, second) = (
            fan_out.join(tenant, Topic::Runs, 0),
            fan_out.join(tenant, Topic::Executors, 0),
        );
        fan_out.leave(tenant, Topic::Runs, first.ticket);
        assert_eq!(fan_out.subscribers(), 1);
        fan_out.leave(tenant, Topic::Executors, second.ticket);
        assert!(fan_out.is_empty());
        assert_eq!(fan_out.take_batch(tenant, 5), None);
    }

    #[test]
    fn many_watched_runs_are_not_picked_out_one_by_one() {
        let tenant = TenantId::generate();
        let mut fan_out = FanOut::new(2);
        let few = fan_out.join(tenant, Topic::Run(RunId::generate()), 0);
        let interest =
            |fan_out: &mut FanOut, settled| fan_out.take_batch(tenant, settled).map(|batch| batch.interest);
        assert!(
            interest(&mut fan_out, 1)
                .is_some_and(|interest| interest.runs.is_some_and(|runs| runs.len() == 1))
        );
        let many: Vec<_> = (0..PICKED_RUNS)
            .map(|_| fan_out.join(tenant, Topic::Run(RunId::generate()), 0))
            .collect();
        assert!(interest(&mut fan_out, 2).is_some_and(|interest| interest.runs.is_none()));
        drop((few, many));
    }
}
