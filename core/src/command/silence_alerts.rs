//! Keeps alerts from being delivered for a while.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Author;
use super::conclude::conclude;
use super::idempotency::{Claim, check_idempotency_key, claim};
use super::proposal::existing;
use super::proposal::find_one;
use crate::alert::AlertRuleSpec;
use crate::alert::silence::Silence;
use crate::check::{Faults, check_text};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{AlertRuleId, SilenceId, WorkflowId};
use crate::registered::Reference;
use crate::store::alerts::{
    end_silence as end, insert_silence, list_silences_by_id, lock_silence, read_present,
};
use crate::store::{Actor, Database, Transaction};
use crate::workflow::Draft;

/// The longest that a silence may last.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// The most bytes of a reason.
const LONGEST_REASON: usize = 1024;

/// A silence that somebody wants.
#[derive(Clone, Debug, Serialize)]
pub struct NewSilence {
    /// The rule whose alerts it covers; those of all rules when absent.
    pub rule: Option<Reference<AlertRuleId>>,
    /// The workflow about which alerts are covered; those about anything when absent.
    pub workflow: Option<Reference<WorkflowId>>,
    /// Why.
    pub reason: String,
    /// From when on; from now on when absent.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// The caller's name for this call: made again under the same name, it answers the same.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Records a silence.
pub async fn create_silence(
    database: &Database,
    author: &Author,
    new: &NewSilence,
) -> Result<Silence, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let silence = create_in(&mut transaction, author, new).await;
    conclude(transaction, silence).await
}

async fn create_in(
    transaction: &mut Transaction,
    author: &Author,
    new: &NewSilence,
) -> Result<Silence, CommandError> {
    let mut faults = Faults::default();
    let id = SilenceId::generate();
    check_idempotency_key(&mut faults, new.idempotency_key.as_deref());
    if faults.is_empty() {
        let key = new.idempotency_key.as_deref();
        if let Claim::Made(made) = claim(transaction, author.tenant, "createSilence", key, new, id.0).await? {
            let found = list_silences_by_id(transaction, author.tenant, &[made.into()]).await?;
            return found.into_iter().next().ok_or_else(unknown);
        }
    }
    let now = read_present(transaction).await?;
    let starts_at = new.from.unwrap_or(now);
    check_span(starts_at, new.until, now, &mut faults);
    faults.within("reason", |faults| {
        check_text(faults, &new.reason, LONGEST_REASON);
        if new.reason.trim().is_empty() {
            faults.invalid("say why, for whoever wonders why nothing was told");
        }
    });
    let rule_id = match &new.rule {
        None => None,
        Some(rule) => {
            let found = find_one::<AlertRuleSpec>(transaction, author.tenant, rule).await?;
            existing::<AlertRuleSpec>("rule", rule, found, &mut faults)
        }
    };
    let workflow_id = match &new.workflow {
        None => None,
        Some(workflow) => {
            let found = find_one::<Draft>(transaction, author.tenant, workflow).await?;
            existing::<Draft>("workflow", workflow, found, &mut faults)
        }
    };
    faults.into_result()?;
    let silence = Silence {
        tenant_id: author.tenant,
        id,
        rule_id,
        workflow_id,
        reason: new.reason.clone(),
        created_by: author.subject.to_string(),
        starts_at,
        ends_at: new.until,
        ended_by: None,
        created_at: now,
    };
    insert_silence(transaction, &silence).await?;
    Ok(silence)
}

fn check_span(from: DateTime<Utc>, until: DateTime<Utc>, now: DateTime<Utc>, faults: &mut Faults) {
    faults.within("until", |faults| {
        if until <= from {
            faults.invalid("a silence ends after it begins");
        } else if until <= now {
            faults.invalid("this silence would be over already; it ends in the future");
        } else if until - from > LONGEST {
            faults.invalid("a silence lasts at most 366 days; to be told nothing at all, disable the rule");
        }
    });
}

/// Ends a silence now. One that is over is left as it is.
pub async fn end_silence(
    database: &Database,
    author: &Author,
    id: SilenceId,
) -> Result<Silence, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let ended = end_in(&mut transaction, author, id).await;
    conclude(transaction, ended).await
}

async fn end_in(
    transaction: &mut Transaction,
    author: &Author,
    id: SilenceId,
) -> Result<Silence, CommandError> {
    let silence = lock_silence(transaction, author.tenant, id)
        .await?
        .ok_or_else(unknown)?;
    let now = read_present(transaction).await?;
    if silence.ends_at <= now {
        return Ok(silence);
    }
    end(transaction, &silence, now, &author.subject).await?;
    Ok(Silence {
        starts_at: silence.starts_at.min(now),
        ends_at: now,
        ended_by: Some(author.subject.to_string()),
        ..silence
    })
}

fn unknown() -> CommandError {
    CommandError::refused(Refusal::new(
        RefusalCode::NotFound,
        ["id"],
        "there is no silence with this id",
    ))
}
