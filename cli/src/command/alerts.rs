//! `waterclock alerts`.

use std::io::{self, Write};

use chrono::SecondsFormat;

use super::{CommandError, written};
use crate::args::AlertsArgs;
use crate::client::{Api, ListedAlert, Severity};
use crate::exit::Exit;

/// Lists alerts, the latest first.
pub(crate) async fn alerts(args: AlertsArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let alerts = api
        .list_alerts(args.rule, args.workflow, args.resolved, args.limit)
        .await?;
    written(print(&alerts))
}

fn print(alerts: &[ListedAlert]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let widest = alerts.iter().map(|alert| alert.rule_key.len()).max();
    let widest = widest.unwrap_or(0).max("RULE".len());
    writeln!(
        out,
        "{:<20}  {:<8}  {:<8}  {:<widest$}  {:>5}  MESSAGE",
        "RAISED", "SEVERITY", "STATE", "RULE", "COUNT"
    )?;
    for alert in alerts {
        writeln!(
            out,
            "{:<20}  {:<8}  {:<8}  {:<widest$}  {:>5}  {}",
            alert.raised_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            word_for(&alert.severity),
            state(alert),
            alert.rule_key,
            alert.count,
            alert.message,
        )?;
    }
    out.flush()
}

fn state(alert: &ListedAlert) -> &'static str {
    match (&alert.resolved_at, &alert.silence) {
        (Some(_), _) => "resolved",
        (None, Some(_)) => "silenced",
        (None, None) => "open",
    }
}

fn word_for(severity: &Severity) -> &str {
    match severity {
        Severity::Info => "INFO",
        Severity::Warning => "WARNING",
        Severity::Critical => "CRITICAL",
        Severity::Other(word) => word,
    }
}
