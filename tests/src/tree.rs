//! Runs as trees of task nodes and states, for snapshots.
//!
//! A graph is no tree: a node stands below the deepest of the nodes that it waits for, and names the others.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use waterclock_core::id::RunId;
use waterclock_core::workflow::Definition;

use crate::world::World;

/// One share of a node, or several that say the same.
struct Share {
    node: usize,
    places: String,
    state: String,
    reason: Option<String>,
}

/// A node of a run as it is printed.
struct Node {
    state: String,
    reason: Option<String>,
    attempts: Vec<String>,
}

impl World {
    /// The run and its task runs with their attempts, without anything that differs from one time to the next.
    pub async fn tree(&self, run: RunId) -> String {
        let row = self
            .sql
            .query_one(
                "SELECT r.state, r.state_reason, v.definition::text
                FROM runs AS r JOIN workflow_versions AS v ON v.tenant_id = r.tenant_id AND v.id = r.version_id
                WHERE r.id = $1::text::uuid",
                &[&run.to_string()],
            )
            .await
            .expect("the run");
        let definition: String = row.get(2);
        let definition: Definition = serde_json::from_str(&definition).expect("the definition");
        let mut tree = String::new();
        line(&mut tree, 0, "run", row.get(0), row.get(1));
        let nodes = self.nodes(run).await;
        let shares = self.shares(run).await;
        let (depths, above) = places(&definition);
        let mut roots: Vec<usize> = (0..nodes.len()).filter(|&at| depths[at] == 0).collect();
        roots.reverse();
        let mut waiting = roots;
        while let Some(at) = waiting.pop() {
            let others: Vec<&str> = definition
                .edges
                .iter()
                .filter(|edge| edge.to as usize == at && Some(edge.from as usize) != above[at])
                .map(|edge| definition.nodes[edge.from as usize].key.as_str())
                .collect();
            let mut key = definition.nodes[at].key.clone();
            if !others.is_empty() {
                let _ = write!(key, " (and after {})", others.join(", "));
            }
            let node = &nodes[&at];
            let mut state = node.state.clone();
            let tells_nothing = matches!(node.attempts.as_slice(), [only] if *only == node.state);
            if !node.attempts.is_empty() && !tells_nothing {
                let _ = write!(state, " [{}]", node.attempts.join(", "));
            }
            line(&mut tree, depths[at] + 1, &key, &state, node.reason.as_deref());
            for share in &shares[..] {
                if share.node == at {
                    let key = format!("[{}]", share.places);
                    line(
                        &mut tree,
                        depths[at] + 2,
                        &key,
                        &share.state,
                        share.reason.as_deref(),
                    );
                }
            }
            waiting.extend((0..above.len()).rev().filter(|&child| above[child] == Some(at)));
        }
        tree
    }

    /// The shares of the run's nodes; those side by side that say the same are one.
    async fn shares(&self, run: RunId) -> Vec<Share> {
        let rows = self
            .sql
            .query(
                "SELECT t.node, t.item, coalesce(d.state, t.state), t.state_reason,
                    array(SELECT a.outcome FROM attempts AS a
                        WHERE a.tenant_id = t.tenant_id AND a.task_run_id = t.id ORDER BY a.number)
                FROM task_runs AS t
                LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
                WHERE t.run_id = $1::text::uuid AND t.item IS NOT NULL
                ORDER BY t.node, t.item",
                &[&run.to_string()],
            )
            .await
            .expect("the shares");
        let mut shares: Vec<Share> = Vec::new();
        for row in rows {
            let (node, item): (i32, i32) = (row.get(0), row.get(1));
            let node = usize::try_from(node).expect("a place");
            let (mut state, reason): (String, Option<String>) = (row.get(2), row.get(3));
            let attempts: Vec<String> = row.get(4);
            if !attempts.is_empty() && attempts != [state.clone()] {
                let _ = write!(state, " [{}]", attempts.join(", "));
            }
            match shares.last_mut() {
                Some(last) if (last.node, &last.state, &last.reason) == (node, &state, &reason) => {
                    last.places = format!("{}..{item}", last.places.split("..").next().unwrap_or_default());
                }
                _ => shares.push(Share {
                    node,
                    places: item.to_string(),
                    state,
                    reason,
                }),
            }
        }
        shares
    }

    async fn nodes(&self, run: RunId) -> BTreeMap<usize, Node> {
        let rows = self
            .sql
            .query(
                "SELECT t.node, coalesce(d.state, t.state), t.state_reason,
                    array(SELECT a.outcome FROM attempts AS a
                        WHERE a.tenant_id = t.tenant_id AND a.task_run_id = t.id ORDER BY a.number)
                FROM task_runs AS t
                LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
                WHERE t.run_id = $1::text::uuid AND t.item IS NULL",
                &[&run.to_string()],
            )
            .await
            .expect("the task runs");
        let node = |row: &tokio_postgres::Row| {
            let place = usize::try_from(row.get::<_, i32>(0)).expect("a place");
            let node = Node {
                state: row.get(1),
                reason: row.get(2),
                attempts: row.get(3),
            };
            (place, node)
        };
        rows.iter().map(node).collect()
    }
}

/// How deep each node stands, and below which.
fn places(definition: &Definition) -> (Vec<usize>, Vec<Option<usize>>) {
    let mut depths = vec![0; definition.nodes.len()];
    let mut above = vec![None; definition.nodes.len()];
    // A node is at most as deep as there are nodes, so this many rounds settle every depth.
    for _ in 0..definition.nodes.len() {
        for edge in &definition.edges {
            let (from, to) = (edge.from as usize, edge.to as usize);
            if depths[to] <= depths[from] {
                depths[to] = depths[from] + 1;
                above[to] = Some(from);
            }
        }
    }
    (depths, above)
}

fn line(tree: &mut String, depth: usize, key: &str, state: &str, reason: Option<&str>) {
    let _ = write!(tree, "{:indent$}{key} {state}", "", indent = depth * 2);
    if let Some(reason) = reason {
        let _ = write!(tree, ": {reason}");
    }
    tree.push('\n');
}
