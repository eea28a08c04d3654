//! The world that the integration tests run in.
//!
//! A test wants the whole product around it and nothing else: a PostgreSQL that is there, a database that nobody else
//! writes to, time that moves when it is told to, and executors that do as the story says. [`World::new`] gives all of it.
//! One server serves all tests of the process ([`server`]); each test works in a clone of a migrated template, so that
//! notification channels and advisory locks are its own too ([`world`]).

pub mod alerts;
pub mod api;
pub mod binary;
pub mod chance;
pub mod clockwork;
pub mod endpoint;
pub mod real;
pub mod script;
pub mod server;
pub mod smtp;
pub mod sources;
pub mod story;
pub mod tree;
pub mod world;

pub use script::{Scripted, ended, succeed};
pub use story::{graph, node};
pub use world::World;
