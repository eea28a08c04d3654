//! The tenants that tokens name, as the database knows them.
//!
//! Whoever may sign tokens decides which tenants there are, so a token that was verified is authority enough: a tenant that
//! nobody has heard of is created when its first token is seen. A tenant's id never changes, so what was resolved once is
//! kept in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use waterclock_core::command::create_tenant::ensure_tenant;
use waterclock_core::id::TenantId;
use waterclock_core::store::Database;
use waterclock_core::tenant::is_tenant_key;

use crate::auth::{Tenants, TenantsError};

/// How many tenants are kept; beyond it all are forgotten, and the ones in use are soon back.
const KEPT: usize = 10_000;

/// Resolves tenants in the database.
pub struct StoredTenants {
    database: Database,
    kept: Mutex<HashMap<String, TenantId>>,
}

impl StoredTenants {
    /// Resolves tenants in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            kept: Mutex::default(),
        }
    }

    fn kept(&self, key: &str) -> Option<TenantId> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .copied()
    }

    fn keep(&self, key: &str, id: TenantId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.to_owned(), id);
    }
}

impl fmt::Debug for StoredTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTenants").finish_non_exhaustive()
    }
}

#[async_trait]
impl Tenants for StoredTenants {
    async fn resolve(&self, key: &str) -> Result<Option<TenantId>, TenantsError> {
        if !is_tenant_key(key) {
            return Ok(None);
        }
        if let Some(id) = self.kept(key) {
            return Ok(Some(id));
        }
        let resolved = ensure_tenant(&self.database, key).await;
        let tenant = resolved.map_err(|error| TenantsError {
            key: key.to_owned(),
            source: Box::new(error),
        })?;
        self.keep(key, tenant.id);
        Ok(Some(tenant.id))
    }
}
