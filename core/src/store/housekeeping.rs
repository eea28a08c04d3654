//! What is counted and what is forgotten on the side.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};

/// How many of something live are in one state.
#[derive(Debug, QueryableByName)]
pub(crate) struct Live {
    /// `run`, `task_run` or `executor`.
    #[diesel(sql_type = Text)]
    pub(crate) what: String,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) count: i64,
    /// For how long the oldest of them has been so, where that is known.
    #[diesel(sql_type = Nullable<Double>)]
    pub(crate) oldest_seconds: Option<f64>,
}

/// Counts what is live, by state.
pub(crate) async fn measure_live(transaction: &mut Transaction) -> Result<Vec<Live>, StoreError> {
    Ok(Fixed(statement!("measure_live")).load(&mut **transaction).await?)
}

/// Forgets idempotency keys that are a week old; returns how many.
pub(crate) async fn forget_idempotency_keys(transaction: &mut Transaction) -> Result<usize, StoreError> {
    Ok(Fixed(statement!("forget_idempotency_keys"))
        .execute(&mut **transaction)
        .await?)
}

/// Forgets executors that ended a week ago; returns how many.
pub(crate) async fn forget_ended_executors(transaction: &mut Transaction) -> Result<usize, StoreError> {
    Ok(Fixed(statement!("forget_ended_executors"))
        .execute(&mut **transaction)
        .await?)
}
