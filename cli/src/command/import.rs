//! `waterclock import dag`.

use serde_json::{Map, Value, json};

use super::CommandError;
use super::run::start;
use crate::apply::{Deed, Kind, settle};
use crate::args::ImportDagArgs;
use crate::client::{Api, NewRun};
use crate::exit::Exit;
use crate::import::{Dag, key_of};
use crate::output::note;

/// The program and the task node that imported tasks are made of.
const SLEEP: &str = "import.sleep";
/// The task node of imported tasks that take no time.
const NO_OP: &str = "import.no-op";

/// Makes a workflow of a file's tasks, and runs it when asked to.
pub(crate) async fn import_dag(args: ImportDagArgs) -> Result<Exit, CommandError> {
    let dag = Dag::read(&args.file)?;
    let workflow = key_of(&dag.name);
    let definitions = definitions(&dag, args.scale, &workflow)?;
    let api = Api::new(&args.client)?;
    for (kind, key, fields) in definitions {
        let settled = settle(&api, kind, key, &fields).await?;
        let deed = settled.map_err(|errors| CommandError::refused(&errors))?;
        if kind == Kind::Workflow {
            let word = match deed {
                Deed::Created => "created",
                Deed::Changed => "changed",
                Deed::Unchanged => "unchanged",
            };
            note!("{word} Workflow {key} with {} nodes", dag.tasks.len());
        }
    }
    if !args.run {
        return Ok(Exit::Success);
    }
    let run = NewRun {
        workflow,
        inputs: Map::new(),
        priority: None,
        idempotency_key: None,
    };
    start(&api, run, args.watch).await
}

/// What is to be there, in the order in which it depends on each other.
fn definitions<'a>(
    dag: &Dag,
    scale: f64,
    workflow: &'a str,
) -> Result<Vec<(Kind, &'a str, Value)>, CommandError> {
    let graph = graph(dag, scale, workflow)?;
    if scale == 0.0 {
        let no_op = json!({
            "key": NO_OP,
            "description": "A task of an imported graph that takes no time.",
            "work": {"noOp": true},
        });
        return Ok(vec![
            (Kind::TaskNode, NO_OP, no_op),
            (Kind::Workflow, workflow, graph),
        ]);
    }
    let program = json!({
        "key": SLEEP,
        "description": "Sleeps for as many seconds as its argument says.",
        "runtime": "EXEC",
        "command": ["sleep"],
    });
    let node = json!({
        "key": SLEEP,
        "description": "A task of an imported graph.",
        "work": {"program": {"key": SLEEP}},
    });
    Ok(vec![
        (Kind::Program, SLEEP, program),
        (Kind::TaskNode, SLEEP, node),
        (Kind::Workflow, workflow, graph),
    ])
}

fn graph(dag: &Dag, scale: f64, workflow: &str) -> Result<Value, CommandError> {
    let keys = dag.keys();
    let key_of_id: std::collections::HashMap<&str, &str> = dag
        .tasks
        .iter()
        .map(|task| task.id.as_str())
        .zip(keys.iter().map(String::as_str))
        .collect();
    let mut edges = Vec::new();
    for (task, key) in dag.tasks.iter().zip(&keys) {
        for parent in &task.parents {
            let from = key_of_id.get(parent.as_str()).ok_or_else(|| {
                CommandError::Input(format!(
                    "the task {:?} waits for {parent:?}, and no task has that id",
                    task.id
                ))
            })?;
            edges.push(json!({"from": from, "to": key}));
        }
    }
    let nodes: Vec<Value> = dag
        .tasks
        .iter()
        .zip(&keys)
        .map(|(task, key)| {
            let (task_node, arguments) = match scale {
                0.0 => (NO_OP, None),
                _ => (SLEEP, Some([seconds(task.runtime_s * scale)])),
            };
            json!({
                "key": key,
                "taskNode": {"key": task_node},
                "arguments": arguments,
                "triggerRule": "ALL_SUCCESS",
                "disabled": false,
                "broadcast": false,
            })
        })
        .collect();
    Ok(json!({
        "key": workflow,
        "description": format!("Imported: {} tasks, runtimes times {scale}.", dag.tasks.len()),
        "publish": true,
        "failureStrategy": "CONTINUE",
        "nodes": nodes,
        "edges": edges,
    }))
}

/// A number as `sleep` reads it, to the microsecond.
fn seconds(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::DagTask;

    fn dag(parents: &[&str]) -> Dag {
        let task = |id: &str, runtime_s, parents: &[&str]| DagTask {
            id: id.to_owned(),
            runtime_s,
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
        };
        Dag {
            name: "Two".to_owned(),
            tasks: vec![task("A", 1.5, &[]), task("B", 20.0, parents)],
        }
    }

    #[test]
    fn a_task_sleeps_for_its_scaled_runtime() {
        let graph = graph(&dag(&["A"]), 0.01, "two").unwrap();
        assert_eq!(graph["nodes"][0]["arguments"], json!(["0.015"]));
        assert_eq!(graph["nodes"][1]["arguments"], json!(["0.2"]));
        assert_eq!(graph["edges"], json!([{"from": "a", "to": "b"}]));
    }

    #[test]
    fn at_scale_zero_nothing_is_run() {
        let definitions = definitions(&dag(&[]), 0.0, "two").unwrap();
        assert!(definitions.iter().all(|(kind, ..)| *kind != Kind::Program));
        assert_eq!(definitions[1].2["nodes"][0]["taskNode"]["key"], NO_OP);
    }

    #[test]
    fn a_parent_that_is_no_task_is_told() {
        let error = graph(&dag(&["C"]), 1.0, "two").unwrap_err();
        assert!(error.to_string().contains("\"C\""), "{error}");
    }

    #[test]
    fn seconds_have_no_needless_digits() {
        assert_eq!(seconds(0.0), "0");
        assert_eq!(seconds(10.0), "10");
        assert_eq!(seconds(0.25), "0.25");
        assert_eq!(seconds(1e-9), "0");
    }
}
