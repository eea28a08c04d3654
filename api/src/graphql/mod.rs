//! The schema: objects, queries, mutations and subscriptions, a folder per concept.
//!
//! A resolver reads the caller, decodes ids, calls one command or one loader, and wraps what it gets; every decision is the
//! core's. What resolvers share is here: `guard` says who may ask for a field, `id` names things, `connection` pages
//! lists, `loader` gathers what a page leads to, `error` turns an error of the core into what a client sees.
//!
//! The schema is the manual. Every type, field, argument and value has a description, and every field at the root a guard;
//! tests walk the schema for both, so that a new field cannot be without.

mod alert;
mod attempt;
mod backfill;
mod bulk;
mod calendar;
mod connection;
mod endpoint;
mod error;
mod event;
mod executor;
mod following;
mod guard;
mod id;
mod journal;
mod listing;
mod loader;
mod log;
mod mutate;
mod named;
mod node;
mod package;
mod program;
mod published_event;
mod reference;
mod registration;
mod run;
mod scalar;
mod schedule;
mod task_node;
mod task_run;
mod tenant;
#[cfg(test)]
mod tests;
mod trigger;
mod wait;
mod workflow;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, SchemaBuilder};
use waterclock_core::catalogue::Catalogue;
use waterclock_core::command::edit_schedule::ScheduleEditor;
use waterclock_core::command::edit_trigger::TriggerEditor;
use waterclock_core::command::edit_workflow::WorkflowEditor;
use waterclock_core::command::start_run::RunStarter;
use waterclock_core::id::FiringId;
use waterclock_core::journal::Journal;
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, Versions};
use waterclock_core::watch::Watch;
use waterclock_core::workflow::WorkflowLimits;

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
    run::RunQuery,
    task_run::TaskRunQuery,
    run::DryRunQuery,
    executor::ExecutorQuery,
    alert::AlertQuery,
    bulk::BulkQuery,
    calendar::CalendarQuery,
    schedule::ScheduleQueries,
    trigger::TriggerQuery,
);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    tenant::TenantMutation,
    program::ProgramMutation,
    endpoint::EndpointMutation,
    task_node::TaskNodeMutation,
    workflow::WorkflowMutation,
    run::RunMutation,
    run::RerunMutation,
    task_run::TaskRunSteering,
    run::PausingMutation,
    task_run::TaskRunMutation,
    published_event::PublishedEventMutation,
    executor::ExecutorMutation,
    alert::AlertMutation,
    bulk::BulkMutation,
    calendar::CalendarMutation,
    schedule::ScheduleMutations,
    trigger::TriggerMutations,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    run::RunSubscription,
    log::LogSubscription,
    executor::ExecutorSubscription,
    alert::AlertSubscription,
    bulk::BulkSubscription,
    schedule::ScheduleSubscriptions,
    trigger::FiringSubscription,
);

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// What resolvers work with.
pub struct Services {
    /// Where everything is.
    pub database: Database,
    /// Wakes those whom a mutation concerns.
    pub signals: Signals,
    /// Hands out what happens; it must be running.
    pub watch: Watch,
    /// The versions that this process has read.
    pub versions: Versions,
    /// Whether this service sends mail.
    pub sends_mail: bool,
    /// How large a workflow may be.
    pub workflow_limits: WorkflowLimits,
}

/// Whether this service sends mail, so that nobody registers a channel that nothing ever leaves through.
#[derive(Clone, Copy, Debug)]
struct SendsMail(bool);

/// The schema with what its resolvers work with.
#[must_use]
pub fn schema(services: Services) -> Schema {
    let catalogue = Catalogue::new(services.database.clone());
    let journal = Journal::new(services.database.clone());
    builder()
        .data(loader::CatalogueLoader::batching(catalogue.clone()))
        .data(catalogue)
        .data(journal::JournalLoader::batching(journal.clone()))
        .data(wait::WaitLoader::batching(
            journal.clone(),
            services.versions.clone(),
        ))
        .data(journal)
        .data(RunStarter::new(
            services.database.clone(),
            services.signals.clone(),
        ))
        .data(ScheduleEditor::new(
            services.database.clone(),
            services.signals.clone(),
        ))
        .data(TriggerEditor::new(
            services.database.clone(),
            services.signals.clone(),
        ))
        .data(WorkflowEditor::new(
            services.database.clone(),
            services.signals.clone(),
            services.workflow_limits,
        ))
        .data(SendsMail(services.sends_mail))
        .data(services.signals)
        .data(services.watch)
        .data(services.versions)
        .data(services.database)
        .finish()
}

/// The firing's id, as clients know it.
#[must_use]
pub(crate) fn firing_id(firing: FiringId) -> String {
    id::encode(id::Kind::Firing, firing).to_string()
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
        Subscription::default(),
    ))
}
