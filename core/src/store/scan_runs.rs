//! Runs of a filter, walked from the eldest on.
//!
//! A walk looks at a window of runs in the order of their ids, and tells which of them are meant and how far it came. What no index
//! answers is told apart here, so that a window costs the same however few of its runs are meant.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::runs::RunFilter;
use super::schema::runs;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TenantId};

/// What a look at a window of runs came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The runs that are meant, the eldest first.
    pub(crate) meant: Vec<RunId>,
    /// The last run that was looked at, or where the look began.
    pub(crate) until: RunId,
    /// There may be runs behind it.
    pub(crate) more: bool,
}

#[derive(Queryable, QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = Text)]
    started_by: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

impl Row {
    fn is_meant(&self, filter: &RunFilter) -> bool {
        filter
            .workflow
            .is_none_or(|workflow| workflow.0 == self.workflow_id)
            && filter
                .started_by
                .as_ref()
                .is_none_or(|subject| *subject == self.started_by)
            && filter.created_from.is_none_or(|from| from <= self.created_at)
            && filter
                .created_before
                .is_none_or(|before| self.created_at < before)
    }
}

/// Looks at the first `window` runs after `after` that an index leads to, and tells which of them `filter` means.
pub(crate) async fn scan_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &RunFilter,
    after: RunId,
    window: i64,
) -> Result<Scan, StoreError> {
    let rows = if filter.states.is_empty() {
        scan_in_any_state(transaction, tenant, filter, after, window).await?
    } else {
        scan_in_states(transaction, tenant, filter, after, window).await?
    };
    Ok(Scan {
        until: rows.last().map_or(after, |row| row.id.into()),
        more: i64::try_from(rows.len()).is_ok_and(|seen| seen >= window),
        meant: rows
            .iter()
            .filter(|row| row.is_meant(filter))
            .map(|row| row.id.into())
            .collect(),
    })
}

/// Walks `runs_of_workflow` when a workflow is named, `runs_pkey` else.
async fn scan_in_any_state(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &RunFilter,
    after: RunId,
    window: i64,
) -> Result<Vec<Row>, StoreError> {
    let (low, high) = filter.id_bounds(None);
    let mut query = runs::table
        .filter(
            runs::tenant_id
                .eq(tenant.0)
                .and(runs::id.gt(low.max(after.0)))
                .and(runs::id.lt(high)),
        )
        .select((runs::id, runs::workflow_id, runs::started_by, runs::created_at))
        .order(runs::id)
        .limit(window)
        .into_boxed();
    if let Some(workflow) = filter.workflow {
        query = query.filter(runs::workflow_id.eq(workflow.0));
    }
    Ok(query.load(&mut **transaction).await?)
}

async fn scan_in_states(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &RunFilter,
    after: RunId,
    window: i64,
) -> Result<Vec<Row>, StoreError> {
    let (low, high) = filter.id_bounds(None);
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let statement = statement!("scan_runs_in_states")
        .bind::<SqlUuid, _>(tenant.0)
        .bind::<Array<Text>, _>(states)
        .bind::<SqlUuid, _>(low.max(after.0))
        .bind::<SqlUuid, _>(high)
        .bind::<BigInt, _>(window);
    Ok(Fixed(statement).load(&mut **transaction).await?)
}

/// The runs and the live ones within them, however deep, by id.
pub(crate) async fn list_run_families(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
) -> Result<Vec<RunId>, StoreError> {
    #[derive(QueryableByName)]
    struct Member {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let statement = statement!("list_run_families")
        .bind::<SqlUuid, _>(tenant.0)
        .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.0).collect::<Vec<_>>());
    let members: Vec<Member> = Fixed(statement).load(&mut **transaction).await?;
    Ok(members.into_iter().map(|member| member.id.into()).collect())
}
