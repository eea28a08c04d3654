//! Reads what rules had to say and what became of it.

use crate::catalogue::read;
use crate::id::{AlertDeliveryId, AlertId, SilenceId, TenantId};
use crate::journal::Journal;
use crate::store::alert_deliveries::{
    AlertDelivery, DeliveryFilter, list_alert_deliveries, list_alert_deliveries_by_id,
};
use crate::store::alerts::{
    Alert, AlertFilter, list_alerts, list_alerts_by_id, list_silences, list_silences_by_id,
};
use crate::store::{Actor, StoreError};

use super::silence::Silence;

impl Journal {
    /// The newest `limit` of the wanted alerts that are older than `before`.
    pub async fn alerts(
        &self,
        tenant: TenantId,
        filter: &AlertFilter,
        before: Option<AlertId>,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_alerts(
            transaction,
            tenant,
            filter,
            before,
            limit
        ))
    }

    /// The alerts that `ids` name, in no order.
    pub async fn alerts_by_id(&self, tenant: TenantId, ids: &[AlertId]) -> Result<Vec<Alert>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_alerts_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The newest `limit` of the wanted deliveries that are older than `before`.
    pub async fn alert_deliveries(
        &self,
        tenant: TenantId,
        filter: &DeliveryFilter,
        before: Option<AlertDeliveryId>,
        limit: i64,
    ) -> Result<Vec<AlertDelivery>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_alert_deliveries(
            transaction,
            tenant,
            filter,
            before,
            limit
        ))
    }

    /// The deliveries that `ids` name, in no order.
    pub async fn alert_deliveries_by_id(
        &self,
        tenant: TenantId,
        ids: &[AlertDeliveryId],
    ) -> Result<Vec<AlertDelivery>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| {
            list_alert_deliveries_by_id(transaction, tenant, ids)
        })
    }

    /// The newest `limit` silences that are older than `before`; only those that have not ended when `lasting`.
    pub async fn silences(
        &self,
        tenant: TenantId,
        lasting: bool,
        before: Option<SilenceId>,
        limit: i64,
    ) -> Result<Vec<Silence>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_silences(
            transaction,
            tenant,
            lasting,
            before,
            limit
        ))
    }

    /// The silences that `ids` name, in no order.
    pub async fn silences_by_id(
        &self,
        tenant: TenantId,
        ids: &[SilenceId],
    ) -> Result<Vec<Silence>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_silences_by_id(
            transaction,
            tenant,
            ids
        ))
    }
}
