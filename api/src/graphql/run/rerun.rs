//! Running runs again.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result};
use serde_json::Value;
use waterclock_core::command::rerun::{self, Rerun, rerun};
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::run::{Extent, Selection};
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, Versions};

use super::object::Run;
use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::Json;

/// What else runs again besides the task nodes that are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Extent")]
pub(crate) enum RerunExtent {
    /// Nothing.
    Only,
    /// All that is before them.
    Upstream,
    /// All that is after them.
    Downstream,
}

/// The version by which a run is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rerun::RerunVersion")]
pub(crate) enum RerunVersion {
    /// That of the run.
    Same,
    /// The published one. Its task nodes are matched with those of the run by their keys.
    Latest,
}

/// Task nodes that run again.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RerunNodesInput {
    /// Their keys.
    keys: Vec<String>,
    /// What else runs again.
    #[graphql(default_with = "RerunExtent::Only")]
    with: RerunExtent,
}

/// Which task nodes of a run run again. Where there is nothing to say more of, it is chosen with `true`.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum RerunFromInput {
    /// All of them.
    All(bool),
    /// Those that neither succeeded nor were skipped.
    Failed(bool),
    /// These. Those that had succeeded or were skipped keep their end, unless something before them runs again; all else is
    /// skipped.
    Nodes(RerunNodesInput),
}

impl RerunFromInput {
    /// What the core is asked for; nothing when nothing is chosen.
    pub(crate) fn selection(self) -> Option<Selection> {
        match self {
            Self::All(chosen) => chosen.then_some(Selection::All),
            Self::Failed(chosen) => chosen.then_some(Selection::Failed),
            Self::Nodes(nodes) => Some(Selection::Nodes {
                keys: nodes.keys,
                with: nodes.with.into(),
            }),
        }
    }
}

/// A run that is to be run again.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RerunInput {
    /// The run, which has ended.
    id: ID,
    /// Which of its task nodes run again.
    from: RerunFromInput,
    /// By which version.
    #[graphql(default_with = "RerunVersion::Same")]
    version: RerunVersion,
    /// What the new run is given, an object, in place of what the run was given; the same when absent.
    inputs: Option<Json>,
    /// The caller's name for this call, at most 255 bytes: made again under the same name within seven days, it answers the same
    /// run.
    idempotency_key: Option<String>,
}

impl RerunInput {
    fn request(self) -> std::result::Result<Rerun, Vec<Refusal>> {
        let mut faults = Vec::new();
        let from = self.from.selection();
        if from.is_none() {
            faults.push(Refusal::invalid(
                ["from"],
                "choose one of all, failed and nodes; the first two with true",
            ));
        }
        let inputs = match self.inputs {
            Some(Json(Value::Object(inputs))) => Some(inputs),
            None | Some(Json(Value::Null)) => None,
            Some(_) => {
                faults.push(Refusal::invalid(
                    ["inputs"],
                    "the inputs are an object: {\"name\": value}",
                ));
                None
            }
        };
        match from {
            Some(from) if faults.is_empty() => Ok(Rerun {
                run: of_kind(Kind::Run, &self.id),
                from,
                version: self.version.into(),
                inputs,
                idempotency_key: self.idempotency_key,
            }),
            _ => Err(faults),
        }
    }
}

payload! {
    /// What became of `rerun`.
    RerunPayload {
        /// The new run, if it was started, now or by an earlier call under the same idempotency key.
        run: Run
    }
}

/// Running runs again.
#[derive(Default)]
pub(crate) struct RerunMutation;

#[Object]
impl RerunMutation {
    /// Runs a run again that has ended, or parts of it. It is a run of its own; the one that has ended stays as it is. Task nodes
    /// that do not run again keep their end and their outputs, or are skipped. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn rerun(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run.")] input: RerunInput,
    ) -> Result<RerunPayload> {
        let wanted = match input.request() {
            Ok(wanted) => wanted,
            Err(faults) => return RerunPayload::of(Err(CommandError::Refused(faults)), Run::new),
        };
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let versions = context.data::<Versions>()?;
        let started = rerun(database, signals, versions, &author(context)?, &wanted).await;
        RerunPayload::of(started, |started| Run::new(started.id))
    }
}
