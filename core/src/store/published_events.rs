//! Events that tenants publish, and who waits for them.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{PublishedEventId, RunId, TaskRunId, TenantId, TriggerId};

/// Class of the advisory locks of event names.
const NAME_LOCK: i32 = 7_340_036;

/// Takes the lock of an event's name until the transaction ends.
pub(crate) async fn lock_name(
    transaction: &mut Transaction,
    tenant: TenantId,
    name: &str,
) -> Result<(), StoreError> {
    Fixed(
        statement!("lock_event_name")
            .bind::<Integer, _>(NAME_LOCK)
            .bind::<Text, _>(format!("{tenant} {name}")),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// An event that is to be published.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent<'a> {
    pub(crate) id: PublishedEventId,
    pub(crate) name: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) payload: &'a Value,
    pub(crate) published_by: &'a str,
}

/// Who waited for an event.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// How many task runs it woke.
    pub(crate) woken: i64,
    /// The triggers that it fires.
    pub(crate) triggers: Vec<TriggerId>,
}

/// Records an event and wakes the task runs that wait for it; gives whom it concerns.
pub(crate) async fn publish_event(
    transaction: &mut Transaction,
    tenant: TenantId,
    event: &NewEvent<'_>,
) -> Result<Heard, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        woken: i64,
        #[diesel(sql_type = Array<SqlUuid>)]
        triggers: Vec<Uuid>,
    }
    lock_name(transaction, tenant, event.name).await?;
    let row: Row = Fixed(
        statement!("publish_event")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(event.id.0)
            .bind::<Text, _>(event.name)
            .bind::<Nullable<Text>, _>(event.key)
            .bind::<Jsonb, _>(event.payload)
            .bind::<Text, _>(event.published_by)
            .bind::<diesel::sql_types::SmallInt, _>(tenant.partition()),
    )
    .get_result(&mut **transaction)
    .await?;
    Ok(Heard {
        woken: row.woken,
        triggers: row.triggers.into_iter().map(Into::into).collect(),
    })
}

/// How many task runs, and how many triggers, waited for an event when it was published.
pub(crate) async fn find_heard(
    transaction: &mut Transaction,
    tenant: TenantId,
    event: PublishedEventId,
) -> Result<(i64, i64), StoreError> {
    use super::schema::published_events as e;

    Ok(e::table
        .find((tenant.0, event.0))
        .select((e::woken, e::fired))
        .first(&mut **transaction)
        .await?)
}

/// The first event that ends the wait of a task run, if one has been published.
pub(crate) async fn find_awaited_event(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    task_run: TaskRunId,
) -> Result<Option<Value>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Nullable<Text>)]
        key: Option<String>,
        #[diesel(sql_type = Jsonb)]
        payload: Value,
        #[diesel(sql_type = Text)]
        published_by: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("find_awaited_event")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<SqlUuid, _>(task_run.0),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().next().map(|row| {
        serde_json::json!({
            "id": row.id, "name": row.name, "key": row.key, "payload": row.payload, "publishedBy": row.published_by,
        })
    }))
}
