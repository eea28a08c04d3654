//! How long nodes took before.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{TenantId, WorkflowId};
use crate::workflow::graph::Expected;

/// The most task runs that are read for it: the median of a large workflow is told from fewer runs.
const MOST_TASK_RUNS: i64 = 50_000;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    milliseconds: i64,
    #[diesel(sql_type = Integer)]
    runs: i32,
}

/// How long the nodes of a workflow took in its latest `runs`, by key.
pub(crate) async fn measure_nodes(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: WorkflowId,
    runs: i64,
) -> Result<HashMap<String, Expected>, StoreError> {
    let rows: Vec<Row> = Fixed(
        statement!("measure_nodes")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(workflow.0)
            .bind::<BigInt, _>(runs)
            .bind::<BigInt, _>(MOST_TASK_RUNS),
    )
    .load(&mut **transaction)
    .await?;
    let expected = |row: Row| {
        let expected = Expected {
            milliseconds: u64::try_from(row.milliseconds).unwrap_or_default(),
            runs: u32::try_from(row.runs).unwrap_or_default(),
        };
        (row.key, expected)
    };
    Ok(rows.into_iter().map(expected).collect())
}
