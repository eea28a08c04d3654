//! The integration tests, a module for each feature.

mod cancel;
mod failure;
mod giving_up;
mod order;
