//! `waterclock backfill` and `waterclock backfills`.

use std::io::{self, IsTerminal, Write};

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use super::schedules::id_of;
use super::{CommandError, written};
use crate::args::{
    BackfillArgs, BackfillOrderArg, BackfillRunsArg, BackfillsArgs, BackfillsCommand, CancelBackfillArgs,
    ReprocessArg,
};
use crate::client::{
    Api, BackfillRuns, BackfillState, BackfillTail, FollowedBackfill, ForeseenStep, ListedBackfill,
    ListedBackfillState, Subscription, backfill_schedule, preview_backfill,
};
use crate::exit::Exit;
use crate::output::{note, out};

/// Has a schedule's past run, or tells what would. The backfill's id goes alone to standard output, so that a script can take it.
pub(crate) async fn backfill(args: BackfillArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let id = id_of(&api, args.schedule.clone()).await?;
    if args.plan {
        return plan(&api, id, &args).await;
    }
    let wait = args.wait;
    let made = api.backfill_schedule(wanted(id, args)).await?;
    let made = made.map_err(|errors| CommandError::refused(&errors))?;
    if wait {
        note!("backfill {made}");
        return watch(&api, made).await;
    }
    out!("{made}");
    Ok(Exit::Success)
}

/// Lists backfills, the latest first; or follows or cancels one.
pub(crate) async fn backfills(args: BackfillsArgs) -> Result<Exit, CommandError> {
    match args.command {
        None => {
            let api = Api::new(&args.client)?;
            written(print_backfills(&api.list_backfills(args.limit).await?))
        }
        Some(BackfillsCommand::Watch(args)) => watch(&Api::new(&args.client)?, args.backfill).await,
        Some(BackfillsCommand::Cancel(args)) => cancel(args).await,
    }
}

/// Which occurrences are meant, in which order, and which of them again, in the types of the operation `$operation`.
macro_rules! meant {
    ($operation:ident, $args:expr) => {{
        use $operation::{BackfillOrder, BackfillRangeInput, BackfillReprocess, BackfillScopeInput};

        let scope = match ($args.from, $args.until) {
            (Some(from), Some(until)) => BackfillScopeInput::Range(BackfillRangeInput { from, until }),
            _ => BackfillScopeInput::Instants($args.instants.clone()),
        };
        let order = match $args.order {
            BackfillOrderArg::OldestFirst => BackfillOrder::OldestFirst,
            BackfillOrderArg::NewestFirst => BackfillOrder::NewestFirst,
        };
        let reprocess = match $args.reprocess {
            ReprocessArg::None => BackfillReprocess::None,
            ReprocessArg::Failed => BackfillReprocess::Failed,
            ReprocessArg::Completed => BackfillReprocess::Completed,
        };
        (scope, order, reprocess)
    }};
}

fn wanted(id: String, args: BackfillArgs) -> backfill_schedule::BackfillScheduleInput {
    let (scope, order, reprocess) = meant!(backfill_schedule, args);
    backfill_schedule::BackfillScheduleInput {
        id,
        scope,
        order,
        reprocess,
        most_running: args.parallel.into(),
        inputs: (!args.inputs.is_empty()).then(|| Value::Object(Map::from_iter(args.inputs))),
        reason: args.reason,
        idempotency_key: args.idempotency_key,
    }
}

/// Tells what a backfill would do.
async fn plan(api: &Api, id: String, args: &BackfillArgs) -> Result<Exit, CommandError> {
    let (scope, order, reprocess) = meant!(preview_backfill, args);
    let input = preview_backfill::PreviewBackfillInput {
        id,
        scope,
        order,
        reprocess,
    };
    let foreseen = api.preview_backfill(input).await?;
    let foreseen = foreseen.map_err(|errors| CommandError::refused(&errors))?;
    written(print_plan(&foreseen))
}

fn print_plan(foreseen: &[ForeseenStep]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for step in foreseen {
        let instant = step.instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        writeln!(out, "{instant}  {}", step.reason.as_deref().unwrap_or("runs"))?;
    }
    let running = foreseen.iter().filter(|step| step.runs).count();
    writeln!(out, "{running} of {} would run", foreseen.len())?;
    out.flush()
}

/// Shows how far a backfill is until it ends.
async fn watch(api: &Api, backfill: String) -> Result<Exit, CommandError> {
    let tail = BackfillTail {
        backfill: backfill.clone(),
    };
    let mut subscription = Subscription::open(api.clone(), tail).await?;
    let is_live = io::stderr().is_terminal();
    let mut last = None;
    while let Some(event) = subscription.next().await? {
        if is_live {
            eprint!("\r{}\x1b[K", progress(&event.backfill));
            io::stderr().flush()?;
        }
        last = Some(event.backfill);
    }
    let Some(last) = last else {
        return Err(CommandError::Input(format!("there is no backfill {backfill}")));
    };
    if is_live {
        note!("");
    }
    out!("{}", progress(&last));
    Ok(match last.state {
        BackfillState::Succeeded => Exit::Success,
        BackfillState::Cancelled => Exit::Cancelled,
        _ => {
            note!("{}", last.state_reason.unwrap_or_default());
            Exit::Failure
        }
    })
}

fn progress(backfill: &FollowedBackfill) -> String {
    let state = match &backfill.state {
        BackfillState::Queued => "QUEUED",
        BackfillState::Running => "RUNNING",
        BackfillState::Succeeded => "SUCCEEDED",
        BackfillState::Failed => "FAILED",
        BackfillState::Cancelled => "CANCELLED",
        BackfillState::Other(word) => word,
    };
    let steps = &backfill.progress;
    format!(
        "{state}: {} of {}, {} succeeded, {} failed, {} could not start, {} cancelled, {} passed over",
        steps.total - steps.pending - steps.running,
        steps.total,
        steps.succeeded,
        steps.failed,
        steps.rejected,
        steps.cancelled,
        steps.passed_over
    )
}

async fn cancel(args: CancelBackfillArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.one.client)?;
    let runs = match args.runs {
        BackfillRunsArg::Keep => BackfillRuns::Keep,
        BackfillRunsArg::Cancel => BackfillRuns::Cancel,
        BackfillRunsArg::Terminate => BackfillRuns::Terminate,
    };
    let told = api.cancel_backfill(args.one.backfill, runs).await?;
    told.map_err(|errors| CommandError::refused(&errors))?;
    Ok(Exit::Success)
}

fn print_backfills(backfills: &[ListedBackfill]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let key = |backfill: &ListedBackfill| {
        let schedule = backfill.schedule.as_ref();
        schedule.map_or_else(|| "-".to_owned(), |schedule| schedule.key.clone())
    };
    let id_width = backfills.first().map_or(2, |backfill| backfill.id.len());
    let widest = backfills.iter().map(|backfill| key(backfill).len()).max();
    let widest = widest.unwrap_or(0).max("SCHEDULE".len());
    writeln!(
        out,
        "{:<id_width$}  {:<9}  {:<widest$}  {:<20}  {:>11}  BY",
        "ID", "STATE", "SCHEDULE", "CREATED", "DONE"
    )?;
    for backfill in backfills {
        let steps = &backfill.progress;
        let runs = steps.total - steps.passed_over;
        writeln!(
            out,
            "{:<id_width$}  {:<9}  {:<widest$}  {:<20}  {:>11}  {}",
            backfill.id,
            state_word(&backfill.state),
            key(backfill),
            backfill.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            format!("{}/{runs}", runs - steps.pending - steps.running),
            backfill.created_by
        )?;
    }
    out.flush()
}

fn state_word(state: &ListedBackfillState) -> &str {
    match state {
        ListedBackfillState::Queued => "QUEUED",
        ListedBackfillState::Running => "RUNNING",
        ListedBackfillState::Succeeded => "SUCCEEDED",
        ListedBackfillState::Failed => "FAILED",
        ListedBackfillState::Cancelled => "CANCELLED",
        ListedBackfillState::Other(word) => word,
    }
}
