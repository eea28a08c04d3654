//! Work to be given to an executor.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use waterclock_core::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use waterclock_core::work::Assignment;
use waterclock_core::workflow::{EndpointSpec, NodeSpec, ProgramSpec, Runtime, Work};

pub(crate) fn assignment(work: Work) -> Assignment {
    Assignment {
        tenant_id: TenantId::generate(),
        tenant: "acme".into(),
        run_id: RunId::generate(),
        task_run_id: TaskRunId::generate(),
        workflow: "nightly".into(),
        version_id: WorkflowVersionId::generate(),
        fence: 1,
        node: Arc::new(NodeSpec {
            grace_ms: 60_000,
            ..NodeSpec::new("node", work)
        }),
        inputs: Arc::new(json!({})),
        nodes: Arc::new(json!({})),
        item: None,
        shard: None,
        callback_url: None,
    }
}

pub(crate) fn program_spec(runtime: Runtime) -> ProgramSpec {
    ProgramSpec {
        key: "program".into(),
        runtime,
        command: Vec::new(),
        package: None,
        entry_point: None,
        arguments: Vec::new(),
        environment: BTreeMap::new(),
        files: BTreeMap::new(),
        working_directory: None,
        memory_limit: None,
        open_files_limit: None,
        output_limit: 1 << 20,
    }
}

/// A program that executes these words.
pub(crate) fn command(words: &[&str]) -> Assignment {
    assignment(Work::Program(ProgramSpec {
        command: vec![words[0].into()],
        arguments: words[1..].iter().map(ToString::to_string).collect(),
        ..program_spec(Runtime::Exec)
    }))
}

/// A shell script among the working files.
pub(crate) fn script(text: &str) -> Assignment {
    assignment(Work::Program(script_spec(text)))
}

pub(crate) fn script_spec(text: &str) -> ProgramSpec {
    ProgramSpec {
        entry_point: Some("script.sh".into()),
        files: BTreeMap::from([("script.sh".to_owned(), text.replace("${", "$${"))]),
        ..program_spec(Runtime::Shell)
    }
}

pub(crate) fn endpoint_spec(url: &str) -> EndpointSpec {
    EndpointSpec {
        key: "endpoint".into(),
        method: "GET".into(),
        url: url.into(),
        headers: BTreeMap::new(),
        query: BTreeMap::new(),
        body: None,
        expected_status: Vec::new(),
        timeout_ms: 60_000,
        outputs: BTreeMap::new(),
        callback: None,
    }
}

pub(crate) fn endpoint(url: &str) -> Assignment {
    assignment(Work::Endpoint(endpoint_spec(url)))
}

pub(crate) fn with_node(mut assignment: Assignment, change: impl FnOnce(&mut NodeSpec)) -> Assignment {
    change(Arc::make_mut(&mut assignment.node));
    assignment
}

pub(crate) fn with_program(assignment: Assignment, change: impl FnOnce(&mut ProgramSpec)) -> Assignment {
    with_node(assignment, |node| match &mut node.work {
        Work::Program(program) => change(program),
        _ => panic!("this is no program"),
    })
}

pub(crate) fn with_inputs(mut assignment: Assignment, inputs: Value) -> Assignment {
    assignment.inputs = Arc::new(inputs);
    assignment
}
