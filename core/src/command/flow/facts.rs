//! What the expressions of a run read.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Flow, Hand};
use crate::expression::{Bindings, NodeFacts, Progress, RunFacts};
use crate::store::flow::{NodeFactsRow, RunFactsRow, list_node_facts, read_run_facts};
use crate::store::{StoreError, Transaction};
use crate::workflow::PinnedVersion;

/// The values behind the names of a run's expressions.
pub(super) struct Facts {
    version: Arc<PinnedVersion>,
    bindings: Bindings,
}

impl Facts {
    /// The value of an expression, with `item` at hand when it is evaluated for one. What is wrong is told as a sentence.
    pub(super) fn evaluate(&self, text: &str, item: Option<(&Value, i32)>) -> Result<Value, String> {
        let expression = self.version.expression(text).map_err(|error| error.to_string())?;
        let value = match item {
            Some((value, place)) => {
                let place = usize::try_from(place).unwrap_or_default();
                let bindings = self.bindings.clone().with_item(Arc::new(value.clone()), place);
                expression.evaluate(&bindings)
            }
            None => expression.evaluate(&self.bindings),
        };
        value.map_err(|error| error.to_string())
    }

    /// Whether an expression is true.
    pub(super) fn holds(&self, text: &str) -> Result<bool, String> {
        match self.evaluate(text, None)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(format!("it is {other}, which is neither true nor false")),
        }
    }
}

/// The keys of the nodes that expressions read.
fn nodes_read(version: &PinnedVersion, texts: &[&str]) -> BTreeSet<String> {
    let parsed = texts.iter().filter_map(|text| version.expression(text).ok());
    parsed
        .flat_map(|expression| expression.references().nodes.clone())
        .collect()
}

impl Flow<'_> {
    /// Reads what the expressions `texts` of the run need.
    pub(super) async fn facts(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        texts: &[&str],
    ) -> Result<Facts, StoreError> {
        let run = read_run_facts(transaction, hand.tenant_id, hand.run_id).await?;
        let mut bindings = Bindings::default()
            .with_run(run_facts(hand, &run)?)
            .with_inputs(Arc::new(run.inputs));
        bindings = match run.occurrence {
            Some(occurrence) => {
                let unreadable = |error| StoreError::Unreadable(format!("the occurrence of a run: {error}"));
                bindings.with_occurrence(serde_json::from_value(occurrence).map_err(unreadable)?)
            }
            None => bindings.with_no_occurrence(),
        };
        let keys = nodes_read(&hand.version, texts);
        let places: Vec<i32> = keys.iter().filter_map(|key| hand.version.place_of(key)).collect();
        if !places.is_empty() {
            // What was decided a moment ago must be seen.
            self.write(transaction).await?;
            for row in list_node_facts(transaction, hand.tenant_id, hand.run_id, &places).await? {
                let (key, facts) = node_facts(row);
                bindings = bindings.with_node(key, facts);
            }
        }
        Ok(Facts {
            version: Arc::clone(&hand.version),
            bindings,
        })
    }
}

fn run_facts(hand: &Hand, run: &RunFactsRow) -> Result<RunFacts, StoreError> {
    let unreadable = |unknown| StoreError::Unreadable(format!("the trigger of a run: {unknown}"));
    Ok(RunFacts {
        id: hand.run_id,
        workflow: hand.version.workflow.to_string(),
        version: hand.version.number.into(),
        trigger: run.trigger.parse().map_err(unreadable)?,
        started_by: Some(run.started_by.clone()),
        started_at: run.started_at.unwrap_or(run.created_at),
        priority: run.priority.into(),
    })
}

fn node_facts(row: NodeFactsRow) -> (String, NodeFacts) {
    let said_something = row.percent.is_some() || row.message.is_some();
    let progress = said_something.then(|| Progress {
        percent: row.percent,
        message: row.message.unwrap_or_default(),
    });
    let facts = NodeFacts {
        state: row.state,
        state_reason: row.state_reason,
        attempts: row.attempts.unwrap_or_default().into(),
        outputs: Arc::new(row.output.unwrap_or_default()),
        progress,
    };
    (row.key, facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_a_percentage_is_progress_too() {
        let row = |percent, message: Option<&str>| NodeFactsRow {
            key: "load".to_owned(),
            state: "RUNNING".to_owned(),
            state_reason: None,
            attempts: Some(1),
            output: None,
            percent,
            message: message.map(str::to_owned),
        };
        let progress = |percent, message| node_facts(row(percent, message)).1.progress;
        assert!(progress(None, None).is_none());
        let said = progress(None, Some("reading")).expect("it said something");
        assert_eq!((said.percent, said.message.as_str()), (None, "reading"));
        let said = progress(Some(5.0), None).expect("it said something");
        assert_eq!((said.percent, said.message.as_str()), (Some(5.0), ""));
    }
}
