use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::retry::RetryPolicy;
use crate::work::MapItem;
use crate::workflow::NodeSpec;

fn assignment() -> Assignment {
    let node: NodeSpec = serde_json::from_value(json!({
        "key": "load", "work": {"kind": "NO_OP"}, "retry": RetryPolicy::default(),
    }))
    .unwrap();
    Assignment {
        tenant_id: TenantId::generate(),
        tenant: "acme".into(),
        run_id: RunId::generate(),
        task_run_id: TaskRunId::generate(),
        workflow: "nightly".into(),
        version_id: WorkflowVersionId::generate(),
        fence: 2,
        node: Arc::new(node),
        inputs: Arc::new(json!({"day": "monday", "list": [{"a": 1}]})),
        nodes: Arc::new(json!({
            "fetch": {"state": "SUCCEEDED", "outputs": {"path": "/a b", "rows": 3, "body": {"ids": [7, 8]}}},
            "a.b": {"state": "SKIPPED", "outputs": null},
        })),
        item: None,
        shard: None,
        callback_url: None,
    }
}

fn rendered(assignment: &Assignment, template: &str) -> Result<String, TemplateError> {
    TemplateContext::new(assignment).render(template)
}

#[test]
fn references_are_replaced_by_what_they_name() {
    let given = assignment();
    for (template, expected) in [
        ("${inputs.day}-${inputs.list.0.a}", "monday-1"),
        ("${ task.key }/${attempt}/${tenant}", "load/2/acme"),
        ("${nodes.fetch.outputs.path}", "/a b"),
        ("${nodes.fetch.outputs.body.ids.1}", "8"),
        ("${nodes.fetch.outputs.body}", "{\"ids\":[7,8]}"),
        ("${nodes.fetch.state} ${nodes.a.b.state}", "SUCCEEDED SKIPPED"),
        ("${nodes.a.b.outputs}", "null"),
        ("$${plain} $$ {} ${attempt}", "${plain} $$ {} 2"),
    ] {
        assert_eq!(rendered(&given, template).as_deref(), Ok(expected), "{template}");
    }
    let url = TemplateContext::new(&given).render_url("http://h/${nodes.fetch.outputs.path}");
    assert_eq!(url.as_deref(), Ok("http://h/%2Fa%20b"));
}

#[test]
fn a_mapped_a_sharded_and_a_called_back_attempt_know_their_own() {
    let given = Assignment {
        item: Some(MapItem {
            index: 3,
            count: 9,
            value: json!({"id": "x"}),
        }),
        shard: Some(Shard {
            index: 1,
            count: 2,
            items: vec![1, 3],
            parameters: BTreeMap::from([(1, "Shanghai".to_owned()), (3, "Paris".to_owned())]),
        }),
        callback_url: Some("http://here/callbacks/t".to_owned()),
        ..assignment()
    };
    for (template, expected) in [
        ("${item} ${item.id} ${index}/${count}", "{\"id\":\"x\"} x 3/9"),
        (
            "${shard.index}/${shard.count} ${shard.items} ${shard.parameters}",
            "1/2 1,3 1=Shanghai,3=Paris",
        ),
        ("${callback.url}", "http://here/callbacks/t"),
    ] {
        assert_eq!(rendered(&given, template).as_deref(), Ok(expected), "{template}");
    }
    assert_eq!(
        rendered(&given, "${item.name}"),
        Err(TemplateError::MissingValue("item.name".to_owned()))
    );
}

#[test]
fn what_an_attempt_was_not_given_is_told() {
    let given = assignment();
    let missing = |name: &str| TemplateError::MissingValue(name.to_owned());
    assert_eq!(
        rendered(&given, "${inputs.nope}"),
        Err(TemplateError::MissingInput("nope".to_owned()))
    );
    for name in [
        "nodes.fetch.outputs.nope",
        "nodes.other.state",
        "nodes.a.b.outputs.x",
    ] {
        assert_eq!(rendered(&given, &format!("${{{name}}}")), Err(missing(name)));
    }
    for name in ["item", "item.id", "index", "shard.items", "callback.url"] {
        let told = rendered(&given, &format!("${{{name}}}"));
        assert!(matches!(told, Err(TemplateError::OutOfPlace { .. })), "{told:?}");
    }
    assert_eq!(
        rendered(&given, "ab ${inputs.day"),
        Err(TemplateError::Unclosed(3))
    );
}

#[test]
fn names_that_mean_nothing_are_unknown_wherever_they_stand() {
    for name in [
        "",
        "nothing",
        "inputs",
        "inputs.",
        "item.",
        "nodes",
        "nodes.fetch",
        "nodes.fetch.output",
        "nodes.fetch.outputs.",
        "nodes.fetch.state.x",
        "nodes..state",
        "shard.parameter",
        "run.id.x",
    ] {
        let told = check_template(&format!("${{{name}}}"), &TemplateScope::ALONE);
        assert_eq!(told, Err(TemplateError::Unknown(name.to_owned())));
    }
}

#[test]
fn a_scope_refuses_what_a_node_cannot_know() {
    let scope = TemplateScope {
        inputs: Names::These(&|name| name == "day"),
        nodes: Names::These(&|key| key == "fetch"),
        is_mapped: false,
        is_sharded: false,
        is_called_back: false,
    };
    let check = |template: &str| check_template(template, &scope);
    for good in [
        "${inputs.day.x}",
        "${nodes.fetch.outputs.anything}",
        "${run.id}",
        "$${nope}",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    assert_eq!(
        check("${inputs.week}"),
        Err(TemplateError::MissingInput("week".to_owned()))
    );
    assert!(matches!(
        check("${nodes.other.state}"),
        Err(TemplateError::NotBefore { key, .. }) if key == "other"
    ));
    for name in ["item.x", "count", "shard.index", "callback.url"] {
        let told = check(&format!("${{{name}}}"));
        assert!(matches!(told, Err(TemplateError::OutOfPlace { .. })), "{told:?}");
    }
    let open = TemplateScope {
        is_mapped: true,
        is_sharded: true,
        is_called_back: true,
        ..scope
    };
    for name in ["item", "count", "shard.index", "callback.url"] {
        assert_eq!(check_template(&format!("${{{name}}}"), &open), Ok(()), "{name}");
    }
}

#[test]
fn the_nodes_that_templates_read_are_known_from_the_definition() {
    let work: Work = serde_json::from_value(json!({
        "kind": "ENDPOINT", "key": "e", "method": "POST", "timeout_ms": 1,
        "url": "http://${nodes.a.outputs.host}/$${nodes.no.state}",
        "headers": {"x": "${nodes.b.state} ${inputs.c}"},
        "body": "${nodes.a.outputs} ${broken",
    }))
    .unwrap();
    let read: Vec<String> = nodes_read_by(&work).into_iter().collect();
    assert_eq!(read, ["a", "b"]);
}
