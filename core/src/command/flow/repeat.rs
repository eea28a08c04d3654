//! How a run begins that repeats parts of another.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{EndedTaskRun, Flow, Start};
use crate::id::RunId;
use crate::run::{Fate, LEFT_OUT, ParentEnd, TaskRunState};
use crate::store::{StoreError, Transaction};

/// A node of a run that repeats another.
#[derive(Clone, Debug)]
pub(crate) struct Repeated {
    pub(crate) fate: Fate,
    /// The end that it keeps, if it keeps one.
    pub(crate) state: TaskRunState,
    pub(crate) reason: Option<String>,
    pub(crate) output: Option<Value>,
}

impl Flow<'_> {
    /// Begins the run, all of whose nodes wait, as `nodes` says by place: what does not run ends first, then the rules decide of
    /// what is left.
    pub(crate) async fn repeat(
        &mut self,
        transaction: &mut Transaction,
        run_id: RunId,
        nodes: Vec<Repeated>,
    ) -> Result<(), StoreError> {
        self.read_front(transaction, &BTreeSet::from([run_id])).await?;
        for (node, repeated) in (0_i32..).zip(nodes) {
            let waiting = self.front.get(run_id, node);
            let task_run_id = waiting.expect("all nodes of a new run wait").task_run_id;
            let (state, reason) = match repeated.fate {
                Fate::Runs => continue,
                Fate::RunsAtOnce => {
                    self.front.take(run_id, node);
                    self.begin(Start::node(run_id, node, task_run_id));
                    continue;
                }
                Fate::Kept => (repeated.state, repeated.reason.as_deref()),
                Fate::LeftOut => (TaskRunState::Skipped, Some(LEFT_OUT)),
            };
            let end = EndedTaskRun {
                run_id,
                node,
                task_run_id,
                is_share: false,
                state,
                reason,
            };
            self.end(end, repeated.output.filter(|_| repeated.fate == Fate::Kept));
            if repeated.fate == Fate::LeftOut
                && let Some(last) = self.ends.back_mut()
            {
                last.end = ParentEnd::Succeeded;
            }
        }
        self.cascade();
        Ok(())
    }
}
