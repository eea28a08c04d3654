//! `waterclock schedules`, `waterclock schedule` and `waterclock preview`.

use std::io::{self, Write};

use chrono::SecondsFormat;

use super::CommandError;
use crate::args::{PreviewArgs, ScheduleArgs, ScheduleCommand, SchedulesArgs};
use crate::client::{
    Api, CronDialect, ListedSchedule, OccurrenceNote, OccurrenceOutcome, OccurrencePlacement, ScheduleState,
    ShownPreview, TriedCron, Triggered, UserError,
};
use crate::exit::Exit;

/// Lists schedules, by key.
pub(crate) async fn schedules(args: SchedulesArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let schedules = api.list_schedules(args.search).await?;
    written(print_schedules(&schedules))
}

/// Starts, pauses, resumes, stops or triggers a schedule.
pub(crate) async fn schedule(args: ScheduleArgs) -> Result<Exit, CommandError> {
    match args.command {
        ScheduleCommand::Start(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            done(api.start_schedule(id).await?)
        }
        ScheduleCommand::Pause(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            done(api.pause_schedule(id, args.reason).await?)
        }
        ScheduleCommand::Resume(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            done(api.resume_schedule(id).await?)
        }
        ScheduleCommand::Stop(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            done(api.stop_schedule(id, args.reason).await?)
        }
        ScheduleCommand::Trigger(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            let triggered = api.trigger_now(id, args.inputs.into_iter().collect()).await?;
            let triggered = triggered.map_err(|errors| CommandError::refused(&errors))?;
            written(print_triggered(&triggered))
        }
    }
}

/// Tells what a cron expression names.
pub(crate) async fn preview(args: PreviewArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let tried = TriedCron {
        expression: args.expression,
        dialect: if args.quartz {
            CronDialect::Quartz
        } else {
            CronDialect::Vixie
        },
        zone: args.zone,
        first: args.limit,
    };
    let shown = api.preview(tried).await?;
    let shown = shown.map_err(|errors| CommandError::refused(&errors))?;
    written(print_preview(&shown))
}

/// The id of the schedule that `key` names.
pub(super) async fn id_of(api: &Api, key: String) -> Result<String, CommandError> {
    let found = api.id_of_schedule(key.clone()).await?;
    found.ok_or_else(|| CommandError::Input(format!("there is no schedule {key:?}")))
}

fn done(told: Result<(), Vec<UserError>>) -> Result<Exit, CommandError> {
    told.map_err(|errors| CommandError::refused(&errors))?;
    Ok(Exit::Success)
}

/// Whoever stops reading has read enough.
pub(super) fn written(written: io::Result<()>) -> Result<Exit, CommandError> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Success),
    }
}

fn print_schedules(schedules: &[ListedSchedule]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let widest = schedules.iter().map(|schedule| schedule.key.len()).max();
    let widest = widest.unwrap_or(0).max("KEY".len());
    writeln!(out, "{:<widest$}  {:<8}  {:<20}  RULE", "KEY", "STATE", "NEXT")?;
    for schedule in schedules {
        let is_active = schedule.state == ScheduleState::Active;
        let mut planned = schedule.next_occurrences.nodes.iter().filter(|_| is_active);
        let next = planned.find(|planned| planned.placement == OccurrencePlacement::Kept);
        let next = next.map_or_else(
            || "-".to_owned(),
            |next| next.due.to_rfc3339_opts(SecondsFormat::Secs, true),
        );
        writeln!(
            out,
            "{:<widest$}  {:<8}  {next:<20}  {}",
            schedule.key,
            state(&schedule.state),
            schedule.words.as_deref().unwrap_or("-"),
        )?;
    }
    out.flush()
}

fn state(state: &ScheduleState) -> &str {
    match state {
        ScheduleState::Stopped => "STOPPED",
        ScheduleState::Active => "ACTIVE",
        ScheduleState::Paused => "PAUSED",
        ScheduleState::Finished => "FINISHED",
        ScheduleState::Other(word) => word,
    }
}

/// The run's id when there is one, as `waterclock run` prints it, and else why there is none.
fn print_triggered(triggered: &Triggered) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match (&triggered.run, &triggered.outcome) {
        (Some(run), _) => writeln!(out, "{}", run.id)?,
        (None, OccurrenceOutcome::Waiting) => writeln!(out, "it waits for its turn")?,
        (None, _) => writeln!(
            out,
            "{}",
            triggered.reason.as_deref().unwrap_or("it did not start")
        )?,
    }
    out.flush()
}

fn print_preview(shown: &ShownPreview) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if let Some(words) = &shown.words {
        writeln!(out, "{words}")?;
    }
    for planned in shown.next_occurrences.iter().flat_map(|page| &page.nodes) {
        let due = planned.due.to_rfc3339_opts(SecondsFormat::Secs, true);
        let notes: Vec<&str> = planned.notes.iter().map(note).collect();
        writeln!(out, "{}", format!("{due}  {}", notes.join(" ")).trim_end())?;
    }
    out.flush()
}

fn note(note: &OccurrenceNote) -> &str {
    match note {
        OccurrenceNote::DstShifted => "DST_SHIFTED",
        OccurrenceNote::CalendarExcluded => "CALENDAR_EXCLUDED",
        OccurrenceNote::Moved => "MOVED",
        OccurrenceNote::Jittered => "JITTERED",
        OccurrenceNote::Other(word) => word,
    }
}
