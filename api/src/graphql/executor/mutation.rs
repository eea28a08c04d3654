//! Draining executors.

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::command::drain_executor::drain_executor;
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::id::{ExecutorId, TenantId};
use waterclock_core::signal::Signals;
use waterclock_core::store::Database;

use super::object::Executor;
use crate::auth::Scope;
use crate::graphql::error::payload;
use crate::graphql::guard::{Requires, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;
use crate::transport::ErrorCode;

/// For whoever keeps executors: a tenant's own, or the shared ones.
const KEEPER: Requires = Requires(&[Scope::Operator, Scope::Platform]);

/// An executor that is to drain.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DrainExecutorInput {
    /// The executor.
    id: ID,
}

payload! {
    /// What became of `drainExecutor`.
    DrainExecutorPayload {
        /// The executor, if it was asked.
        executor: Executor
    }
}

/// Draining executors.
#[derive(Default)]
pub(crate) struct ExecutorMutation;

#[Object]
impl ExecutorMutation {
    /// Asks an executor to take nothing more, and to stop when what it has is done. When this has answered, it is given nothing
    /// more. Needs the scope `operator` for an executor of the tenant's, `platform` for a shared one.
    #[graphql(guard = "KEEPER")]
    async fn drain_executor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The executor.")] input: DrainExecutorInput,
    ) -> Result<DrainExecutorPayload> {
        let id: ExecutorId = of_kind(Kind::Executor, &input.id);
        let Some(executor) = load(context, id).await? else {
            let refusal = Refusal::not_found(["id"], "there is no living executor with this id");
            return DrainExecutorPayload::of(Err(CommandError::refused(refusal)), Executor);
        };
        let owner = executor.tenant_id;
        may_drain(context, owner)?;
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let asked = drain_executor(database, signals, owner, id).await;
        let drained = load(context, id).await?.unwrap_or(executor);
        DrainExecutorPayload::of(asked.map(|()| drained), Executor)
    }
}

fn may_drain(context: &Context<'_>, owner: TenantId) -> Result<()> {
    let (needed, what) = match owner {
        TenantId::PLATFORM => (Scope::Platform, "a shared executor"),
        _ => (Scope::Operator, "an executor of the tenant's"),
    };
    if caller(context)?.scopes.allows(needed) {
        return Ok(());
    }
    Err(ErrorCode::Forbidden.error(format!(
        "Draining {what} needs a token with the scope `{needed}`."
    )))
}
