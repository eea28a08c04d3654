//! The integration tests, a module for each feature.

// The futures of the whole schema lie within each other, and those of a test around them.
#![recursion_limit = "256"]

mod alerts;
mod alerts_delivered;
mod apart;
mod assignment;
mod authoring;
mod authoring_refusals;
mod backfill;
mod bulk;
mod callbacks;
mod cancel;
mod command_line;
mod dry_run;
mod examples;
mod failure;
mod following;
mod foreign;
mod giving_up;
mod graphql;
mod graphs;
mod input_schema;
mod introspection;
mod isolation;
mod layout;
mod occurrences;
mod order;
mod outages;
mod outputs;
mod performing;
mod quotas;
mod random_runs;
mod rerun;
mod schedules;
mod schema;
mod starting;
mod statements;
mod steering;
mod stopping;
mod stories;
mod survival;
mod ticks;
mod triggers;
mod waiting;
mod waits;
mod webhooks;
