//! Creates tenants.

use serde::Serialize;

use super::Author;
use super::conclude::conclude;
use super::idempotency::{Claim, check_idempotency_key, claim};
use crate::check::{Faults, quoted};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::TenantId;
use crate::store::tenants::{find_tenant, insert_tenant, list_tenants_by_id};
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::tenant::{Tenant, is_tenant_key};

/// A tenant that somebody wants.
#[derive(Clone, Debug, Serialize)]
pub struct NewTenant {
    /// Its name in tokens.
    pub key: String,
    /// The caller's name for this call: made again under the same name, it answers the same.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Creates a tenant for `author`, whose own tenant keeps the idempotency key.
pub async fn create_tenant(
    database: &Database,
    author: &Author,
    new: &NewTenant,
) -> Result<Tenant, CommandError> {
    let mut faults = Faults::default();
    check_idempotency_key(&mut faults, new.idempotency_key.as_deref());
    if !is_tenant_key(&new.key) {
        let message = format!(
            "{} is not a tenant's key: 1 to 63 lower-case letters, digits, `-` and `_`, beginning with a letter or digit",
            quoted(&new.key)
        );
        faults.within("key", |faults| faults.invalid(message));
    }
    faults.into_result()?;
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let tenant = insert_named(&mut transaction, author, new).await;
    conclude(transaction, tenant).await
}

async fn insert_named(
    transaction: &mut Transaction,
    author: &Author,
    new: &NewTenant,
) -> Result<Tenant, CommandError> {
    let id = TenantId::generate();
    let key = new.idempotency_key.as_deref();
    let made = match claim(transaction, author.tenant, "createTenant", key, new, id.0).await? {
        Claim::Made(id) => list_tenants_by_id(transaction, &[id.into()]).await?.pop(),
        Claim::First => {
            insert_tenant(transaction, id, &new.key).await?;
            find_tenant(transaction, &new.key)
                .await?
                .filter(|tenant| tenant.id == id)
        }
    };
    made.ok_or_else(|| {
        let message = format!("there is already a tenant with the key {:?}", new.key);
        CommandError::refused(Refusal::new(RefusalCode::AlreadyExists, ["key"], message))
    })
}

/// The tenant `key`, created if nobody had heard of it.
///
/// Whoever may sign tokens decides which tenants there are: a token that was verified names one that exists from then on.
pub async fn ensure_tenant(database: &Database, key: &str) -> Result<Tenant, StoreError> {
    let mut transaction = database.begin(Actor::Nobody).await?;
    if let Some(tenant) = find_tenant(&mut transaction, key).await? {
        transaction.commit().await?;
        return Ok(tenant);
    }
    insert_tenant(&mut transaction, TenantId::generate(), key).await?;
    let tenant = find_tenant(&mut transaction, key).await?;
    transaction.commit().await?;
    tenant.ok_or_else(|| StoreError::Unreadable(format!("the tenant {key:?}, which was just written")))
}
