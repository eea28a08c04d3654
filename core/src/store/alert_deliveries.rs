//! Deliveries: claimed, recorded, listed, and sent off again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::alert_channels::read_target;
use super::schema::alert_deliveries;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::alert::Target;
use crate::id::{AlertChannelId, AlertDeliveryId, AlertId, TenantId};
use crate::run::named;

named! {
    /// What a delivery is.
    DeliveryState {
        /// It is on its way.
        Pending = "PENDING",
        /// It arrived.
        Delivered = "DELIVERED",
        /// It was given up.
        Failed = "FAILED",
    }
}

/// An alert on its way, or one that has arrived or never did.
#[derive(Clone, Debug)]
pub struct AlertDelivery {
    /// Names it; every try bears this name.
    pub id: AlertDeliveryId,
    /// The alert; absent when somebody only tried the channel.
    pub alert_id: Option<AlertId>,
    /// Where it goes.
    pub channel_id: AlertChannelId,
    /// What is delivered.
    pub body: Value,
    /// What it is.
    pub state: DeliveryState,
    /// What became of its latest tries, in order.
    pub tries: Vec<Try>,
    /// When it is tried next, while it is on its way.
    pub next_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it arrived or was given up.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What became of one try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Try {
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status that a webhook answered.
    pub http_status: Option<u16>,
    /// Why it did not arrive.
    pub failure: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = alert_deliveries)]
struct Row {
    id: Uuid,
    alert_id: Option<Uuid>,
    channel_id: Uuid,
    body: Value,
    state: String,
    log: Value,
    next_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for AlertDelivery {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            StoreError::Unreadable(format!("the delivery {}: {error}", row.id))
        };
        Ok(Self {
            state: row.state.parse().map_err(|error| unreadable(&error))?,
            tries: serde_json::from_value(row.log).map_err(|error| unreadable(&error))?,
            id: row.id.into(),
            alert_id: row.alert_id.map(Into::into),
            channel_id: row.channel_id.into(),
            body: row.body,
            next_at: row.next_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
    }
}

/// Which deliveries are wanted; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Those of this alert.
    pub alert: Option<AlertId>,
    /// Those through this channel.
    pub channel: Option<AlertChannelId>,
    /// Those in one of these states; in all when empty.
    pub states: Vec<DeliveryState>,
}

/// The newest `limit` of the wanted deliveries that are older than `before`.
pub(crate) async fn list_alert_deliveries(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &DeliveryFilter,
    before: Option<AlertDeliveryId>,
    limit: i64,
) -> Result<Vec<AlertDelivery>, StoreError> {
    let mut query = alert_deliveries::table
        .filter(alert_deliveries::tenant_id.eq(tenant.0))
        .order(alert_deliveries::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(alert_deliveries::id.lt(before.0));
    }
    if let Some(alert) = filter.alert {
        query = query.filter(alert_deliveries::alert_id.eq(alert.0));
    }
    if let Some(channel) = filter.channel {
        query = query.filter(alert_deliveries::channel_id.eq(channel.0));
    }
    if !filter.states.is_empty() {
        let states = filter.states.iter().map(|state| state.as_str());
        query = query.filter(alert_deliveries::state.eq_any(states.collect::<Vec<_>>()));
    }
    let rows: Vec<Row> = query.load(&mut **transaction).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The deliveries that `ids` name, in no order.
pub(crate) async fn list_alert_deliveries_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[AlertDeliveryId],
) -> Result<Vec<AlertDelivery>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = alert_deliveries::table
        .filter(
            alert_deliveries::tenant_id
                .eq(tenant.0)
                .and(alert_deliveries::id.eq_any(ids)),
        )
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Sends `body` through the channel, for no alert.
pub(crate) async fn insert_trial(
    transaction: &mut Transaction,
    tenant: TenantId,
    channel: AlertChannelId,
    body: &Value,
) -> Result<AlertDelivery, StoreError> {
    let row: Row = diesel::insert_into(alert_deliveries::table)
        .values((
            alert_deliveries::tenant_id.eq(tenant.0),
            alert_deliveries::id.eq(AlertDeliveryId::generate().0),
            alert_deliveries::channel_id.eq(channel.0),
            alert_deliveries::body.eq(body),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **transaction)
        .await?;
    row.try_into()
}

/// Sends a delivery off again, whatever became of it; `None` when there is none. One that is on its way is tried at once.
pub(crate) async fn send_again(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: AlertDeliveryId,
) -> Result<Option<AlertDelivery>, StoreError> {
    let row: Option<Row> = diesel::update(alert_deliveries::table.find((tenant.0, id.0)))
        .set((
            alert_deliveries::state.eq(DeliveryState::Pending.as_str()),
            alert_deliveries::tries.eq(0),
            alert_deliveries::fence.eq(alert_deliveries::fence + 1),
            alert_deliveries::next_at.eq(super::registry::sql::present()),
            alert_deliveries::finished_at.eq(None::<DateTime<Utc>>),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **transaction)
        .await
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// A delivery that this process may try now.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: AlertDeliveryId,
    pub(crate) channel_id: AlertChannelId,
    pub(crate) fence: i32,
    /// How often it was tried before.
    pub(crate) tries: i32,
    pub(crate) body: Value,
    /// Where it goes; `None` when the channel is gone.
    pub(crate) target: Option<Target>,
    pub(crate) secret: Option<String>,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) now: DateTime<Utc>,
}

/// How many deliveries may be claimed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) of_each_tenant: i64,
    pub(crate) in_all: i64,
}

/// Claims due deliveries for `lease`; tenants in `busy` have enough under way.
pub(crate) async fn claim_alert_deliveries(
    transaction: &mut Transaction,
    room: Room,
    busy: &[TenantId],
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        channel_id: Uuid,
        #[diesel(sql_type = Integer)]
        fence: i32,
        #[diesel(sql_type = Integer)]
        tries: i32,
        #[diesel(sql_type = Jsonb)]
        body: Value,
        #[diesel(sql_type = Nullable<Jsonb>)]
        spec: Option<Value>,
        #[diesel(sql_type = Nullable<Text>)]
        secret: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        disabled_reason: Option<String>,
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    let busy: Vec<Uuid> = busy.iter().map(|tenant| tenant.0).collect();
    let rows: Vec<Row> = Fixed(
        statement!("claim_alert_deliveries")
            .bind::<BigInt, _>(room.of_each_tenant)
            .bind::<Array<SqlUuid>, _>(busy)
            .bind::<BigInt, _>(room.in_all)
            .bind::<BigInt, _>(milliseconds(lease)),
    )
    .load(&mut **transaction)
    .await?;
    let claimed = |row: Row| Claimed {
        tenant_id: row.tenant_id.into(),
        id: row.id.into(),
        channel_id: row.channel_id.into(),
        fence: row.fence,
        tries: row.tries,
        body: row.body,
        target: row.spec.and_then(|spec| read_target(spec).ok()),
        secret: row.secret,
        disabled_reason: row.disabled_reason,
        now: row.now,
    };
    Ok(rows.into_iter().map(claimed).collect())
}

/// What is to be recorded of a try.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) state: DeliveryState,
    /// After how long it is tried again, when it is still pending.
    pub(crate) wait: Duration,
    pub(crate) told: Try,
}

/// Records what became of a try; `false` when somebody else has the delivery by now.
pub(crate) async fn record_alert_delivery(
    transaction: &mut Transaction,
    claimed: &Claimed,
    tried: &Tried,
) -> Result<bool, StoreError> {
    let recorded = Fixed(
        statement!("record_alert_delivery")
            .bind::<SqlUuid, _>(claimed.tenant_id.0)
            .bind::<SqlUuid, _>(claimed.id.0)
            .bind::<Integer, _>(claimed.fence)
            .bind::<Text, _>(tried.state.as_str())
            .bind::<BigInt, _>(milliseconds(tried.wait))
            .bind::<Jsonb, _>(serde_json::json!([tried.told])),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(recorded > 0)
}

/// How long until a delivery is due; `None` when none is on its way.
pub(crate) async fn next_alert_delivery(
    transaction: &mut Transaction,
) -> Result<Option<Duration>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<BigInt>)]
        due_ms: Option<i64>,
    }
    let row: Row = Fixed(statement!("next_alert_delivery"))
        .get_result(&mut **transaction)
        .await?;
    Ok(row
        .due_ms
        .and_then(|due_ms| u64::try_from(due_ms).ok())
        .map(Duration::from_millis))
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
