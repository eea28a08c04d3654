//! What of the owner's a mutation that steers would change: task runs that wait, and bulk jobs.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;

use super::{Estate, SECRET_WORD, key};

impl Estate {
    /// Runs of which nothing has started, for the mutations of single task runs, and bulk jobs.
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
        self.found_bulk_jobs(owner).await;
    }

    /// Jobs that nobody works off, one of them for the mutation that would end it.
    async fn found_bulk_jobs(&mut self, owner: &Client) {
        for spare in [None, Some("cancelBulkJob")] {
            let runs = json!({ "matching": { "workflow": key("main"), "states": ["TIMED_OUT"] } });
            let input = json!({ "runs": runs, "action": { "cancel": { "reason": SECRET_WORD } } });
            let made = owner.mutate("bulkRuns", input, "bulkJob { id }").await;
            let id = made["bulkJob"]["id"].as_str().expect("an id");
            self.keep("BulkJob", spare, id.to_owned());
        }
    }

    /// The input of a mutation that runs something again, or is about a task run or many runs.
    pub(super) fn steering_input(&self, mutation: &str) -> Option<Value> {
        match mutation {
            "rerun" => Some(json!({ "id": self.ids["Run"], "from": { "all": true } })),
            "retryTaskRun" | "skipTaskRun" | "markTaskRunSucceeded" => {
                Some(json!({ "id": self.spares[mutation] }))
            }
            "bulkRuns" => Some(json!({
                "runs": { "matching": { "workflow": key("main") } }, "action": { "pause": true },
            })),
            "cancelBulkJob" => Some(json!({ "id": self.spares[mutation] })),
            _ => None,
        }
    }
}
