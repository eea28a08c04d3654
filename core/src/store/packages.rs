//! Packages, and their bytes as they come in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::{package_chunks, packages};
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::package::Package;
use crate::workflow::Digest;

#[derive(Queryable, Selectable)]
#[diesel(table_name = packages)]
struct Row {
    digest: Vec<u8>,
    file_name: String,
    size: i64,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl Row {
    fn read(self) -> Result<Package, StoreError> {
        let digest = self
            .digest
            .try_into()
            .map_err(|_| StoreError::Unreadable("the digest of a package".to_owned()))?;
        Ok(Package {
            digest: Digest(digest),
            file_name: self.file_name,
            size: self.size,
            created_at: self.created_at,
        })
    }
}

/// The package that `digest` names.
pub(crate) async fn find_package(
    transaction: &mut Transaction,
    tenant: TenantId,
    digest: &Digest,
) -> Result<Option<Package>, StoreError> {
    let row: Option<Row> = packages::table
        .find((tenant.0, digest.0.as_slice()))
        .select(Row::as_select())
        .first(&mut **transaction)
        .await
        .optional()?;
    row.map(Row::read).transpose()
}

/// Packages after `after` by digest, at most `limit`.
pub(crate) async fn list_packages(
    transaction: &mut Transaction,
    tenant: TenantId,
    after: Option<Digest>,
    limit: i64,
) -> Result<Vec<Package>, StoreError> {
    let mut query = packages::table
        .filter(packages::tenant_id.eq(tenant.0))
        .order(packages::digest)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(packages::digest.gt(after.0.to_vec()));
    }
    let rows: Vec<Row> = query.load(&mut **transaction).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Records a package, whose pieces follow; `None` when the tenant has it.
pub(crate) async fn insert_package(
    transaction: &mut Transaction,
    tenant: TenantId,
    digest: &Digest,
    file_name: &str,
    size: i64,
) -> Result<Option<Package>, StoreError> {
    let row: Option<Row> = diesel::insert_into(packages::table)
        .values((
            packages::tenant_id.eq(tenant.0),
            packages::digest.eq(digest.0.as_slice()),
            packages::file_name.eq(file_name),
            packages::size.eq(size),
        ))
        .on_conflict_do_nothing()
        .returning(Row::as_returning())
        .get_result(&mut **transaction)
        .await
        .optional()?;
    row.map(Row::read).transpose()
}

/// Records the piece of a package at `place`.
pub(crate) async fn insert_piece(
    transaction: &mut Transaction,
    tenant: TenantId,
    digest: &Digest,
    place: i32,
    content: &[u8],
) -> Result<(), StoreError> {
    diesel::insert_into(package_chunks::table)
        .values((
            package_chunks::tenant_id.eq(tenant.0),
            package_chunks::digest.eq(digest.0.as_slice()),
            package_chunks::place.eq(place),
            package_chunks::content.eq(content),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
