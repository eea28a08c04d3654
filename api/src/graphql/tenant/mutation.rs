//! Creating tenants, and bounding what they may have.

use async_graphql::{Context, InputObject, Object, Result};
use waterclock_core::command::create_tenant::{NewTenant, create_tenant};
use waterclock_core::command::set_quotas::{SetQuotas, set_quotas};
use waterclock_core::store::Database;

use super::object::Tenant;
use crate::graphql::error::payload;
use crate::graphql::guard::{PLATFORM, author};

payload! {
    /// What became of `createTenant`.
    CreateTenantPayload {
        /// The tenant, if it was created.
        tenant: Tenant
    }
}

/// Creates a tenant.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CreateTenantInput {
    /// Its name in tokens: 1 to 63 lower-case letters, digits, `-` and `_`, beginning with a letter or digit.
    key: String,
    /// The caller's name for this call: made again under the same name, it answers the same.
    idempotency_key: Option<String>,
}

payload! {
    /// What became of `setQuotas`.
    SetQuotasPayload {
        /// The tenant, if there is one.
        tenant: Tenant
    }
}

/// What a tenant may have.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct SetQuotasInput {
    /// The tenant's key.
    tenant: String,
    /// How many of its runs may be live at once, 1 to 1,000,000, those within other runs not counted; no bound when absent.
    most_live_runs: Option<i32>,
}

/// Creating tenants, and bounding what they may have.
#[derive(Default)]
pub(crate) struct TenantMutation;

#[Object]
impl TenantMutation {
    /// Creates a tenant. Needs the scope `platform`.
    #[graphql(guard = "PLATFORM")]
    async fn create_tenant(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The tenant.")] input: CreateTenantInput,
    ) -> Result<CreateTenantPayload> {
        let new = NewTenant {
            key: input.key,
            idempotency_key: input.idempotency_key,
        };
        let created = create_tenant(context.data::<Database>()?, &author(context)?, &new).await;
        CreateTenantPayload::of(created, Into::into)
    }

    /// Sets what a tenant may have from now on; what it has already stays. Needs the scope `platform`.
    #[graphql(guard = "PLATFORM")]
    async fn set_quotas(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The tenant, and its quotas.")] input: SetQuotasInput,
    ) -> Result<SetQuotasPayload> {
        let wanted = SetQuotas {
            tenant: input.tenant,
            most_live_runs: input.most_live_runs,
        };
        let set = set_quotas(context.data::<Database>()?, &author(context)?, &wanted).await;
        SetQuotasPayload::of(set, Into::into)
    }
}
