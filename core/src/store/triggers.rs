//! Triggers, as people wrote them, and how they stand.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::registry::{USERS_NAMED, registry, sql::present, unreadable};
use super::schema::triggers;
use super::{StoreError, Transaction};
use crate::id::{TenantId, TriggerId, WorkflowId};
use crate::run::RunState;
use crate::trigger::ring::Link;
use crate::trigger::source::Source;
use crate::trigger::spec::TriggerSpec;
use crate::trigger::{Trigger, TriggerState};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = triggers)]
#[diesel(treat_none_as_null = true)]
struct Stored {
    workflow_id: Uuid,
    watched_workflow_id: Option<Uuid>,
    end_states: Option<Vec<String>>,
    event_name: Option<String>,
    event_key: Option<String>,
    spec: Value,
}

impl Stored {
    fn of(spec: &TriggerSpec) -> Self {
        let mut stored = Self {
            workflow_id: spec.workflow.0,
            watched_workflow_id: None,
            end_states: None,
            event_name: None,
            event_key: None,
            spec: serde_json::to_value(spec).expect("a trigger is JSON"),
        };
        // What statements look for is beside what is read.
        match &spec.on {
            Source::RunEnded { workflow, states, .. } => {
                let name = |state: &RunState| state.as_str().to_owned();
                stored.watched_workflow_id = Some(workflow.0);
                stored.end_states = Some(states.iter().map(name).collect());
            }
            Source::Event { name, key } => {
                stored.event_name = Some(name.clone());
                stored.event_key.clone_from(key);
            }
            Source::Webhook { .. } => {}
        }
        stored
    }

    fn read(self, key: &str) -> Result<TriggerSpec, StoreError> {
        let spec: TriggerSpec =
            serde_json::from_value(self.spec).map_err(|error| unreadable::<TriggerSpec>(key, &error))?;
        Ok(TriggerSpec {
            workflow: self.workflow_id.into(),
            ..spec
        })
    }
}

registry! {
    triggers holds TriggerSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: nothing_uses,
}

/// Runs and firings outlive their trigger.
async fn nothing_uses(_: &mut Transaction, _: TenantId, _: Uuid) -> Result<Vec<String>, StoreError> {
    Ok(Vec::new())
}

/// The keys of the first triggers that start runs of the workflow, or wait for their ends.
pub(crate) async fn triggers_of_workflow(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: Uuid,
) -> Result<Vec<String>, StoreError> {
    let keys = triggers::table
        .filter(triggers::tenant_id.eq(tenant.0))
        .filter(
            triggers::workflow_id
                .eq(workflow)
                .or(triggers::watched_workflow_id.eq(workflow)),
        )
        .order(triggers::key)
        .limit(USERS_NAMED)
        .select(triggers::key);
    Ok(keys.load(&mut **transaction).await?)
}

/// Where the triggers of the tenant lead that wait for the ends of runs, but for the one called `key`.
pub(crate) async fn list_links_but(
    transaction: &mut Transaction,
    tenant: TenantId,
    key: &str,
) -> Result<Vec<Link>, StoreError> {
    let rows: Vec<(Option<Uuid>, Uuid)> = triggers::table
        .filter(triggers::tenant_id.eq(tenant.0).and(triggers::key.ne(key)))
        .filter(triggers::watched_workflow_id.is_not_null())
        .select((triggers::watched_workflow_id, triggers::workflow_id))
        .load(&mut **transaction)
        .await?;
    let link = |(watched, started): (Option<Uuid>, Uuid)| {
        Some(Link {
            watched: WorkflowId(watched?),
            started: started.into(),
        })
    };
    Ok(rows.into_iter().filter_map(link).collect())
}

/// The triggers that are wanted, whichever tenants they are of. One that does not read is left out: it is for the release that
/// wrote it.
pub(crate) async fn list_triggers_of_all(
    transaction: &mut Transaction,
    wanted: &[(TenantId, TriggerId)],
) -> Result<Vec<(TenantId, Trigger)>, StoreError> {
    let rows: Vec<(Uuid, Row)> = triggers::table
        .filter(triggers::tenant_id.eq_any(wanted.iter().map(|(tenant, _)| tenant.0)))
        .filter(triggers::id.eq_any(wanted.iter().map(|(_, id)| id.0)))
        .select((triggers::tenant_id, Row::as_select()))
        .load(&mut **transaction)
        .await?;
    let read = |(tenant, row): (Uuid, Row)| match row.read() {
        Ok(trigger) => Some((TenantId::from(tenant), trigger)),
        Err(error) => {
            tracing::warn!(tenant.id = %tenant, error = &error as &dyn std::error::Error, "a trigger is passed over");
            None
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Where a trigger stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerStanding {
    /// Where.
    pub state: TriggerState,
    /// Why, in a sentence, when it is paused.
    pub reason: Option<String>,
    /// Since when.
    pub changed_at: DateTime<Utc>,
    /// Who brought it there; nobody since it was made.
    pub changed_by: Option<String>,
}

/// Where the triggers stand, by id.
pub(crate) async fn list_trigger_standings(
    transaction: &mut Transaction,
    tenant: TenantId,
    wanted: &[TriggerId],
) -> Result<Vec<(TriggerId, TriggerStanding)>, StoreError> {
    type Row = (Uuid, String, Option<String>, DateTime<Utc>, Option<String>);

    let rows: Vec<Row> = triggers::table
        .filter(triggers::tenant_id.eq(tenant.0))
        .filter(triggers::id.eq_any(wanted.iter().map(|id| id.0)))
        .select((
            triggers::id,
            triggers::state,
            triggers::state_reason,
            triggers::changed_at,
            triggers::changed_by,
        ))
        .load(&mut **transaction)
        .await?;
    let read = |(id, state, reason, changed_at, changed_by): Row| {
        let unreadable = |unknown| StoreError::Unreadable(format!("the state of a trigger: {unknown}"));
        let standing = TriggerStanding {
            state: state.parse().map_err(unreadable)?,
            reason,
            changed_at,
            changed_by,
        };
        Ok((id.into(), standing))
    };
    rows.into_iter().map(read).collect()
}

/// Brings the trigger to `state`, unless it stands there.
pub(crate) async fn set_trigger_state(
    transaction: &mut Transaction,
    tenant: TenantId,
    trigger: TriggerId,
    state: TriggerState,
    by: &str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    diesel::update(triggers::table.find((tenant.0, trigger.0)))
        .filter(triggers::state.ne(state.as_str()))
        .set((
            triggers::state.eq(state.as_str()),
            triggers::state_reason.eq(reason),
            triggers::changed_at.eq(present()),
            triggers::changed_by.eq(by),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
