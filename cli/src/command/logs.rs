//! `waterclock logs`: what programs printed, where they would have printed it: output to standard output, the rest to
//! standard error.

use std::collections::HashMap;
use std::io::{self, Write};

use futures_util::future::try_join_all;

use super::CommandError;
use crate::args::LogsArgs;
use crate::client::{
    Api, ClientError, EventKind, LogStream, LogTail, Logged, PrintedLine, RunTail, Subscription,
};
use crate::exit::Exit;

/// Prints the log of a task run, or of every task run of a run.
pub(crate) async fn logs(args: LogsArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    match (api.logged(args.id.clone()).await?, args.follow) {
        (Logged::Nothing, _) => {
            return Err(CommandError::Input(format!(
                "{} names neither a run nor a task run of this tenant",
                args.id
            )));
        }
        (Logged::TaskRun, false) => api.log_of_task_run(&args.id, |line| print(None, &line)).await?,
        (Logged::TaskRun, true) => follow(&api, &args.id, None).await?,
        (Logged::Run, false) => {
            for (id, key) in api.task_runs_of_run(&args.id).await? {
                api.log_of_task_run(&id, |line| print(Some(&key), &line)).await?;
            }
        }
        (Logged::Run, true) => follow_run(&api, &args.id).await?,
    }
    Ok(Exit::Success)
}

/// Follows the log of each task run from its first start on, until the run and all of them have ended.
async fn follow_run(api: &Api, run: &str) -> Result<(), ClientError> {
    let tail = RunTail { run: run.to_owned() };
    let mut events = Subscription::open(api.clone(), tail).await?;
    let mut keys: HashMap<String, String> = api.task_runs_of_run(run).await?.into_iter().collect();
    let mut following = Vec::new();
    while let Some(event) = events.next().await? {
        let event = event.run_events;
        if event.kind != EventKind::TaskRunStarted {
            continue;
        }
        // Removed, so that a second attempt is not followed twice: the log is the task run's, with all its attempts.
        let started = event
            .task_run
            .and_then(|task_run| keys.remove_entry(&task_run.id));
        if let Some((id, key)) = started {
            let api = api.clone();
            following.push(tokio::spawn(async move { follow(&api, &id, Some(&key)).await }));
        }
    }
    let ended = try_join_all(following)
        .await
        .map_err(|error| ClientError::Closed(error.to_string()))?;
    ended.into_iter().collect()
}

async fn follow(api: &Api, task_run: &str, key: Option<&str>) -> Result<(), ClientError> {
    let tail = LogTail {
        task_run: task_run.to_owned(),
    };
    let mut lines = Subscription::open(api.clone(), tail).await?;
    while let Some(line) = lines.next().await? {
        let line = line.task_run_log;
        let line = PrintedLine {
            is_output: line.stream == LogStream::Stdout,
            text: line.text,
        };
        print(key, &line);
    }
    Ok(())
}

fn print(key: Option<&str>, line: &PrintedLine) {
    let text = match key {
        Some(key) => format!("{key} | {}\n", line.text),
        None => format!("{}\n", line.text),
    };
    // Whoever closed the pipe has seen enough.
    let _ = if line.is_output {
        io::stdout().lock().write_all(text.as_bytes())
    } else {
        io::stderr().lock().write_all(text.as_bytes())
    };
}
