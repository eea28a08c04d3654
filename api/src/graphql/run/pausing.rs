//! Pausing and resuming runs.

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::command::pause_run::{pause_run, resume_run};
use waterclock_core::id::RunId;
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, Versions};

use super::object::Run;
use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};

/// Keeps a run from starting more.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PauseRunInput {
    /// The run.
    id: ID,
}

/// Lets a run go on.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ResumeRunInput {
    /// The run.
    id: ID,
}

payload! {
    /// What became of `pauseRun`.
    PauseRunPayload {
        /// The run, if it is paused, now or from before.
        run: Run
    }
}

payload! {
    /// What became of `resumeRun`.
    ResumeRunPayload {
        /// The run, if it goes on.
        run: Run
    }
}

/// Pausing and resuming runs.
#[derive(Default)]
pub(crate) struct PausingMutation;

#[Object]
impl PausingMutation {
    /// Pauses a run and the runs within it. When this has answered, nothing of it starts any more until it is resumed; what runs
    /// may finish, and questions can still be answered. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn pause_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] input: PauseRunInput,
    ) -> Result<PauseRunPayload> {
        let run: RunId = of_kind(Kind::Run, &input.id);
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let paused = pause_run(database, signals, &author(context)?, run).await;
        PauseRunPayload::of(paused.map(|()| run), Run::new)
    }

    /// Lets a paused run, and the runs within it, go on. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn resume_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] input: ResumeRunInput,
    ) -> Result<ResumeRunPayload> {
        let run: RunId = of_kind(Kind::Run, &input.id);
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let versions = context.data::<Versions>()?;
        let resumed = resume_run(database, signals, versions, &author(context)?, run).await;
        ResumeRunPayload::of(resumed.map(|()| run), Run::new)
    }
}
