//! The owner's runs that others may have a say in.

use serde_json::json;
use waterclock_tests::api::Client;

use super::{Estate, SECRET_WORD, key};
use crate::graphql::start;

impl Estate {
    /// Starts a run that asks something.
    pub(super) async fn found_question(&mut self, owner: &Client) {
        let workflow = json!({
            "key": key("asking"), "publish": true,
            "nodes": [{ "key": key("asks"), "approval": { "question": SECRET_WORD } }],
        });
        owner.mutate("createWorkflow", workflow, "").await;
        let run = start(owner, &key("asking")).await;
        for mutation in ["pauseRun", "resumeRun"] {
            let run = start(owner, &key("asking")).await;
            self.keep("Run", Some(mutation), run);
        }
        let document = "query ($run: ID!) { run(id: $run) { taskRuns(first: 1) { nodes { id } } } }";
        let answer = owner.ask(document, json!({ "run": run })).await;
        let id = answer["run"]["taskRuns"]["nodes"][0]["id"].as_str();
        self.keep(
            "TaskRun",
            Some("answerApproval"),
            id.expect("a task run").to_owned(),
        );
    }
}
