//! Tenants, and whoever is asking.

mod mutation;
mod object;
mod query;

pub(crate) use mutation::TenantMutation;
pub(crate) use object::Tenant;
pub(crate) use query::TenantQuery;
