//! `waterclock schedules`, `waterclock schedule` and `waterclock preview`.

use std::io::{self, Write};

use chrono::SecondsFormat;

use super::{CommandError, done, written};
use crate::args::{Outcome, PreviewArgs, ScheduleArgs, ScheduleCommand, SchedulesArgs};
use crate::client::{
    Api, CronDialect, ListedOccurrence, ListedOutcome, ListedSchedule, OccurrenceNote, OccurrenceOutcome,
    OccurrencePlacement, ScheduleState, ShownPreview, TriedCron, Triggered,
};
use crate::exit::Exit;
use crate::output::note;

/// Lists schedules, by key.
pub(crate) async fn schedules(args: SchedulesArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let schedules = api.list_schedules(args.search).await?;
    written(print_schedules(&schedules))
}

/// Starts, pauses, resumes, stops or triggers a schedule, or lists its occurrences.
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
            let inputs = args.inputs.into_iter().collect();
            let triggered = api.trigger_now(id, inputs, args.idempotency_key).await?;
            told(&triggered.map_err(|errors| CommandError::refused(&errors))?)
        }
        ScheduleCommand::Occurrences(args) => {
            let api = Api::new(&args.client)?;
            let outcomes = args.outcomes.into_iter().map(listed).collect();
            let found = api.occurrences_of_schedule(args.key.clone(), outcomes, args.limit);
            let occurrences = found.await?.ok_or_else(|| no_such(&args.key))?;
            written(print_occurrences(&occurrences))
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
    found.ok_or_else(|| no_such(&key))
}

fn no_such(key: &str) -> CommandError {
    CommandError::Input(format!("there is no schedule {key:?}"))
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

/// Says the run's id when there is one, as `waterclock run` does, and else why there is none: that is a failure, but when it waits for its turn.
fn told(triggered: &Triggered) -> Result<Exit, CommandError> {
    let reason = triggered.reason.as_deref();
    match (&triggered.run, &triggered.outcome) {
        (Some(run), _) => written(writeln!(io::stdout(), "{}", run.id)),
        (None, OccurrenceOutcome::Waiting) => written(writeln!(
            io::stdout(),
            "it waits for its turn: {}",
            reason.unwrap_or("others run")
        )),
        (None, _) => {
            note!("{}", reason.unwrap_or("it did not start"));
            Ok(Exit::Failure)
        }
    }
}

/// An occurrence a line: when it was due, what became of it, and its run or why there is none.
fn print_occurrences(occurrences: &[ListedOccurrence]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for occurrence in occurrences {
        let due = occurrence.due.to_rfc3339_opts(SecondsFormat::Secs, true);
        let run = occurrence.run.as_ref().map(|run| run.id.as_str());
        let told = run.or(occurrence.reason.as_deref()).unwrap_or("-");
        writeln!(out, "{due}  {:<16}  {told}", outcome(&occurrence.outcome))?;
    }
    out.flush()
}

fn outcome(outcome: &ListedOutcome) -> &str {
    match outcome {
        ListedOutcome::Waiting => "WAITING",
        ListedOutcome::Fired => "FIRED",
        ListedOutcome::SkippedOverlap => "SKIPPED_OVERLAP",
        ListedOutcome::Coalesced => "COALESCED",
        ListedOutcome::SkippedCalendar => "SKIPPED_CALENDAR",
        ListedOutcome::Missed => "MISSED",
        ListedOutcome::Expired => "EXPIRED",
        ListedOutcome::Paused => "PAUSED",
        ListedOutcome::Backfilled => "BACKFILLED",
        ListedOutcome::Rejected => "REJECTED",
        ListedOutcome::RejectedQuota => "REJECTED_QUOTA",
        ListedOutcome::Other(word) => word,
    }
}

/// As the API calls it.
fn listed(outcome: Outcome) -> ListedOutcome {
    match outcome {
        Outcome::Waiting => ListedOutcome::Waiting,
        Outcome::Fired => ListedOutcome::Fired,
        Outcome::SkippedOverlap => ListedOutcome::SkippedOverlap,
        Outcome::Coalesced => ListedOutcome::Coalesced,
        Outcome::SkippedCalendar => ListedOutcome::SkippedCalendar,
        Outcome::Missed => ListedOutcome::Missed,
        Outcome::Expired => ListedOutcome::Expired,
        Outcome::Paused => ListedOutcome::Paused,
        Outcome::Backfilled => ListedOutcome::Backfilled,
        Outcome::Rejected => ListedOutcome::Rejected,
        Outcome::RejectedQuota => ListedOutcome::RejectedQuota,
    }
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
