//! Publishes an event on behalf of a tenant.
//!
//! Whoever waits for it is told in the transaction that records it: task runs by timers, triggers by firings.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::Author;
use super::conclude::conclude;
use super::idempotency::{Claim, check_idempotency_key, claim};
use crate::check::{Faults, check_text};
use crate::error::CommandError;
use crate::expression::EventFacts;
use crate::id::{FiringId, PublishedEventId};
use crate::signal::{Signal, Signals};
use crate::store::firings::{NewFiring, insert_firings};
use crate::store::published_events::{NewEvent, find_heard, publish_event as write_event};
use crate::store::{Actor, Database, Transaction};
use crate::trigger::firing::{Cause, FiringFacts};

/// The most bytes of an event's name, and of its key.
const LONGEST_NAME: usize = 255;
/// The most bytes that the payload of an event may take as JSON.
const LONGEST_PAYLOAD: usize = 256 * 1024;

const MUTATION: &str = "publishEvent";

/// Something that a tenant says has happened.
#[derive(Clone, Debug, Serialize)]
pub struct PublishEvent {
    /// What, in the tenant's word.
    pub name: String,
    /// What it is about.
    pub key: Option<String>,
    /// What else there is to say.
    pub payload: Value,
    /// The caller's name for this call: made again under the same name, it publishes nothing and answers what the first did.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// An event that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedEvent {
    /// Which it is.
    pub id: PublishedEventId,
    /// How many task runs waited for it.
    pub woken: i64,
    /// How many triggers did.
    pub fired: i64,
}

/// Publishes an event. When this returns it is durable, and whoever waits for it goes on.
pub async fn publish_event(
    database: &Database,
    signals: &Signals,
    author: &Author,
    event: &PublishEvent,
) -> Result<PublishedEvent, CommandError> {
    check(event)?;
    let tenant = author.tenant;
    let mut transaction = database.begin(Actor::Tenant(tenant)).await?;
    let mut raised = BTreeSet::new();
    let published = record(&mut transaction, author, event, &mut raised).await;
    let published = conclude(transaction, published).await?;
    signals.raise(raised);
    Ok(published)
}

async fn record(
    transaction: &mut Transaction,
    author: &Author,
    event: &PublishEvent,
    raised: &mut BTreeSet<Signal>,
) -> Result<PublishedEvent, CommandError> {
    let (tenant, id) = (author.tenant, PublishedEventId::generate());
    let key = event.idempotency_key.as_deref();
    if let Claim::Made(earlier) = claim(transaction, tenant, MUTATION, key, event, id.0).await? {
        let id = earlier.into();
        let (woken, fired) = find_heard(transaction, tenant, id).await?;
        return Ok(PublishedEvent { id, woken, fired });
    }
    let new = NewEvent {
        id,
        name: &event.name,
        key: event.key.as_deref(),
        payload: &event.payload,
        published_by: &author.subject,
    };
    let heard = write_event(transaction, tenant, &new).await?;
    let firings: Vec<NewFiring> = heard
        .triggers
        .iter()
        .map(|&trigger_id| NewFiring {
            tenant_id: tenant,
            id: FiringId::generate(),
            trigger_id,
            cause: Cause::Event(id),
            facts: facts(id, author, event),
            caused_at: None,
        })
        .collect();
    insert_firings(transaction, &firings).await?;
    if heard.woken > 0 {
        raised.insert(Signal::Ready(tenant.partition()));
    }
    if !firings.is_empty() {
        raised.extend([Signal::Occurrences(tenant.partition()), Signal::Events(tenant)]);
    }
    Ok(PublishedEvent {
        id,
        woken: heard.woken,
        fired: i64::try_from(firings.len()).unwrap_or(i64::MAX),
    })
}

fn facts(id: PublishedEventId, author: &Author, event: &PublishEvent) -> FiringFacts {
    FiringFacts::Event {
        event: EventFacts {
            id: id.to_string(),
            name: event.name.clone(),
            key: event.key.clone(),
            payload: Arc::new(event.payload.clone()),
            published_by: author.subject.to_string(),
        },
    }
}

fn check(event: &PublishEvent) -> Result<(), CommandError> {
    let mut faults = Faults::default();
    faults.within("name", |faults| {
        if event.name.is_empty() {
            faults.invalid("an event needs a name");
        }
        check_text(faults, &event.name, LONGEST_NAME);
    });
    if let Some(key) = &event.key {
        faults.within("key", |faults| check_text(faults, key, LONGEST_NAME));
    }
    check_idempotency_key(&mut faults, event.idempotency_key.as_deref());
    faults.within("payload", |faults| {
        let text = event.payload.to_string();
        if text.len() > LONGEST_PAYLOAD {
            let message = format!(
                "the payload takes {} bytes; at most {LONGEST_PAYLOAD} are taken",
                text.len()
            );
            faults.exceeded(LONGEST_PAYLOAD, message);
        }
        if text.contains("\\u0000") {
            faults.invalid("the payload holds a NUL character, which cannot be stored");
        }
    });
    faults.into_result()
}
