//! What attempts print.

use diesel::sql_types::{Array, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::work::LogLine;

/// Adds lines of attempts that are still owned; those of others are dropped, those that are there are left.
pub(crate) async fn append_log_lines(
    transaction: &mut Transaction,
    lines: &[LogLine],
) -> Result<(), StoreError> {
    Fixed(
        statement!("append_log_lines")
            .bind::<Array<SqlUuid>, _>(
                lines
                    .iter()
                    .map(|line| line.lease.tenant_id.0)
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<SqlUuid>, _>(
                lines
                    .iter()
                    .map(|line| line.lease.task_run_id.0)
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Integer>, _>(lines.iter().map(|line| line.lease.fence).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(lines.iter().map(|line| line.number).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(lines.iter().map(|line| line.stream.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(lines.iter().map(|line| line.at).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
