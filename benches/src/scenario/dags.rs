//! Real graphs with their real runtimes, scaled down.
//!
//! No scheduler can end a graph before its critical path, nor before its work has gone through the slots. The larger of the
//! two is the floor, and a scale is chosen for each graph so that the floor is about the same.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::json;

use super::chain::finished;
use crate::profile::Profile;
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

const SLOTS: u32 = 64;
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, Deserialize)]
struct Graph {
    name: String,
    tasks: Vec<Task>,
}

#[derive(Debug, Deserialize)]
struct Task {
    id: String,
    runtime_s: f64,
    parents: Vec<String>,
}

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let Ok(files) = graph_files(&session.dags) else {
        eprintln!(
            "dags: skipped, since there is no folder {}; name one with --dags",
            session.dags.display()
        );
        return Ok(Vec::new());
    };
    let stack = Stack::start_with(session, &["--slots", &SLOTS.to_string()]).await?;
    let mut rows = Vec::new();
    for file in files {
        rows.push(measure_graph(session, &stack, &file).await?);
    }
    Ok(rows)
}

async fn measure_graph(session: &Session, stack: &Stack, file: &Path) -> anyhow::Result<Row> {
    let graph = Graph::read(file)?;
    let scale = session.amount(10.0, 3.0) / graph.bound();
    let workflow = stack.import(file, scale).await?;
    let bound = graph.bound() * scale;
    let name = format!("dags: {}, {} nodes", graph.name, graph.tasks.len());
    let mut row = Row::new(name, Unit::Seconds)
        .with_aim(Aim::AtMost(1.10 * bound))
        .above("critical path, or work ÷ slots");
    for _ in 0..session.rounds {
        let profile = Profile::begin(stack).await?;
        let run = stack.api().start_run(&workflow, json!({})).await?;
        row.add(finished(stack, &run, LOOK_AGAIN).await? / 1_000.0);
        row.remark(profile.tell(graph.tasks.len()).await?);
        row.add_floor(bound);
    }
    Ok(row)
}

/// The graphs of a folder, by name.
fn graph_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| {
        [".json", ".json.gz"]
            .iter()
            .any(|end| path.to_string_lossy().ends_with(end))
    });
    files.sort();
    Ok(files)
}

impl Graph {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let bytes = fs::read(file)?;
        let mut text = Vec::new();
        if file.extension().is_some_and(|extension| extension == "gz") {
            GzDecoder::new(&*bytes).read_to_end(&mut text)?;
        } else {
            text = bytes;
        }
        let graph: Self =
            serde_json::from_slice(&text).with_context(|| format!("{} is no graph", file.display()))?;
        if graph.bound() <= 0.0 {
            bail!("{} has no work", file.display());
        }
        Ok(graph)
    }

    /// The least time, in seconds, that the graph takes at its real runtimes.
    fn bound(&self) -> f64 {
        let work: f64 = self.tasks.iter().map(|task| task.runtime_s).sum();
        self.critical_path().max(work / f64::from(SLOTS))
    }

    /// The longest way through the graph, whose tasks stand after their parents.
    fn critical_path(&self) -> f64 {
        let mut ends: HashMap<&str, f64> = HashMap::new();
        for task in &self.tasks {
            let begin = task
                .parents
                .iter()
                .filter_map(|parent| ends.get(parent.as_str()))
                .copied()
                .fold(0.0, f64::max);
            ends.insert(&task.id, begin + task.runtime_s);
        }
        ends.into_values().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, runtime_s: f64, parents: &[&str]) -> Task {
        let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
        Task {
            id: id.to_owned(),
            runtime_s,
            parents,
        }
    }

    #[test]
    fn the_bound_is_the_critical_path_or_the_work_through_the_slots() {
        let diamond = [
            task("a", 1.0, &[]),
            task("b", 2.0, &["a"]),
            task("c", 5.0, &["a"]),
            task("d", 1.0, &["b", "c"]),
        ];
        let graph = Graph {
            name: "diamond".to_owned(),
            tasks: diamond.into(),
        };
        assert!((graph.bound() - 7.0).abs() < f64::EPSILON);
        let wide = (0..128).map(|place| task(&place.to_string(), 3.0, &[])).collect();
        let graph = Graph {
            name: "wide".to_owned(),
            tasks: wide,
        };
        assert!((graph.bound() - 6.0).abs() < f64::EPSILON);
    }
}
