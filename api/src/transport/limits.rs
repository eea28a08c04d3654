//! How much one request may ask for.
//!
//! Three guards stand one behind the other, each cheap enough for what the one before lets through: the text is counted
//! before it is parsed (`lexical`), the document before it is validated (`document`), and the schema
//! weighs the fields that it knows before it executes them.

use async_graphql::{ObjectType, SchemaBuilder, SubscriptionType};

/// The largest body of a request where no other is set: it holds a workflow of 10,000 nodes and 100,000 edges with the longest
/// keys. Only who is known sends one.
pub const DEFAULT_BODY_BYTES: usize = 16 * 1024 * 1024;
/// The largest message of a socket, which may come from anybody.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// The most lexical tokens of a document.
pub const MAX_TOKENS: usize = 10_000;
/// The deepest nesting of brackets in a document.
pub const MAX_NESTING: usize = 50;
/// The most aliases of a document.
pub const MAX_ALIASES: usize = 100;
/// The most directives of a document.
pub const MAX_DIRECTIVES: usize = 50;
/// The most fields at the root of an operation.
pub const MAX_ROOT_FIELDS: usize = 32;
/// The most selections of a document once its fragments are written out.
pub const MAX_SELECTIONS: usize = 10_000;
/// The most operations and fragments of a document.
pub const MAX_DEFINITIONS: usize = 100;
/// The deepest selection. Introspection, with its types of types, is among the deepest that clients send.
pub const MAX_DEPTH: usize = 20;
/// The most that the fields of an operation may weigh, where a list weighs its `first` times what is below it.
pub const MAX_COMPLEXITY: usize = 20_000;
/// The most errors that one response lists.
pub const MAX_ERRORS: usize = 100;

/// Builds the limits into a schema, and keeps it from guessing what a client meant.
#[must_use]
pub fn apply<Query, Mutation, Subscription>(
    builder: SchemaBuilder<Query, Mutation, Subscription>,
) -> SchemaBuilder<Query, Mutation, Subscription>
where
    Query: ObjectType + 'static,
    Mutation: ObjectType + 'static,
    Subscription: SubscriptionType + 'static,
{
    builder
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_directives(MAX_DIRECTIVES)
        .disable_suggestions()
}
