//! `waterclock triggers` and `waterclock trigger`.

use std::io::{self, Write};

use chrono::SecondsFormat;

use super::{CommandError, done, written};
use crate::args::{TriggerArgs, TriggerCommand, TriggersArgs};
use crate::client::{
    Api, EndState, FiringOutcome, ListedFiring, ListedSource, ListedTrigger, TriggerState, WebhookScheme,
};
use crate::exit::Exit;

/// Lists triggers, by key.
pub(crate) async fn triggers(args: TriggersArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let triggers = api.list_triggers(args.search).await?;
    written(print_triggers(&triggers))
}

/// Pauses or resumes a trigger, lists its firings, or gives its webhook another secret.
pub(crate) async fn trigger(args: TriggerArgs) -> Result<Exit, CommandError> {
    match args.command {
        TriggerCommand::Pause(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            done(api.pause_trigger(id, args.reason).await?)
        }
        TriggerCommand::Resume(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            done(api.resume_trigger(id).await?)
        }
        TriggerCommand::Firings(args) => {
            let api = Api::new(&args.client)?;
            let firings = api.firings_of_trigger(args.key.clone(), args.limit).await?;
            let firings = firings.ok_or_else(|| no_such(&args.key))?;
            written(print_firings(&firings))
        }
        TriggerCommand::RotateSecret(args) => {
            let api = Api::new(&args.client)?;
            let id = id_of(&api, args.key).await?;
            let overlap = format!(
                "PT{}.{:03}S",
                args.overlap.as_secs(),
                args.overlap.subsec_millis()
            );
            let secret = api.rotate_webhook_secret(id, args.secret, overlap).await?;
            let secret = secret.map_err(|errors| CommandError::refused(&errors))?;
            written(writeln!(io::stdout(), "{secret}"))
        }
    }
}

async fn id_of(api: &Api, key: String) -> Result<String, CommandError> {
    let found = api.id_of_trigger(key.clone()).await?;
    found.ok_or_else(|| no_such(&key))
}

fn no_such(key: &str) -> CommandError {
    CommandError::Input(format!("there is no trigger {key:?}"))
}

fn print_triggers(triggers: &[ListedTrigger]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let key_of = |trigger: &ListedTrigger| {
        trigger
            .workflow
            .as_ref()
            .map_or("-".to_owned(), |w| w.key.clone())
    };
    let widest =
        |lengths: &mut dyn Iterator<Item = usize>, title: &str| lengths.max().unwrap_or(0).max(title.len());
    let keys = widest(&mut triggers.iter().map(|trigger| trigger.key.len()), "KEY");
    let starts = widest(
        &mut triggers.iter().map(|trigger| key_of(trigger).len()),
        "STARTS",
    );
    writeln!(out, "{:<keys$}  {:<6}  {:<starts$}  ON", "KEY", "STATE", "STARTS")?;
    for trigger in triggers {
        writeln!(
            out,
            "{:<keys$}  {:<6}  {:<starts$}  {}",
            trigger.key,
            state(&trigger.state),
            key_of(trigger),
            source(&trigger.on),
        )?;
    }
    out.flush()
}

fn state(state: &TriggerState) -> &str {
    match state {
        TriggerState::Active => "ACTIVE",
        TriggerState::Paused => "PAUSED",
        TriggerState::Other(word) => word,
    }
}

/// What a trigger waits for, in a few words.
fn source(on: &ListedSource) -> String {
    if let Some(ended) = &on.run_ended {
        let workflow = ended.workflow.as_ref().map_or("-", |workflow| &workflow.key);
        let states: Vec<&str> = ended.states.iter().map(end_state).collect();
        return format!("run of {workflow} ended {}", states.join(" "));
    }
    if let Some(event) = &on.event {
        let about = event.key.as_ref().map(|key| format!(" about {key}"));
        return format!("event {}{}", event.name, about.unwrap_or_default());
    }
    match &on.webhook {
        Some(webhook) => format!("webhook {} {}", scheme(&webhook.scheme), webhook.path),
        None => "-".to_owned(),
    }
}

fn end_state(state: &EndState) -> &str {
    match state {
        EndState::Succeeded => "SUCCEEDED",
        EndState::Failed => "FAILED",
        EndState::Cancelled => "CANCELLED",
        EndState::TimedOut => "TIMED_OUT",
        EndState::Queued | EndState::Running | EndState::Paused => "-",
        EndState::Other(word) => word,
    }
}

fn scheme(scheme: &WebhookScheme) -> &str {
    match scheme {
        WebhookScheme::Standard => "STANDARD",
        WebhookScheme::Github => "GITHUB",
        WebhookScheme::Stripe => "STRIPE",
        WebhookScheme::Slack => "SLACK",
        WebhookScheme::Other(word) => word,
    }
}

fn print_firings(firings: &[ListedFiring]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for firing in firings {
        let told = match (&firing.run, &firing.reason) {
            (Some(run), _) => run.id.as_str(),
            (None, Some(reason)) => reason,
            (None, None) => "-",
        };
        let at = firing.caused_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        writeln!(out, "{at}  {:<14}  {told}", outcome(&firing.outcome))?;
    }
    out.flush()
}

fn outcome(outcome: &FiringOutcome) -> &str {
    match outcome {
        FiringOutcome::Pending => "PENDING",
        FiringOutcome::Fired => "FIRED",
        FiringOutcome::Filtered => "FILTERED",
        FiringOutcome::Paused => "PAUSED",
        FiringOutcome::Rejected => "REJECTED",
        FiringOutcome::RejectedQuota => "REJECTED_QUOTA",
        FiringOutcome::Other(word) => word,
    }
}
