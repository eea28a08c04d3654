//! Lists of what is registered, which all filter and page alike.

use async_graphql::{Context, InputObject, OutputType, Result};
use waterclock_core::catalogue::Catalogue;
use waterclock_core::registered::{Listing, Registered};
use waterclock_core::store::Registry;

use super::connection::{Connection, Page};
use super::error::internal;
use super::guard::caller;
use crate::transport::ErrorCode;

/// Narrows a list; what is given must all hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct KeyFilter {
    /// Those whose key begins with this.
    key_prefix: Option<String>,
    /// Those whose key or description contains this, whatever the case.
    search: Option<String>,
}

/// The most bytes of a text to look for.
const LONGEST_SEARCH: usize = 256;

/// The page of the caller's things of one kind, by key.
pub(crate) async fn list<S: Registry, T: OutputType>(
    context: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    filter: Option<KeyFilter>,
    show: impl Fn(Registered<S>) -> T,
) -> Result<Connection<T>> {
    let page = Page::of(first, after.as_deref())?;
    let filter = filter.unwrap_or_default();
    if [&filter.key_prefix, &filter.search]
        .into_iter()
        .flatten()
        .any(|text| text.len() > LONGEST_SEARCH)
    {
        return Err(
            ErrorCode::BadUserInput.error(format!("A filter's text has at most {LONGEST_SEARCH} bytes."))
        );
    }
    let listing = Listing {
        after: page.after().map(str::to_owned),
        limit: page.limit(),
        prefix: filter.key_prefix,
        search: filter.search,
    };
    let tenant = caller(context)?.tenant_id;
    let rows = context
        .data::<Catalogue>()?
        .list(tenant, &listing)
        .await
        .map_err(|error| internal(&error))?;
    Ok(page.connection(rows, |row: &Registered<S>| row.key.clone(), show))
}

/// The caller's thing of one kind that `key` names.
pub(crate) async fn find<S: Registry>(context: &Context<'_>, key: &str) -> Result<Option<Registered<S>>> {
    let tenant = caller(context)?.tenant_id;
    context
        .data::<Catalogue>()?
        .find(tenant, key)
        .await
        .map_err(|error| internal(&error))
}
