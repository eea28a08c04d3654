//! Programs.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;

use super::registry::{json_column, registry};
use super::schema::programs;
use super::task_nodes::task_nodes_using;
use crate::workflow::ProgramSpec;

json_column!(programs.spec holds ProgramSpec);

registry! {
    programs holds ProgramSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: task_nodes_using,
}
