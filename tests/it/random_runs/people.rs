//! What people do to runs and to their task runs, and whether they are answered as they should be.

use serde_json::Map;
use waterclock_core::command::answer_approval::{ApprovalAnswer, answer_approval};
use waterclock_core::command::cancel_run::{Force, cancel_run};
use waterclock_core::command::pause_run::{pause_run, resume_run};
use waterclock_core::command::steer_task_run::{Steer, steer_task_run};
use waterclock_core::error::CommandError;
use waterclock_core::id::{RunId, TaskRunId};
use waterclock_core::workflow::Answer;

use super::play::Play;

impl Play<'_> {
    /// Somebody steers a task run of a run that goes on.
    pub(super) async fn steer(&mut self) -> String {
        let open: Vec<String> = self
            .ledger
            .task_runs
            .iter()
            .filter(|(_, task_run)| !self.ledger.runs[&task_run.run].has_ended())
            .map(|(id, _)| id.clone())
            .collect();
        if open.is_empty() {
            return "nothing is there to steer".to_owned();
        }
        let id = self.chance.pick(&open).clone();
        let task_run = self.ledger.task_runs[&id].clone();
        let key = self.ledger.spec(&task_run).key.clone();
        let task_run_id: TaskRunId = id.parse().expect("an id");
        let stops = self.ledger.runs[&task_run.run].stop_as.is_some();
        let (state, hold) = (task_run.state.as_str(), task_run.hold.as_deref());
        let rests = matches!(
            (state, hold),
            ("READY" | "RETRY_WAIT", _) | (_, Some("APPROVAL" | "WAIT"))
        ) || state == "BLOCKED" && !task_run.is_share;
        let (what, done, may) = match self.chance.below(4) {
            0 => {
                let done = self.steer_as(task_run_id, Steer::Retry).await;
                ("retried", done, state == "RETRY_WAIT")
            }
            1 => {
                let done = self.steer_as(task_run_id, Steer::Skip { reason: None }).await;
                ("skipped", done, rests)
            }
            2 => {
                let mark = Steer::MarkSucceeded {
                    outputs: Map::new(),
                    reason: None,
                };
                ("marked", self.steer_as(task_run_id, mark).await, rests)
            }
            _ => {
                let done = self.answer(task_run_id).await;
                ("answered", done, hold == Some("APPROVAL"))
            }
        };
        let said = format!("{key} ({id}), which is {state} {hold:?}, is {what}: {done:?}");
        if done.is_ok() != (may && !stops) {
            self.fail(&format!("{said}, and it may: {may}")).await;
        }
        if done.is_ok() && what != "retried" {
            self.ledger.steered.insert(id);
        }
        said
    }

    async fn steer_as(&self, task_run: TaskRunId, steer: Steer) -> Result<(), String> {
        let (world, author) = (self.world, &self.author);
        let done = steer_task_run(
            &world.api,
            &world.signals,
            &self.versions,
            author,
            task_run,
            &steer,
        );
        refusal(done.await)
    }

    async fn answer(&mut self, task_run: TaskRunId) -> Result<(), String> {
        let answer = ApprovalAnswer {
            answer: *self.chance.pick(&[Answer::Approve, Answer::Reject]),
            form: None,
            comment: None,
        };
        let (world, author) = (self.world, &self.author);
        let answered = answer_approval(
            &world.api,
            &world.signals,
            &self.versions,
            author,
            task_run,
            &answer,
            |_| true,
        );
        refusal(answered.await.map(drop))
    }

    /// Somebody controls a run, which may have ended.
    pub(super) async fn control(&mut self) -> String {
        let runs: Vec<String> = self.ledger.runs.keys().cloned().collect();
        let id = self.chance.pick(&runs).clone();
        let run = self.ledger.runs[&id].clone();
        let run_id: RunId = id.parse().expect("an id");
        let goes_on = !run.has_ended() && run.stop_as.is_none();
        let stoppable = !run.has_ended() || run.stop_as.as_deref() == Some("CANCELLED");
        let (what, done, may) = match self.chance.below(10) {
            0..4 => ("paused", self.pause(run_id).await, goes_on),
            4..8 => ("resumed", self.resume(run_id).await, goes_on),
            8 => {
                let done = self.stop(run_id, Force::Cancel).await;
                ("cancelled", done, stoppable)
            }
            _ => {
                let done = self.stop(run_id, Force::Terminate).await;
                ("terminated", done, stoppable)
            }
        };
        let said = format!("run {id}, which is {}, is {what}: {done:?}", run.state);
        if done.is_ok() != may {
            self.fail(&format!("{said}, and it may: {may}")).await;
        }
        if done.is_ok() && matches!(what, "cancelled" | "terminated") {
            self.ledger.stopped.insert(id);
        }
        said
    }

    async fn pause(&self, run: RunId) -> Result<(), String> {
        let (world, author) = (self.world, &self.author);
        refusal(pause_run(&world.api, &world.signals, author, run).await)
    }

    pub(super) async fn resume(&self, run: RunId) -> Result<(), String> {
        let (world, author) = (self.world, &self.author);
        refusal(resume_run(&world.api, &world.signals, &self.versions, author, run).await)
    }

    async fn stop(&self, run: RunId, force: Force) -> Result<(), String> {
        let (world, author) = (self.world, &self.author);
        refusal(cancel_run(&world.api, &world.signals, author, run, force, None).await)
    }
}

fn refusal(done: Result<(), CommandError>) -> Result<(), String> {
    match done {
        Ok(()) => Ok(()),
        Err(CommandError::Refused(refusals)) => Err(refusals[0].message.clone()),
        Err(error) => panic!("{error:?}"),
    }
}
