//! The schema: objects, queries, mutations and subscriptions, a folder per concept.
//!
//! A resolver reads the caller, decodes ids, calls one command or one loader, and wraps what it gets; every decision is the
//! core's. What resolvers share is here: [`guard`] says who may ask for a field, [`id`] names things, [`connection`] pages
//! lists, [`loader`] gathers what a page leads to, [`error`] turns an error of the core into what a client sees.
//!
//! The schema is the manual. Every type, field, argument and value has a description, and every field at the root a guard;
//! tests walk the schema for both, so that a new field cannot be without.

mod connection;
mod endpoint;
mod error;
mod guard;
mod id;
mod listing;
mod loader;
mod mutate;
mod named;
mod node;
mod package;
mod program;
mod reference;
mod scalar;
mod task_node;
mod tenant;
#[cfg(test)]
mod tests;
mod workflow;

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions, SchemaBuilder};
use waterclock_core::catalogue::Catalogue;
use waterclock_core::store::Database;

use crate::transport::limits;

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    tenant::TenantQuery,
    package::PackageQuery,
    program::ProgramQuery,
    endpoint::EndpointQuery,
    task_node::TaskNodeQuery,
    workflow::WorkflowQuery,
);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    tenant::TenantMutation,
    program::ProgramMutation,
    endpoint::EndpointMutation,
    task_node::TaskNodeMutation,
    workflow::WorkflowMutation,
);

/// Everything that can be followed.
pub type Subscription = EmptySubscription;

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// What resolvers work with.
pub struct Services {
    /// Where everything is.
    pub database: Database,
}

/// The schema with what its resolvers work with.
#[must_use]
pub fn schema(services: Services) -> Schema {
    let catalogue = Catalogue::new(services.database.clone());
    builder()
        .data(loader::CatalogueLoader::batching(catalogue.clone()))
        .data(catalogue)
        .data(services.database)
        .finish()
}

/// The schema as text, the same for the same code.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    builder().finish().sdl_with_options(options)
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    limits::apply(Schema::build(
        Query::default(),
        Mutation::default(),
        EmptySubscription,
    ))
}
