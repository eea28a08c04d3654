//! Waterclock's GraphQL API: who is calling, what they may ask, and how it is shown.
//!
//! A request passes four places, each of which can refuse it and none of which repeats another's question:
//! [`transport`] decides whether the bytes are a GraphQL request that this service takes, [`auth`] turns its token into a
//! [`auth::Caller`], [`graphql`] says what that caller may do with which field, and the core decides whether the change
//! is a legal one. [`server`] puts them on the network together with the pages and the probes.

pub mod auth;
pub mod callbacks;
pub mod graphql;
pub mod health;
mod landing;
pub mod packages;
mod playground;
pub mod server;
pub mod tenants;
pub mod transport;
pub mod webhooks;
