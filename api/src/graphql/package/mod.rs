//! Packages: uploaded code. They come in over HTTP, since they are bytes, and are seen here.

use async_graphql::{Context, Object, Result, SimpleObject};
use waterclock_core::catalogue::Catalogue;
use waterclock_core::package;
use waterclock_core::workflow::Digest;

use super::connection::{Connection, Page, weight};
use super::error::internal;
use super::guard::{VIEWER, caller};
use super::scalar::DateTime;

/// Uploaded code, named by the SHA-256 of its bytes.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Package {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    digest: String,
    /// The name that it was uploaded with.
    file_name: String,
    /// How many bytes it has.
    size: i32,
    /// When it was uploaded.
    created_at: DateTime,
}

impl From<package::Package> for Package {
    fn from(package: package::Package) -> Self {
        Self {
            digest: package.digest.to_string(),
            file_name: package.file_name,
            size: package.size.try_into().unwrap_or(i32::MAX),
            created_at: package.created_at.into(),
        }
    }
}

/// Reading packages.
#[derive(Default)]
pub(crate) struct PackageQuery;

#[Object]
impl PackageQuery {
    /// The package that a digest names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn package(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The SHA-256 of its bytes, in hexadecimal digits.")] digest: String,
    ) -> Result<Option<Package>> {
        let Ok(digest) = digest.parse::<Digest>() else {
            return Ok(None);
        };
        let tenant = caller(context)?.tenant_id;
        let found = context.data::<Catalogue>()?.package(tenant, &digest).await;
        Ok(found.map_err(|error| internal(&error))?.map(Into::into))
    }

    /// Packages, by digest. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn packages(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<Package>> {
        let page = Page::of(first, after.as_deref())?;
        let (tenant, after) = (caller(context)?.tenant_id, page.after_as()?);
        let found = context
            .data::<Catalogue>()?
            .list_packages(tenant, after, page.limit())
            .await;
        let rows = found.map_err(|error| internal(&error))?;
        Ok(page.connection(rows, |package| package.digest.to_string(), Package::from))
    }
}
