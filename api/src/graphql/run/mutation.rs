//! Starting and cancelling runs.

use async_graphql::{Context, Object, Result};
use waterclock_core::command::cancel_run::{Force, cancel_run};
use waterclock_core::command::start_run::{RunStarter, StartedRun};
use waterclock_core::error::{CommandError, Refusal, RefusalCode};
use waterclock_core::id::RunId;
use waterclock_core::signal::Signals;
use waterclock_core::store::Database;

use super::input::{CancelRunInput, StartRunInput, StartRunsInput};
use super::object::Run;
use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author, caller};
use crate::graphql::id::{Kind, of_kind};

/// The most runs that one call starts.
const MOST_RUNS: usize = 1_000;

payload! {
    /// What became of `startRun`.
    StartRunPayload {
        /// The run, if it was started, now or by an earlier call under the same idempotency key.
        run: Run
    }
}

payload! {
    /// What became of `startRuns`.
    StartRunsPayload {
        /// The runs in the order of the input, if they were started.
        runs: Vec<Run>
    }
}

payload! {
    /// What became of `cancelRun`.
    CancelRunPayload {
        /// The run, if it was told to stop, now or before.
        run: Run
    }
}

payload! {
    /// What became of `terminateRun`.
    TerminateRunPayload {
        /// The run, if it was told to stop, now or before.
        run: Run
    }
}

/// Starting and cancelling runs.
#[derive(Default)]
pub(crate) struct RunMutation;

#[Object]
impl RunMutation {
    /// Starts a run of a workflow's published version. Whoever is answered knows that the run is durable. Needs the scope
    /// `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn start_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] input: StartRunInput,
    ) -> Result<StartRunPayload> {
        // The core names a request by its place among those of the call; here there is one.
        let started = start(context, vec![input])
            .await?
            .map_err(|error| moved(error, |path| drop(path.remove(0))));
        StartRunPayload::of(started, |started| Run::new(started[0].id))
    }

    /// Starts up to 1,000 runs at once: all of them, or none when one of them cannot be started. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR", complexity = "1 + input.runs.len() * child_complexity")]
    async fn start_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The runs.")] input: StartRunsInput,
    ) -> Result<StartRunsPayload> {
        if input.runs.len() > MOST_RUNS {
            let code = RefusalCode::QuotaExceeded { limit: 1_000 };
            let message = format!(
                "one call starts at most {MOST_RUNS} runs, not {}",
                input.runs.len()
            );
            return StartRunsPayload::of(
                Err(CommandError::refused(Refusal::new(code, ["runs"], message))),
                show,
            );
        }
        let started = start(context, input.runs).await?;
        StartRunsPayload::of(
            started.map_err(|error| moved(error, |path| path.insert(0, "runs".to_owned()))),
            show,
        )
    }

    /// Stops a run. When this has answered, nothing of the run starts any more, and what runs is being stopped; the run is
    /// `CANCELLED` when all of it is gone. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn cancel_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] input: CancelRunInput,
    ) -> Result<CancelRunPayload> {
        if let Some(fault) = input.fault() {
            return CancelRunPayload::of(Err(CommandError::refused(fault)), Run::new);
        }
        let run: RunId = of_kind(Kind::Run, &input.id);
        let told = stop(context, run, Force::Cancel, input.reason.as_deref()).await?;
        CancelRunPayload::of(told.map(|()| run), Run::new)
    }

    /// Stops a run as `cancelRun` does, and leaves what runs no grace: programs are ended with KILL, calls are dropped. A run that
    /// is being cancelled can be terminated as well. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn terminate_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] input: CancelRunInput,
    ) -> Result<TerminateRunPayload> {
        if let Some(fault) = input.fault() {
            return TerminateRunPayload::of(Err(CommandError::refused(fault)), Run::new);
        }
        let run: RunId = of_kind(Kind::Run, &input.id);
        let told = stop(context, run, Force::Terminate, input.reason.as_deref()).await?;
        TerminateRunPayload::of(told.map(|()| run), Run::new)
    }
}

async fn stop(
    context: &Context<'_>,
    run: RunId,
    force: Force,
    reason: Option<&str>,
) -> Result<std::result::Result<(), CommandError>> {
    let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
    Ok(cancel_run(database, signals, &author(context)?, run, force, reason).await)
}

fn show(started: Vec<StartedRun>) -> Vec<Run> {
    started.into_iter().map(|started| Run::new(started.id)).collect()
}

/// Starts the runs of one call; the faults of one are named by its place.
async fn start(
    context: &Context<'_>,
    inputs: Vec<StartRunInput>,
) -> Result<std::result::Result<Vec<StartedRun>, CommandError>> {
    let caller = caller(context)?;
    let (mut requests, mut faults) = (Vec::with_capacity(inputs.len()), Vec::new());
    for (place, input) in inputs.into_iter().enumerate() {
        match input.request(place) {
            Ok(request) => requests.push(request),
            Err(wrong) => faults.extend(wrong),
        }
    }
    if !faults.is_empty() {
        return Ok(Err(CommandError::Refused(faults)));
    }
    Ok(context
        .data::<RunStarter>()?
        .start(caller.tenant_id, &caller.subject, requests)
        .await)
}

/// The error with the path of each refusal changed.
fn moved(error: CommandError, change: impl Fn(&mut Vec<String>)) -> CommandError {
    match error {
        CommandError::Refused(mut refusals) => {
            for refusal in &mut refusals {
                change(&mut refusal.path);
            }
            CommandError::Refused(refusals)
        }
        error => error,
    }
}
