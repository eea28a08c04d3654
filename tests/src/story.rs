//! Workflows, said in a line.

use serde_json::json;
use waterclock_core::id::{TenantId, WorkflowId, WorkflowVersionId};
use waterclock_core::retry::RetryPolicy;
use waterclock_core::workflow::graph::{Vertex, check};
use waterclock_core::workflow::{Definition, NodeSpec, Work};

use crate::world::{SUBJECT, World};

/// A node that does nothing, takes one slot and is tried once.
#[must_use]
pub fn node(key: &str) -> NodeSpec {
    NodeSpec {
        grace_ms: 0,
        ..NodeSpec::new(key, Work::NoOp)
    }
}

/// A workflow as chains of groups: in `a -> b c -> d`, `b` and `c` wait for `a`, and `d` for both; commas part chains.
#[must_use]
pub fn graph(chains: &str) -> Definition {
    let (mut keys, mut edges) = (Vec::new(), Vec::new());
    for chain in chains.split(',') {
        let groups: Vec<Vec<&str>> = chain
            .split("->")
            .map(|group| group.split_whitespace().collect())
            .collect();
        for &key in groups.iter().flatten() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for pair in groups.windows(2) {
            edges.extend(
                pair[0]
                    .iter()
                    .flat_map(|&from| pair[1].iter().map(move |&to| (from, to))),
            );
        }
    }
    let vertices: Vec<Vertex<'_>> = keys.iter().map(|key| Vertex::plain(key)).collect();
    Definition {
        edges: check(&vertices, &edges).edges,
        nodes: keys.into_iter().map(node).collect(),
        ..Definition::default()
    }
}

/// The workflow with its node `key` changed.
#[must_use]
pub fn with(mut definition: Definition, key: &str, change: impl FnOnce(&mut NodeSpec)) -> Definition {
    let node = definition.nodes.iter_mut().find(|node| node.key == key);
    change(node.expect("a node of the workflow"));
    definition
}

/// As many attempts, one after the other without a wait.
#[must_use]
pub fn attempts(max_attempts: i32) -> RetryPolicy {
    RetryPolicy {
        max_attempts,
        ..RetryPolicy::default()
    }
}

impl World {
    /// Publishes the first version of the workflow `key`.
    pub async fn publish(&self, tenant: TenantId, key: &str, definition: &Definition) -> WorkflowVersionId {
        let (workflow, version) = (WorkflowId::generate(), WorkflowVersionId::generate());
        let definition = json!(definition).to_string();
        self.execute(
            r#"WITH workflow AS (
                INSERT INTO workflows (tenant_id, id, key, draft, latest_version)
                VALUES ($1::text::uuid, $2::text::uuid, $4, '{"nodes": [], "edges": [], "priority": 5}', 1)
            )
            INSERT INTO workflow_versions (tenant_id, id, workflow_id, number, definition, priority, published_by)
            VALUES ($1::text::uuid, $3::text::uuid, $2::text::uuid, 1, $5::text::jsonb, 5, $6)"#,
            &[
                &tenant.to_string(),
                &workflow.to_string(),
                &version.to_string(),
                &key,
                &definition,
                &SUBJECT,
            ],
        )
        .await;
        self.execute(
            "UPDATE workflows SET published_version_id = $2::text::uuid WHERE id = $1::text::uuid",
            &[&workflow.to_string(), &version.to_string()],
        )
        .await;
        version
    }

    /// A tenant with one published workflow, both named `key`.
    pub async fn tenant_with(&self, key: &str, definition: &Definition) -> TenantId {
        let tenant = self.tenant(key).await;
        self.publish(tenant, key, definition).await;
        tenant
    }
}
