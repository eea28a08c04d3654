//! Runs a schedule's workflow now, as an occurrence that somebody asked for.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Author;
use super::edit_schedule::{ScheduleEditor, standing};
use super::idempotency::{Claim, check_idempotency_key, claim};
use super::occurrences::{Case, Docket, waiting_of};
use super::partition_lock::under_lock;
use super::revise::lock_current;
use crate::check::Faults;
use crate::error::CommandError;
use crate::id::{OccurrenceId, ScheduleId};
use crate::schedule::spec::ScheduleSpec;

const MUTATION: &str = "triggerNow";

/// An occurrence that somebody asks for.
#[derive(Clone, Debug, Serialize)]
pub struct TriggerNow {
    /// Of which schedule.
    pub schedule: ScheduleId,
    /// What its run is given over what the schedule gives.
    pub inputs: Map<String, Value>,
    /// The caller's name for this call: made again under the same name, it answers the same occurrence.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

impl ScheduleEditor {
    /// Starts the schedule's workflow now, as an occurrence that somebody asked for, with `inputs` over what the schedule gives.
    /// The rules of overlap hold for it as for any other. Gives the occurrence.
    pub async fn trigger(&self, author: &Author, wanted: &TriggerNow) -> Result<OccurrenceId, CommandError> {
        let mut faults = Faults::default();
        check_idempotency_key(&mut faults, wanted.idempotency_key.as_deref());
        faults.into_result()?;
        under_lock!(self, author, |transaction, signals| {
            let (tenant, id) = (author.tenant, wanted.schedule);
            let occurrence = OccurrenceId::generate();
            let key = wanted.idempotency_key.as_deref();
            if let Claim::Made(earlier) =
                claim(transaction, tenant, MUTATION, key, wanted, occurrence.0).await?
            {
                return Ok(earlier.into());
            }
            lock_current::<ScheduleSpec>(transaction, author, id).await?;
            self.settle(transaction, tenant, &[id], signals).await?;
            let due = standing(transaction, tenant, id).await?;
            let armed = self.arm(transaction, &due).await?;
            self.check_inputs(transaction, &armed, &wanted.inputs).await?;
            let mut docket = Docket::default();
            docket.enter(&due, &armed, waiting_of(transaction, &due).await?);
            docket.cases.push(Case {
                id: occurrence,
                nominal: due.now,
                due: due.now,
                notes: String::new(),
                manual: true,
                inputs: (!wanted.inputs.is_empty()).then(|| json!(wanted.inputs)),
                waited: false,
                armed: Arc::clone(&armed),
            });
            signals.extend(docket.close(transaction, &self.memory.versions).await?.signals);
            Ok(occurrence)
        })
    }
}
