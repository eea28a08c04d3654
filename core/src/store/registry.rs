//! The statements that programs, endpoints, task nodes and workflows share.
//!
//! Their tables have the same columns around what is registered, so the statements are written once, as a macro: diesel
//! types each table's columns apart, and a function that is generic over tables would name a dozen bounds to say less.

use std::future::Future;

use uuid::Uuid;

use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::registered::{Listing, Registered, Registrable};

/// Keeps specifications of one kind.
pub trait Registry: Registrable {
    /// Those that `ids` and `keys` name, in no order. Those that do not exist, or are another tenant's, are left out.
    fn find(
        transaction: &mut Transaction,
        tenant: TenantId,
        ids: &[Uuid],
        keys: &[&str],
    ) -> impl Future<Output = Result<Vec<Registered<Self>>, StoreError>> + Send;

    /// As [`Registry::find`], and none of them can be deleted until the transaction ends.
    fn hold(
        transaction: &mut Transaction,
        tenant: TenantId,
        ids: &[Uuid],
        keys: &[&str],
    ) -> impl Future<Output = Result<Vec<Registered<Self>>, StoreError>> + Send;

    /// The one that `id` names, which nobody else can edit, hold or delete until the transaction ends.
    fn lock(
        transaction: &mut Transaction,
        tenant: TenantId,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<Registered<Self>>, StoreError>> + Send;

    /// Those that `listing` describes, by key.
    fn list(
        transaction: &mut Transaction,
        tenant: TenantId,
        listing: &Listing,
    ) -> impl Future<Output = Result<Vec<Registered<Self>>, StoreError>> + Send;

    /// Registers `spec`; `None` when the key is taken.
    fn insert(
        transaction: &mut Transaction,
        tenant: TenantId,
        id: Uuid,
        key: &str,
        description: &str,
        spec: &Self,
    ) -> impl Future<Output = Result<Option<Registered<Self>>, StoreError>> + Send;

    /// Puts `spec` in the place of what `id` names and raises its revision.
    fn replace(
        transaction: &mut Transaction,
        tenant: TenantId,
        id: Uuid,
        description: &str,
        spec: &Self,
    ) -> impl Future<Output = Result<Registered<Self>, StoreError>> + Send;

    /// Deletes what `id` names.
    fn remove(
        transaction: &mut Transaction,
        tenant: TenantId,
        id: Uuid,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The names of some that use what `id` names.
    fn users(
        transaction: &mut Transaction,
        tenant: TenantId,
        id: Uuid,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

/// How many users of a thing are named when it cannot be deleted.
pub(super) const USERS_NAMED: i64 = 10;

/// Text as a LIKE pattern that matches nothing but it.
pub(super) fn literal(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// The error of JSON that does not read as a specification.
pub(super) fn unreadable<S: Registrable>(key: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Unreadable(format!("the {} {key:?}: {error}", S::NOUN))
}

/// The present instant, as every statement asks for it.
pub(super) mod sql {
    diesel::define_sql_function! {
        /// The database's present instant.
        fn present() -> diesel::sql_types::Timestamptz;
    }
}

/// Defines `Stored` for a table that keeps the whole specification in one column of JSON.
macro_rules! json_column {
    ($table:ident.$column:ident holds $spec:ty) => {
        #[derive(diesel::Queryable, diesel::Selectable, diesel::Insertable, diesel::AsChangeset)]
        #[diesel(table_name = $table)]
        struct Stored {
            $column: serde_json::Value,
        }

        impl Stored {
            fn of(spec: &$spec) -> Self {
                Self {
                    $column: serde_json::to_value(spec).expect("a specification is JSON"),
                }
            }

            fn read(self, key: &str) -> Result<$spec, super::StoreError> {
                serde_json::from_value(self.$column)
                    .map_err(|error| super::registry::unreadable::<$spec>(key, &error))
            }
        }
    };
}

/// Implements [`Registry`] for a table.
///
/// `stored` is a struct of the columns that hold the specification, with `of(&spec)` and `read(self, &key)`. `present` is
/// what the rows satisfy that exist for callers, `remove` the statement that takes one away.
macro_rules! registry {
    (
        $table:ident holds $spec:ty as $stored:ty,
        present: $present:expr,
        remove: |$target:ident| $remove:expr,
        users: $users:path $(,)?
    ) => {
        #[derive(diesel::Queryable, diesel::Selectable)]
        #[diesel(table_name = $table)]
        struct Row {
            id: uuid::Uuid,
            key: String,
            revision: i32,
            description: String,
            created_at: chrono::DateTime<chrono::Utc>,
            updated_at: chrono::DateTime<chrono::Utc>,
            #[diesel(embed)]
            stored: $stored,
        }

        impl Row {
            fn read(self) -> Result<crate::registered::Registered<$spec>, super::StoreError> {
                Ok(crate::registered::Registered {
                    id: self.id.into(),
                    spec: self.stored.read(&self.key)?,
                    key: self.key,
                    revision: self.revision,
                    description: self.description,
                    created_at: self.created_at,
                    updated_at: self.updated_at,
                })
            }
        }

        impl super::registry::Registry for $spec {
            async fn find(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                ids: &[uuid::Uuid],
                keys: &[&str],
            ) -> Result<Vec<crate::registered::Registered<Self>>, super::StoreError> {
                let rows: Vec<Row> = $table::table
                    .filter($table::tenant_id.eq(tenant.0).and($present))
                    .filter($table::id.eq_any(ids).or($table::key.eq_any(keys)))
                    .select(Row::as_select())
                    .load(&mut **transaction)
                    .await?;
                rows.into_iter().map(Row::read).collect()
            }

            async fn hold(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                ids: &[uuid::Uuid],
                keys: &[&str],
            ) -> Result<Vec<crate::registered::Registered<Self>>, super::StoreError> {
                let rows: Vec<Row> = $table::table
                    .filter($table::tenant_id.eq(tenant.0).and($present))
                    .filter($table::id.eq_any(ids).or($table::key.eq_any(keys)))
                    .order($table::id)
                    .for_key_share()
                    .select(Row::as_select())
                    .load(&mut **transaction)
                    .await?;
                rows.into_iter().map(Row::read).collect()
            }

            async fn lock(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                id: uuid::Uuid,
            ) -> Result<Option<crate::registered::Registered<Self>>, super::StoreError> {
                let row: Option<Row> = $table::table
                    .filter(
                        $table::tenant_id
                            .eq(tenant.0)
                            .and($table::id.eq(id))
                            .and($present),
                    )
                    .for_update()
                    .select(Row::as_select())
                    .first(&mut **transaction)
                    .await
                    .optional()?;
                row.map(Row::read).transpose()
            }

            async fn list(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                listing: &crate::registered::Listing,
            ) -> Result<Vec<crate::registered::Registered<Self>>, super::StoreError> {
                let mut query = $table::table
                    .filter($table::tenant_id.eq(tenant.0).and($present))
                    .order($table::key)
                    .limit(listing.limit)
                    .select(Row::as_select())
                    .into_boxed();
                if let Some(after) = &listing.after {
                    query = query.filter($table::key.gt(after));
                }
                if let Some(prefix) = &listing.prefix {
                    query = query.filter($table::key.like(format!("{}%", super::registry::literal(prefix))));
                }
                if let Some(search) = &listing.search {
                    let pattern = format!("%{}%", super::registry::literal(search));
                    query = query.filter(
                        $table::key
                            .ilike(pattern.clone())
                            .or($table::description.ilike(pattern)),
                    );
                }
                let rows: Vec<Row> = query.load(&mut **transaction).await?;
                rows.into_iter().map(Row::read).collect()
            }

            async fn insert(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                id: uuid::Uuid,
                key: &str,
                description: &str,
                spec: &Self,
            ) -> Result<Option<crate::registered::Registered<Self>>, super::StoreError> {
                let named = (
                    $table::tenant_id.eq(tenant.0),
                    $table::id.eq(id),
                    $table::key.eq(key),
                    $table::description.eq(description),
                );
                let row: Option<Row> = diesel::insert_into($table::table)
                    .values((named, <$stored>::of(spec)))
                    .on_conflict_do_nothing()
                    .returning(Row::as_returning())
                    .get_result(&mut **transaction)
                    .await
                    .optional()?;
                row.map(Row::read).transpose()
            }

            async fn replace(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                id: uuid::Uuid,
                description: &str,
                spec: &Self,
            ) -> Result<crate::registered::Registered<Self>, super::StoreError> {
                let row: Row = diesel::update($table::table.find((tenant.0, id)))
                    .set((
                        $table::revision.eq($table::revision + 1),
                        $table::updated_at.eq(super::registry::sql::present()),
                        $table::description.eq(description),
                        <$stored>::of(spec),
                    ))
                    .returning(Row::as_returning())
                    .get_result(&mut **transaction)
                    .await?;
                row.read()
            }

            async fn remove(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                id: uuid::Uuid,
            ) -> Result<(), super::StoreError> {
                let $target = $table::table.find((tenant.0, id));
                $remove.execute(&mut **transaction).await?;
                Ok(())
            }

            async fn users(
                transaction: &mut super::Transaction,
                tenant: crate::id::TenantId,
                id: uuid::Uuid,
            ) -> Result<Vec<String>, super::StoreError> {
                $users(transaction, tenant, id).await
            }
        }
    };
}

pub(super) use {json_column, registry};
