//! The integration tests, a module for each feature.

mod alerts;
mod alerts_delivered;
mod assignment;
mod authoring;
mod authoring_refusals;
mod cancel;
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
mod order;
mod outputs;
mod performing;
mod rerun;
mod schema;
mod starting;
mod statements;
mod steering;
mod survival;
