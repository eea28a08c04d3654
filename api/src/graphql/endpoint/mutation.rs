//! Changing endpoints.

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::workflow::EndpointSpec;

use super::input::{RegisterEndpointInput, UpdateEndpointInput};
use super::object::Endpoint;
use crate::graphql::error::payload;
use crate::graphql::guard::DEVELOPER;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{DeleteInput, create, delete, update};

payload! {
    /// What became of `registerEndpoint`.
    RegisterEndpointPayload {
        /// The endpoint, if it was registered.
        endpoint: Endpoint
    }
}

payload! {
    /// What became of `updateEndpoint`.
    UpdateEndpointPayload {
        /// The endpoint, if it is as the input wants it.
        endpoint: Endpoint
    }
}

payload! {
    /// What became of `deleteEndpoint`.
    DeleteEndpointPayload {
        /// The id of the endpoint, if it was deleted.
        deleted_id: ID
    }
}

/// Changing endpoints.
#[derive(Default)]
pub(crate) struct EndpointMutation;

#[Object]
impl EndpointMutation {
    /// Registers an endpoint. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn register_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: RegisterEndpointInput,
    ) -> Result<RegisterEndpointPayload> {
        RegisterEndpointPayload::of(create(context, input.into()).await?, Into::into)
    }

    /// Replaces an endpoint as a whole. Workflow versions that are published keep it as it was. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the endpoint is to be.")] input: UpdateEndpointInput,
    ) -> Result<UpdateEndpointPayload> {
        UpdateEndpointPayload::of(update(context, input.into()).await?, Into::into)
    }

    /// Deletes an endpoint that no task node uses. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: DeleteInput,
    ) -> Result<DeleteEndpointPayload> {
        DeleteEndpointPayload::of(
            delete::<EndpointSpec>(context, Kind::Endpoint, input).await?,
            |id| id,
        )
    }
}
