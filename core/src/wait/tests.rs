//! Facts in, reasons out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::assign::Candidate;
use crate::executor::ExecutorState;
use crate::id::{TaskRunId, TenantId, WorkflowId, WorkflowVersionId};
use crate::run::{Hold, Parents};
use crate::workflow::{Definition, Edge, NodeSpec, PinnedVersion};

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const RUN: RunId = RunId(Uuid::from_u128(2));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// `a` and `b`, and `c` that waits for both.
fn version() -> Arc<PinnedVersion> {
    let node = |key: &str| NodeSpec::new(key, crate::workflow::Work::NoOp);
    let definition = Definition {
        nodes: ["a", "b", "c"].map(node).to_vec(),
        edges: vec![Edge { from: 0, to: 2 }, Edge { from: 1, to: 2 }],
        ..Definition::default()
    };
    let (id, workflow) = (
        WorkflowVersionId(Uuid::from_u128(3)),
        WorkflowId(Uuid::from_u128(4)),
    );
    Arc::new(PinnedVersion::new(id, workflow, "flow", 1, 5, definition))
}

fn task_run(node: i32, live: Option<LiveFacts>) -> TaskRunFacts {
    let version = version();
    TaskRunFacts {
        tenant_id: TENANT,
        id: TaskRunId(Uuid::from_u128(10 + u128::from(node.unsigned_abs()))),
        run_id: RUN,
        node,
        key: version.node(node).key.clone(),
        parent_id: None,
        parents: Parents::waiting(version.parents_of(node)),
        live,
        version,
    }
}

fn live(state: TaskRunState) -> LiveFacts {
    LiveFacts {
        state,
        hold: None,
        priority: 5,
        cost: 1,
        labels: Vec::new(),
        ready_at: at(100),
        fence: 0,
        paused: false,
        pinned_to: None,
        executor_id: None,
        assigned_at: None,
        started_at: None,
        stop_requested: false,
    }
}

fn ready(labels: &[&str], cost: u32) -> TaskRunFacts {
    let labels = labels.iter().map(ToString::to_string).collect();
    task_run(
        0,
        Some(LiveFacts {
            cost,
            labels,
            ..live(TaskRunState::Ready)
        }),
    )
}

fn executor(key: &str, slots: u32, used: u32, labels: &[&str]) -> LivingExecutor {
    let own = format!("executor={key}");
    let labels = labels.iter().map(ToString::to_string).chain([own]);
    LivingExecutor {
        candidate: Candidate {
            executor_id: ExecutorId(Uuid::from_u128(u128::from(slots) * 100)),
            tenant_id: Some(TENANT),
            labels: labels.collect(),
            slots,
            used,
        },
        key: key.to_owned(),
        state: ExecutorState::Alive,
        own_used: used,
        cpu: 0.97,
        memory: 0.4,
        lease_until: at(500),
    }
}

/// The only ones are these, and nothing goes before `task_run`.
fn among(task_run: &TaskRunFacts, executors: Vec<LivingExecutor>) -> Around {
    Around {
        executors,
        ahead: [(task_run.id, 0)].into(),
        ..Around::default()
    }
}

fn told(task_run: &TaskRunFacts, around: &Around) -> Vec<String> {
    reasons(task_run, around)
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn told_among(task_run: &TaskRunFacts, executors: Vec<LivingExecutor>) -> Vec<String> {
    told(task_run, &among(task_run, executors))
}

#[test]
fn what_an_executor_is_at_waits_for_nothing() {
    let running = task_run(0, Some(live(TaskRunState::Running)));
    assert_eq!(told(&running, &Around::default()), [""; 0]);
}

#[test]
fn a_node_waits_for_those_before_it_that_have_not_ended() {
    let mut join = task_run(2, None);
    join.parents.count(crate::run::ParentEnd::Succeeded);
    let open = OpenNode {
        task_run_id: TaskRunId(Uuid::from_u128(11)),
        key: "b".to_owned(),
        state: TaskRunState::Running,
    };
    let around = Around {
        parents: [(RUN, BTreeMap::from([(2, vec![0, 1])]))].into(),
        open_nodes: [(RUN, BTreeMap::from([(1, open)]))].into(),
        ..Around::default()
    };
    assert_eq!(
        told(&join, &around),
        ["it waits for 1 of the 2 task runs before it: b (RUNNING); its rule is all_success"]
    );
}

#[test]
fn labels_that_nobody_offers_are_named() {
    let gpu = ready(&["eu", "gpu"], 1);
    assert_eq!(
        told_among(&gpu, vec![executor("one", 4, 0, &["eu"])]),
        ["the only executor that is alive does not offer \"gpu\""]
    );
    assert_eq!(
        told_among(
            &gpu,
            vec![executor("one", 4, 0, &["eu"]), executor("two", 2, 0, &["gpu"])]
        ),
        ["none of the 2 executors that are alive offers \"eu\", \"gpu\" together"]
    );
    assert_eq!(
        told_among(&gpu, Vec::new()),
        ["no executor is alive that works for this tenant"]
    );
}

#[test]
fn each_executor_that_may_have_it_is_told_with_what_hinders_it() {
    let big = ready(&[], 3);
    let state = |key, slots, state| LivingExecutor {
        state,
        ..executor(key, slots, 0, &[])
    };
    let mut shared = executor("shared", 16, 16, &[]);
    shared.candidate.tenant_id = None;
    shared.own_used = 2;
    let executors = vec![
        executor("full", 4, 2, &[]),
        executor("small", 2, 0, &[]),
        state("busy", 8, ExecutorState::Overloaded),
        state("going", 8, ExecutorState::Draining),
        state("lost", 8, ExecutorState::Lost),
        shared,
    ];
    assert_eq!(
        told_among(&big, executors),
        [
            "none of the 5 executors that may have it takes it now: full is full (2 of 4 slots used), small is too small (2 \
             slots, and it takes 3), busy is overloaded (97 % of its processors and 40 % of its memory in use), going is \
             draining, shared is full (16 slots, 2 of them used by this tenant)"
        ]
    );
}

#[test]
fn where_there_is_room_it_is_about_to_be_assigned_or_others_go_first() {
    let plain = ready(&[], 1);
    let mut around = among(&plain, vec![executor("one", 4, 3, &[])]);
    assert_eq!(
        told(&plain, &around),
        ["it is about to be assigned: the executor \"one\" has room for it"]
    );
    around.ahead.insert(plain.id, 7);
    assert_eq!(
        told(&plain, &around),
        ["it stands behind 7 task runs of this tenant with the same required labels"]
    );
    around.ahead.clear();
    assert_eq!(
        told(&plain, &around),
        ["it stands behind 1000 task runs or more of this tenant with the same required labels"]
    );
}

#[test]
fn another_tenants_executor_is_as_if_it_were_not_there() {
    let plain = ready(&[], 1);
    let mut theirs = executor("theirs", 4, 0, &[]);
    theirs.candidate.tenant_id = Some(TenantId(Uuid::from_u128(99)));
    let found = reasons(&plain, &among(&plain, vec![theirs]));
    assert!(matches!(&found[..], [WaitReason::Labels(_)]), "{found:?}");
}

#[test]
fn a_share_that_was_dealt_to_an_executor_waits_for_it_only_while_it_is_gone() {
    let mut share = ready(&["executor=two"], 1);
    share.live.as_mut().unwrap().pinned_to = Some("two".to_owned());
    assert_eq!(
        told_among(&share, vec![executor("one", 4, 0, &[])]),
        ["the executor \"two\" that it was dealt to is gone"]
    );
    assert_eq!(
        told_among(&share, vec![executor("two", 4, 0, &[])]),
        ["it is about to be assigned: the executor \"two\" has room for it"]
    );
}

#[test]
fn a_wait_without_a_timer_and_an_event_is_over() {
    let held = |hold| {
        task_run(
            0,
            Some(LiveFacts {
                hold: Some(hold),
                started_at: Some(at(100)),
                ..live(TaskRunState::Running)
            }),
        )
    };
    let wait = held(Hold::Wait);
    assert_eq!(told(&wait, &Around::default()), [""; 0]);
    let around = Around {
        due: [(wait.id, at(160))].into(),
        ..Around::default()
    };
    assert_eq!(told(&wait, &around), ["it waits until 1970-01-01T00:02:40Z"]);
    assert_eq!(
        told(&held(Hold::Callback), &around),
        ["it waits for its endpoint to call back, until 1970-01-01T00:02:40Z at the latest"]
    );
}

fn standing() -> RunStanding {
    RunStanding {
        state: RunState::Running,
        paused: None,
        stop: None,
    }
}

#[test]
fn a_run_tells_each_reason_once_and_nothing_that_lies_within_it() {
    let (mut a, mut b) = (ready(&["gpu"], 1), ready(&["gpu"], 1));
    (a.id, b.id) = (TaskRunId(Uuid::from_u128(20)), TaskRunId(Uuid::from_u128(21)));
    let join = task_run(2, None);
    let around = Around::default();
    assert_eq!(told(&join, &around).len(), 1);
    let waits = gather(&standing(), &[a.clone(), b.clone(), join], &around);
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!((waits[0].count, &waits[0].task_runs), (2, &vec![a.id, b.id]));
}

#[test]
fn a_paused_run_waits_for_whoever_paused_it() {
    let mut ready = ready(&["gpu"], 1);
    ready.live.as_mut().unwrap().paused = true;
    let run = RunStanding {
        state: RunState::Paused,
        paused: Some(("ann".to_owned(), at(7))),
        ..standing()
    };
    let around = Around {
        runs: [(RUN, run.clone())].into(),
        ..Around::default()
    };
    let waits = gather(&run, &[ready], &around);
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(waits[0].count, 1);
    assert_eq!(
        waits[0].reason.to_string(),
        "ann paused the run at 1970-01-01T00:00:07Z; nothing of it starts until it is resumed"
    );
}

#[test]
fn a_run_that_is_stopping_waits_for_what_still_runs() {
    let running = task_run(0, Some(live(TaskRunState::Running)));
    let run = RunStanding {
        stop: Some(Stop {
            ends_as: RunState::Cancelled,
            by: Some("ann".to_owned()),
            at: at(7),
        }),
        ..standing()
    };
    let waits = gather(&run, &[running], &Around::default());
    assert_eq!(
        waits[0].reason.to_string(),
        "ann stopped the run at 1970-01-01T00:00:07Z, and it ends as CANCELLED once these have ended: a"
    );
}

#[test]
fn a_run_tells_no_more_than_its_first_reasons() {
    let many: Vec<TaskRunFacts> = (0..50)
        .map(|n| {
            let label = format!("label-{n}");
            ready(&[label.as_str()], 1)
        })
        .collect();
    assert_eq!(gather(&standing(), &many, &Around::default()).len(), MOST_REASONS);
}
