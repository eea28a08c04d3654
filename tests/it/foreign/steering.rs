//! Task runs of the owner that wait, each for a mutation that would change it.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;

use super::{Estate, key};

impl Estate {
    /// Runs of which nothing has started, for the mutations of single task runs.
    pub(super) async fn found_task_runs(&mut self, world: &World, owner: &Client) {
        for mutation in ["retryTaskRun", "skipTaskRun", "markTaskRunSucceeded"] {
            let wish = json!({ "workflow": key("main") });
            let made = owner
                .mutate("startRun", wish, "run { taskRuns { nodes { id } } }")
                .await;
            let id = made["run"]["taskRuns"]["nodes"][0]["id"].as_str().expect("an id");
            self.keep("TaskRun", Some(mutation), id.to_owned());
            if mutation == "retryTaskRun" {
                let waits =
                    "UPDATE dispatch SET state = 'RETRY_WAIT', ready_at = present() + interval '1 day'
                    WHERE run_id = (SELECT id FROM runs ORDER BY id DESC LIMIT 1)";
                world.execute(waits, &[]).await;
            }
        }
    }

    /// The input of a mutation that runs something again, or is about a task run.
    pub(super) fn steering_input(&self, mutation: &str) -> Option<Value> {
        match mutation {
            "rerun" => Some(json!({ "id": self.ids["Run"], "from": { "all": true } })),
            "retryTaskRun" | "skipTaskRun" | "markTaskRunSucceeded" => {
                Some(json!({ "id": self.spares[mutation] }))
            }
            _ => None,
        }
    }
}
