//! Watching a run until it ends.

mod progress;
mod screen;
mod tree;

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use waterclock_core::run::{RunState, TaskRunState};

use crate::client::{Api, ClientError, EventKind, RunEvent, RunTail, RunWait, Subscription};
use crate::exit::Exit;
use progress::{NodeChange, Progress};
use screen::Screen;

/// How often a terminal is drawn over: as often as it looks live, however many events there are.
const REDRAW: Duration = Duration::from_millis(100);

/// How often it is asked what waits. What is found twice in a row is worth telling: most waits are over sooner.
const LOOK: Duration = Duration::from_secs(2);

/// Why a run cannot be watched any further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("there is no run {0}")]
    NoSuchRun(String),
    #[error("progress cannot be shown")]
    Output(#[from] io::Error),
}

/// Shows the progress of a run until it ends, and gives how it ended.
pub(crate) async fn watch(api: &Api, run: &str) -> Result<RunState, WatchError> {
    let events = Subscription::open(api.clone(), RunTail { run: run.to_owned() }).await?;
    let graph = api
        .graph_of_run(run.to_owned())
        .await?
        .ok_or_else(|| WatchError::NoSuchRun(run.to_owned()))?;
    let keys: HashMap<String, String> = api.task_runs_of_run(run).await?.into_iter().collect();
    let mut progress = Progress::of_graph(graph.workflow, graph.nodes);
    let mut screen = Screen::of_stdout();
    let mut events = events.into_receiver();
    let mut redraw = interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => take(&event?.run_events, &keys, &mut progress, &screen)?,
                None => break,
            },
            _ = redraw.tick(), if screen.is_live() => screen.draw_over(&progress)?,
            _ = look.tick() => {
                for wait in progress.look_at_waits(waits(api, run).await) {
                    screen.tell_wait(&progress, &wait)?;
                }
            }
        }
    }
    screen.finish(&progress)?;
    Ok(progress.state)
}

/// What the run waits for at this moment. Who cannot be asked now is asked again; that the service is gone is told by the events.
async fn waits(api: &Api, run: &str) -> Vec<String> {
    let asked = api.waits_of_run(run).await.ok().flatten();
    asked
        .iter()
        .flat_map(|run| run.waits.iter().map(RunWait::told))
        .collect()
}

/// How a command that watched a run to this end exits.
pub(crate) fn exit_of(state: RunState) -> Exit {
    match state {
        RunState::Succeeded => Exit::Success,
        RunState::Cancelled => Exit::Cancelled,
        _ => Exit::Failure,
    }
}

fn take(
    event: &RunEvent,
    keys: &HashMap<String, String>,
    progress: &mut Progress,
    screen: &Screen,
) -> io::Result<()> {
    match meaning(&event.kind) {
        Meaning::Run(state) => progress.change_run(event.at, state, event.message.clone()),
        Meaning::TaskRun(state) => {
            let key = event
                .task_run
                .as_ref()
                .and_then(|task_run| keys.get(&task_run.id));
            let change = key.map(|key| NodeChange {
                key,
                at: event.at,
                state,
                attempt: event.attempt,
                message: event.message.clone(),
            });
            if let Some(changed) = change.and_then(|change| progress.change_node(change)) {
                screen.tell(progress, changed, event.at)?;
            }
        }
        Meaning::Nothing => {}
    }
    Ok(())
}

/// The state that an event leads to.
enum Meaning {
    Run(RunState),
    TaskRun(TaskRunState),
    Nothing,
}

fn meaning(kind: &EventKind) -> Meaning {
    match kind {
        EventKind::RunQueued => Meaning::Run(RunState::Queued),
        EventKind::RunStarted => Meaning::Run(RunState::Running),
        EventKind::RunSucceeded => Meaning::Run(RunState::Succeeded),
        EventKind::RunFailed => Meaning::Run(RunState::Failed),
        EventKind::RunCancelled => Meaning::Run(RunState::Cancelled),
        EventKind::RunTimedOut => Meaning::Run(RunState::TimedOut),
        EventKind::TaskRunReady => Meaning::TaskRun(TaskRunState::Ready),
        EventKind::TaskRunStarted => Meaning::TaskRun(TaskRunState::Running),
        EventKind::TaskRunRetryWait => Meaning::TaskRun(TaskRunState::RetryWait),
        EventKind::TaskRunSucceeded => Meaning::TaskRun(TaskRunState::Succeeded),
        EventKind::TaskRunFailed => Meaning::TaskRun(TaskRunState::Failed),
        EventKind::TaskRunCancelled => Meaning::TaskRun(TaskRunState::Cancelled),
        EventKind::TaskRunUpstreamFailed => Meaning::TaskRun(TaskRunState::UpstreamFailed),
        EventKind::TaskRunSkipped => Meaning::TaskRun(TaskRunState::Skipped),
        // Events of executors, those that change no state, and those of a later release.
        _ => Meaning::Nothing,
    }
}
