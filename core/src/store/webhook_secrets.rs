//! The secrets of webhooks.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::registry::sql::present;
use super::schema::webhook_secrets;
use super::{StoreError, Transaction};
use crate::id::{TenantId, TriggerId};
use crate::trigger::secret::WebhookSecret;

/// Gives the webhook a secret. All that it had are taken until `old_until` at the longest, and not at all any more when that has passed.
pub(crate) async fn put_secret(
    transaction: &mut Transaction,
    tenant: TenantId,
    trigger: TriggerId,
    secret: &WebhookSecret,
    old_until: DateTime<Utc>,
) -> Result<(), StoreError> {
    let of_trigger = webhook_secrets::tenant_id
        .eq(tenant.0)
        .and(webhook_secrets::trigger_id.eq(trigger.0));
    let outlasts = webhook_secrets::valid_until
        .is_null()
        .or(webhook_secrets::valid_until.gt(old_until));
    diesel::update(webhook_secrets::table.filter(of_trigger.and(outlasts)))
        .set(webhook_secrets::valid_until.eq(old_until))
        .execute(&mut **transaction)
        .await?;
    diesel::delete(
        webhook_secrets::table.filter(of_trigger.and(webhook_secrets::valid_until.le(present().nullable()))),
    )
    .execute(&mut **transaction)
    .await?;
    diesel::insert_into(webhook_secrets::table)
        .values((
            webhook_secrets::tenant_id.eq(tenant.0),
            webhook_secrets::id.eq(Uuid::now_v7()),
            webhook_secrets::trigger_id.eq(trigger.0),
            webhook_secrets::secret.eq(secret.reveal()),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The secrets that a call of the webhook may be signed with now.
pub(crate) async fn list_valid_secrets(
    transaction: &mut Transaction,
    tenant: TenantId,
    trigger: TriggerId,
) -> Result<Vec<WebhookSecret>, StoreError> {
    let secrets: Vec<String> = webhook_secrets::table
        .filter(
            webhook_secrets::tenant_id
                .eq(tenant.0)
                .and(webhook_secrets::trigger_id.eq(trigger.0)),
        )
        .filter(
            webhook_secrets::valid_until
                .is_null()
                .or(webhook_secrets::valid_until.gt(present().nullable())),
        )
        .select(webhook_secrets::secret)
        .load(&mut **transaction)
        .await?;
    Ok(secrets.into_iter().map(WebhookSecret::stored).collect())
}
