//! Endpoints.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;

use super::registry::{json_column, registry};
use super::schema::endpoints;
use super::task_nodes::task_nodes_using;
use crate::workflow::EndpointSpec;

json_column!(endpoints.spec holds EndpointSpec);

registry! {
    endpoints holds EndpointSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: task_nodes_using,
}
