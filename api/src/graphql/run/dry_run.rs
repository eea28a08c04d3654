//! What a run would do.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use serde_json::{Map, Value};
use waterclock_core::command::dry_run::{DryRun, DryRunOf, foresee_run};
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::run::Prospect;
use waterclock_core::store::{Database, Versions};

use crate::graphql::connection::weight_of_whole;
use crate::graphql::error::payload;
use crate::graphql::guard::{VIEWER, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::Json;
use crate::graphql::task_run::TaskRunState;

/// What would become of a task node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Prospect")]
pub(crate) enum DryRunProspect {
    /// It would run.
    Runs,
    /// It would be skipped.
    Skipped,
    /// It would never start, because of a failure before it.
    UpstreamFailed,
    /// It hangs on what only a run can tell.
    Undecided,
}

/// How a task node is assumed to end.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DryRunAssumptionInput {
    /// The key of the task node.
    node: String,
    /// `SUCCEEDED`, `FAILED` or `SKIPPED`.
    state: TaskRunState,
}

/// A run that is not made, of either the published version of a workflow or of one version.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DryRunInput {
    /// The key of the workflow; its published version is looked at.
    workflow: Option<String>,
    /// The version.
    version_id: Option<ID>,
    /// What the run would be given: an object.
    inputs: Option<Json>,
    /// How task nodes would end; they succeed where nothing is said.
    #[graphql(default)]
    assume: Vec<DryRunAssumptionInput>,
}

impl DryRunInput {
    fn request(self) -> std::result::Result<DryRun, CommandError> {
        let of = match (self.workflow, self.version_id) {
            (Some(key), None) => DryRunOf::Workflow(key),
            (None, Some(id)) => DryRunOf::Version(of_kind(Kind::WorkflowVersion, &id)),
            _ => {
                let message = "name either a workflow or a version";
                return Err(CommandError::refused(Refusal::invalid(["workflow"], message)));
            }
        };
        let inputs = match self.inputs {
            Some(Json(Value::Object(inputs))) => inputs,
            None | Some(Json(Value::Null)) => Map::new(),
            Some(_) => {
                let message = "the inputs are an object: {\"name\": value}";
                return Err(CommandError::refused(Refusal::invalid(["inputs"], message)));
            }
        };
        let assume = self.assume.into_iter();
        Ok(DryRun {
            of,
            inputs,
            assume: assume.map(|end| (end.node, end.state.into())).collect(),
        })
    }
}

/// A task node of a run that is not made.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DryRunNode {
    /// Its key.
    key: String,
    /// How many task nodes that may run come before it at most, one after the other. Those of a level may run at the same time.
    level: i32,
    /// What would become of it.
    prospect: DryRunProspect,
    /// Why, in a sentence, where there is something to say.
    reason: Option<String>,
}

payload! {
    /// What a run would do.
    DryRunPayload {
        /// What would become of each task node, in the order of the definition.
        nodes: Vec<DryRunNode>
    }
}

/// What runs would do.
#[derive(Default)]
pub(crate) struct DryRunQuery;

#[Object]
impl DryRunQuery {
    /// What a run would do, and why, level by level. Nothing is executed, so what hangs on outputs is undecided and says on whose.
    /// Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight_of_whole(child_complexity)")]
    async fn dry_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run that is not made.")] input: DryRunInput,
    ) -> Result<DryRunPayload> {
        let wanted: DryRun = match input.request() {
            Ok(wanted) => wanted,
            Err(refused) => return DryRunPayload::of(Err(refused), |nodes| nodes),
        };
        let (database, versions) = (context.data::<Database>()?, context.data::<Versions>()?);
        let told = foresee_run(database, versions, &author(context)?, &wanted).await;
        DryRunPayload::of(told, |(version, foreseen)| {
            let node = |foreseen: waterclock_core::run::Foreseen| DryRunNode {
                key: version.node(foreseen.node).key.clone(),
                level: foreseen.level,
                prospect: foreseen.prospect.into(),
                reason: foreseen.reason,
            };
            foreseen.into_iter().map(node).collect()
        })
    }
}
