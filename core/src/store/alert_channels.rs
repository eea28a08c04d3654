//! Channels of alerts.
//!
//! The secret is a column that the API's role may write and not read, so what is written is more than what is read back.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::registry::{USERS_NAMED, registry, unreadable};
use super::schema::{alert_channels, alert_rules};
use super::{StoreError, Transaction};
use crate::alert::channel::{ChannelSpec, Target};
use crate::id::{AlertChannelId, TenantId};

/// What is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = alert_channels)]
struct Stored {
    spec: Value,
    disabled_reason: Option<String>,
}

/// What is written. A secret that was not given stays what it is.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = alert_channels)]
struct Written {
    spec: Value,
    secret: Option<String>,
    #[diesel(treat_none_as_null = true)]
    disabled_reason: Option<String>,
}

impl Stored {
    fn of(spec: &ChannelSpec) -> Written {
        let secret = match &spec.target {
            Target::Webhook { secret, .. } => secret.text().map(str::to_owned),
            Target::Email { .. } => None,
        };
        Written {
            spec: serde_json::to_value(&spec.target).expect("a target is JSON"),
            secret,
            disabled_reason: None,
        }
    }

    fn read(self, key: &str) -> Result<ChannelSpec, StoreError> {
        Ok(ChannelSpec {
            target: read_target(self.spec).map_err(|error| unreadable::<ChannelSpec>(key, &error))?,
            disabled_reason: self.disabled_reason,
        })
    }
}

pub(super) fn read_target(spec: Value) -> Result<Target, serde_json::Error> {
    serde_json::from_value(spec)
}

registry! {
    alert_channels holds ChannelSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: rules_of,
}

/// Rules name channels inside JSON, so this looks through the tenant's rules.
async fn rules_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    channel: Uuid,
) -> Result<Vec<String>, StoreError> {
    let keys = alert_rules::table
        .filter(alert_rules::tenant_id.eq(tenant.0))
        .filter(alert_rules::spec.contains(json!({ "channels": [channel] })))
        .order(alert_rules::key)
        .limit(USERS_NAMED)
        .select(alert_rules::key);
    Ok(keys.load(&mut **transaction).await?)
}

/// Sends nothing to the channel any more, until it is edited.
pub(crate) async fn disable(
    transaction: &mut Transaction,
    tenant: TenantId,
    channel: AlertChannelId,
    reason: &str,
) -> Result<(), StoreError> {
    diesel::update(alert_channels::table.find((tenant.0, channel.0)))
        .set(alert_channels::disabled_reason.eq(reason))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
