//! The schema: objects, queries, mutations and subscriptions, a folder per concept.
