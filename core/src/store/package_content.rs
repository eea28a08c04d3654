//! The bytes of packages, for executors.

use bytes::{Bytes, BytesMut};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::{package_chunks, packages};
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::workflow::Digest;

/// The bytes of the tenant's package, read a piece at a time; `None` when there is no such package.
pub(crate) async fn read_package(
    transaction: &mut Transaction,
    tenant: TenantId,
    digest: &Digest,
) -> Result<Option<Bytes>, StoreError> {
    let size: Option<i64> = packages::table
        .find((tenant.0, digest.0.as_slice()))
        .select(packages::size)
        .first(&mut **transaction)
        .await
        .optional()?;
    let Some(size) = size else { return Ok(None) };
    let mut content = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
    for place in 0.. {
        let piece: Option<Vec<u8>> = package_chunks::table
            .find((tenant.0, digest.0.as_slice(), place))
            .select(package_chunks::content)
            .first(&mut **transaction)
            .await
            .optional()?;
        let Some(piece) = piece else { break };
        content.extend_from_slice(&piece);
    }
    Ok(Some(content.freeze()))
}
