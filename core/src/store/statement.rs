//! Statements that are files.
//!
//! A statement that is the algorithm (assignment, settling, sweeps) is written in SQL under `sql/` and run by one function
//! of its name. Diesel prepares such text anew at each call, because it cannot know whether the text varies. Ours never
//! does, so [`Fixed`] says so, and each connection prepares it once.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;
use diesel::{QueryResult, RunQueryDsl};

/// A `sql_query` with its binds whose text is a constant.
pub(super) struct Fixed<Q>(pub Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Fixed<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Fixed<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Fixed<Q> {
    type SqlType = Untyped;
}

impl<Q, Conn> RunQueryDsl<Conn> for Fixed<Q> {}

/// Begins the statement in `sql/<name>.sql`.
macro_rules! statement {
    ($name:literal) => {
        diesel::sql_query(include_str!(concat!("sql/", $name, ".sql")))
    };
}

pub(super) use statement;
