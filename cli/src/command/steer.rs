//! The commands that steer one run, or one of its task runs.

use super::{CommandError, done};
use crate::args::{AnswerArgs, MarkSucceededArgs, OneRunArgs, RetryArgs, SkipArgs, StopArgs, TaskRunArgs};
use crate::client::{Answer, Api, NewAnswer};
use crate::exit::Exit;

/// Tells a run to stop. When this has ended, nothing of the run starts any more.
pub(crate) async fn cancel(args: StopArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    done(api.cancel_run(args.run, args.reason).await?)
}

/// Tells a run to stop, and leaves what runs no grace.
pub(crate) async fn terminate(args: StopArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    done(api.terminate_run(args.run, args.reason).await?)
}

/// Keeps a run from starting more.
pub(crate) async fn pause(args: OneRunArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    done(api.pause_run(args.run).await?)
}

/// Lets a run go on.
pub(crate) async fn resume(args: OneRunArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    done(api.resume_run(args.run).await?)
}

/// Tries a task run again at once that waits for its next attempt.
pub(crate) async fn retry(args: RetryArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let id = task_run(&api, args.task_run).await?;
    done(api.retry_task_run(id).await?)
}

/// Passes over a task run.
pub(crate) async fn skip(args: SkipArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let id = task_run(&api, args.task_run).await?;
    done(api.skip_task_run(id, args.reason).await?)
}

/// Lets a task run count as done.
pub(crate) async fn mark_succeeded(args: MarkSucceededArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let id = task_run(&api, args.task_run).await?;
    let outputs = args.outputs.into_iter().collect();
    done(api.mark_task_run_succeeded(id, outputs, args.reason).await?)
}

/// Answers what a task run asks with yes.
pub(crate) async fn approve(args: AnswerArgs) -> Result<Exit, CommandError> {
    answer(args, Answer::Approve).await
}

/// Answers what a task run asks with no.
pub(crate) async fn reject(args: AnswerArgs) -> Result<Exit, CommandError> {
    answer(args, Answer::Reject).await
}

async fn answer(args: AnswerArgs, answer: Answer) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let answer = NewAnswer {
        task_run: task_run(&api, args.task_run).await?,
        answer,
        form: args.answers.into_iter().collect(),
        comment: args.comment,
    };
    done(api.answer_approval(answer).await?)
}

/// The id of the task run that is meant.
async fn task_run(api: &Api, named: TaskRunArgs) -> Result<String, CommandError> {
    let Some(node) = named.node else {
        return Ok(named.id);
    };
    let found = api.task_runs_of_run(&named.id).await?;
    let id = found
        .into_iter()
        .find_map(|(id, key)| (key == node).then_some(id));
    id.ok_or_else(|| CommandError::Input(format!("there is no run {} with a task node {node:?}", named.id)))
}
