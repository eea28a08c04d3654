//! `waterclock approvals`.

use std::io::{self, Write};

use chrono::SecondsFormat;

use super::{CommandError, written};
use crate::args::ApprovalsArgs;
use crate::client::{Api, AskedApproval};
use crate::exit::Exit;

/// Lists what task runs ask, those of the eldest runs first.
pub(crate) async fn approvals(args: ApprovalsArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let asked = api.list_approvals(args.limit).await?;
    written(print(&asked))
}

fn print(asked: &[AskedApproval]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let id_width = asked.first().map_or(3, |approval| approval.run.id.len());
    let workflow = |approval: &AskedApproval| approval.run.version.workflow_key.clone();
    let widest = |of: &dyn Fn(&AskedApproval) -> usize, title: &str| {
        asked.iter().map(of).max().unwrap_or(0).max(title.len())
    };
    let workflows = widest(&|approval| workflow(approval).len(), "WORKFLOW");
    let nodes = widest(&|approval| approval.key.len(), "NODE");
    writeln!(
        out,
        "{:<id_width$}  {:<nodes$}  {:<workflows$}  {:<20}  QUESTION",
        "RUN", "NODE", "WORKFLOW", "SINCE"
    )?;
    for approval in asked {
        let since = approval.started_at.as_ref();
        let question = approval.approval.as_ref();
        writeln!(
            out,
            "{:<id_width$}  {:<nodes$}  {:<workflows$}  {:<20}  {}",
            approval.run.id,
            approval.key,
            workflow(approval),
            since
                .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
                .unwrap_or_default(),
            question.map_or("", |asked| asked.question.as_str()),
        )?;
    }
    out.flush()
}
