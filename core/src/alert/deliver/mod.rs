//! Sends what was raised.
//!
//! A delivery is a row with the instant of its next try. Whoever claims it moves that instant behind its claim and raises the
//! fence, so a process that dies with it costs a moment and no delivery, and one that comes back late records nothing. The
//! sending itself happens outside of any transaction. No tenant has more than a few deliveries under way in one process, so a
//! receiver that answers slowly holds up nobody else's.

mod mail;
mod webhook;

use std::collections::HashMap;
use std::time::Duration;

use rand::RngExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backoff::wait_after;
use super::channel::Target;
use crate::egress::EgressPolicy;
use crate::id::TenantId;
use crate::signal::{Signal, Signals};
use crate::store::alert_channels::disable;
use crate::store::alert_deliveries::{
    Claimed, DeliveryState, Room, Tried, Try, claim_alert_deliveries, next_alert_delivery,
    record_alert_delivery,
};
use crate::store::{Actor, Database, StoreError};

pub use mail::{Mailer, MailerError};
use webhook::Poster;

/// How many deliveries of one tenant this process has under way at once, and of all.
const OF_EACH_TENANT: usize = 4;
const IN_ALL: usize = 256;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a claim lasts: well beyond a try and the recording of it.
const LEASE: Duration = Duration::from_secs(30);

/// The least time between two looks for what is due.
const PACE: Duration = Duration::from_millis(20);

/// How often it looks without a signal.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// How long it waits after the database failed it.
const FAILED: Duration = Duration::from_millis(500);

/// How deliveries leave this process.
#[derive(Clone, Debug, Default)]
pub struct DeliverySettings {
    /// What webhooks may reach.
    pub egress: EgressPolicy,
    /// How mail is sent; none is without it.
    pub mailer: Option<Mailer>,
}

/// How a try ended.
#[derive(Debug)]
enum Arrival {
    /// It arrived.
    Arrived { http_status: Option<u16> },
    /// It did not, and may the next time, though not before the receiver wants it.
    Failed {
        http_status: Option<u16>,
        why: String,
        not_before: Option<Duration>,
    },
    /// It never will.
    Refused { http_status: Option<u16>, why: String },
    /// The receiver wants nothing from us any more.
    Gone { http_status: u16, why: String },
}

/// Sends deliveries. Any number of processes may.
pub struct Courier {
    database: Database,
    signals: Signals,
    poster: Poster,
    mailer: Option<Mailer>,
    under_way: JoinSet<TenantId>,
    of_tenants: HashMap<TenantId, usize>,
    next_look: Instant,
}

impl Courier {
    /// Sends the deliveries of all tenants in `database`.
    pub fn new(database: Database, signals: Signals, settings: DeliverySettings) -> std::io::Result<Self> {
        Ok(Self {
            database,
            signals,
            poster: Poster::new(settings.egress)?,
            mailer: settings.mailer,
            under_way: JoinSet::new(),
            of_tenants: HashMap::new(),
            next_look: Instant::now(),
        })
    }

    /// Sends until `shutdown`. What is under way then is left: its claim ends, and somebody tries it again.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut receiver = self.signals.receiver();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                Some(ended) = self.under_way.join_next() => {
                    self.has_ended(ended.ok());
                }
                () = sleep_until(self.next_look) => {
                    if let Err(error) = self.look().await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "deliveries were not looked for; trying again");
                        self.next_look = Instant::now() + FAILED;
                    }
                }
                signal = receiver.next() => {
                    if matches!(signal, Signal::Deliveries | Signal::Everything) {
                        self.look_within(PACE);
                    }
                }
            }
        }
    }

    fn look_within(&mut self, span: Duration) {
        self.next_look = self.next_look.min(Instant::now() + span);
    }

    fn has_ended(&mut self, tenant: Option<TenantId>) {
        match tenant {
            Some(tenant) => {
                if let Some(count) = self.of_tenants.get_mut(&tenant) {
                    *count -= 1;
                }
                self.of_tenants.retain(|_, count| *count > 0);
            }
            // Whose it was that panicked is unknown; with nothing under way everybody has room.
            None if self.under_way.is_empty() => self.of_tenants.clear(),
            None => {}
        }
        self.look_within(PACE);
    }

    /// Claims what is due and begins to send it.
    async fn look(&mut self) -> Result<(), StoreError> {
        let busy: Vec<TenantId> = self.of_tenants.keys().copied().collect();
        let room = Room {
            of_each_tenant: count(OF_EACH_TENANT),
            in_all: count(IN_ALL.saturating_sub(self.under_way.len())),
        };
        let mut transaction = self.database.begin(Actor::Engine).await?;
        let claimed = claim_alert_deliveries(&mut transaction, room, &busy, LEASE).await?;
        let due = next_alert_delivery(&mut transaction).await?;
        transaction.commit().await?;
        for claimed in claimed {
            *self.of_tenants.entry(claimed.tenant_id).or_default() += 1;
            self.send(claimed);
        }
        // What is due and was not claimed belongs to a tenant that is busy here; its end wakes this.
        let due = due.filter(|due| !due.is_zero());
        self.next_look = Instant::now() + due.map_or(SLOW_POLL, |due| due.clamp(PACE, SLOW_POLL));
        Ok(())
    }

    fn send(&mut self, claimed: Claimed) {
        let tenant = claimed.tenant_id;
        let (poster, mailer) = (self.poster.clone(), self.mailer.clone());
        let (database, signals) = (self.database.clone(), self.signals.clone());
        self.under_way.spawn(async move {
            let began = Instant::now();
            let arrival = attempt(&poster, mailer.as_ref(), &claimed).await;
            let recorded = record(&database, &claimed, arrival, began.elapsed()).await;
            match recorded {
                Ok(()) => signals.raise([Signal::Deliveries]),
                Err(error) => {
                    tracing::warn!(delivery.id = %claimed.id, error = &error as &dyn std::error::Error, "what became of a delivery was not recorded; it is tried again");
                }
            }
            tenant
        });
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One try.
async fn attempt(poster: &Poster, mailer: Option<&Mailer>, claimed: &Claimed) -> Arrival {
    if let Some(reason) = &claimed.disabled_reason {
        return refused(format!(
            "the channel is disabled: {reason}; edit it to try it again"
        ));
    }
    let sending = async {
        match (&claimed.target, mailer) {
            (None, _) => refused("the channel was deleted".to_owned()),
            (Some(Target::Webhook { url, .. }), _) => poster.post(url, claimed).await,
            (Some(Target::Email { to, from }), Some(mailer)) => {
                mailer.send(to, from.as_deref(), claimed).await
            }
            (Some(Target::Email { .. }), None) => Arrival::Failed {
                http_status: None,
                why: "this scheduler sends no mail; start it with --smtp-url and --smtp-from".to_owned(),
                not_before: None,
            },
        }
    };
    tokio::time::timeout(TIMEOUT, sending)
        .await
        .unwrap_or_else(|_| Arrival::Failed {
            http_status: None,
            why: format!("it took longer than {TIMEOUT:?}"),
            not_before: None,
        })
}

fn refused(why: String) -> Arrival {
    Arrival::Refused {
        http_status: None,
        why,
    }
}

async fn record(
    database: &Database,
    claimed: &Claimed,
    arrival: Arrival,
    took: Duration,
) -> Result<(), StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    if let Arrival::Gone { why, .. } = &arrival {
        disable(&mut transaction, claimed.tenant_id, claimed.channel_id, why).await?;
    }
    let tried = judged(claimed, arrival, took, rand::rng().random());
    if let Some(failure) = &tried.told.failure {
        tracing::info!(delivery.id = %claimed.id, failure, "a delivery did not arrive");
    }
    record_alert_delivery(&mut transaction, claimed, &tried).await?;
    transaction.commit().await
}

/// What becomes of a delivery after a try.
fn judged(claimed: &Claimed, arrival: Arrival, took: Duration, chance: f64) -> Tried {
    let told = |http_status, failure| Try {
        at: claimed.now,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        http_status,
        failure,
    };
    let ended = |state, told| Tried {
        state,
        wait: Duration::ZERO,
        told,
    };
    match arrival {
        Arrival::Arrived { http_status } => ended(DeliveryState::Delivered, told(http_status, None)),
        Arrival::Refused { http_status, why } => ended(DeliveryState::Failed, told(http_status, Some(why))),
        Arrival::Gone { http_status, why } => {
            ended(DeliveryState::Failed, told(Some(http_status), Some(why)))
        }
        Arrival::Failed {
            http_status,
            why,
            not_before,
        } => match wait_after(claimed.tries + 1, not_before, chance) {
            Some(wait) => Tried {
                state: DeliveryState::Pending,
                wait,
                told: told(http_status, Some(why)),
            },
            None => ended(DeliveryState::Failed, told(http_status, Some(why))),
        },
    }
}
