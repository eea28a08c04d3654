//! What is asked of the API: an operation is a GraphQL document, checked against `schema.graphql` when this is built.

use super::{ClientError, UserError};

/// Makes an operation of each document. A file holds one, since a client sends the whole file. The scalars of the schema that the documents
/// name are to be types of the same names beside it.
macro_rules! operations {
    (variables $derives:tt; $($name:ident in $path:tt;)+) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../schema.graphql",
            query_path = $path,
            normalization = "rust",
            variables_derives = $derives,
            response_derives = "Clone, Debug, PartialEq"
        )]
        pub(crate) struct $name;
    )+};
    ($($name:ident in $path:tt;)+) => {
        operations! {
            variables "Clone, Debug";
            $($name in $path;)+
        }
    };
}

/// What became of a mutation: nothing more to say, or what is wrong with the input.
pub(crate) type Told = Result<Result<(), Vec<UserError>>, ClientError>;

/// Asks something of one input, and gives its object, or what is wrong with the input.
macro_rules! mutate {
    ($api:expr, $query:ty, $module:ident, $field:ident, $object:ident, $input:expr) => {{
        let answer = $api
            .ask::<$query>($module::Variables { input: $input })
            .await?
            .$field;
        let errors = answer.user_errors.into_iter().map(|error| UserError {
            message: error.message,
            path: error.path,
        });
        answer.$object.ok_or_else(|| errors.collect::<Vec<_>>())
    }};
}

pub(super) use {mutate, operations};
