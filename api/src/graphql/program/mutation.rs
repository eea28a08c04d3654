//! Changing programs.

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::workflow::ProgramSpec;

use super::input::{RegisterProgramInput, UpdateProgramInput};
use super::object::Program;
use crate::graphql::error::payload;
use crate::graphql::guard::DEVELOPER;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{DeleteInput, create, delete, update};

payload! {
    /// What became of `registerProgram`.
    RegisterProgramPayload {
        /// The program, if it was registered.
        program: Program
    }
}

payload! {
    /// What became of `updateProgram`.
    UpdateProgramPayload {
        /// The program, if it is as the input wants it.
        program: Program
    }
}

payload! {
    /// What became of `deleteProgram`.
    DeleteProgramPayload {
        /// The id of the program, if it was deleted.
        deleted_id: ID
    }
}

/// Changing programs.
#[derive(Default)]
pub(crate) struct ProgramMutation;

#[Object]
impl ProgramMutation {
    /// Registers a program. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn register_program(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The program.")] input: RegisterProgramInput,
    ) -> Result<RegisterProgramPayload> {
        RegisterProgramPayload::of(create(context, input.into()).await?, Into::into)
    }

    /// Replaces a program as a whole. Workflow versions that are published keep it as it was. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_program(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the program is to be.")] input: UpdateProgramInput,
    ) -> Result<UpdateProgramPayload> {
        UpdateProgramPayload::of(update(context, input.into()).await?, Into::into)
    }

    /// Deletes a program that no task node uses. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_program(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The program.")] input: DeleteInput,
    ) -> Result<DeleteProgramPayload> {
        DeleteProgramPayload::of(
            delete::<ProgramSpec>(context, Kind::Program, input).await?,
            |id| id,
        )
    }
}
