//! What is refused when an expression is saved, and what is said about it.

use std::collections::BTreeMap;

use crate::expression::{Expression, Kind, Scope};
use crate::workflow::{InputSpec, InputType};

fn input(kind: InputType) -> InputSpec {
    InputSpec {
        r#type: kind,
        required: false,
        default: None,
        schema: None,
        description: String::new(),
    }
}

fn scope() -> Scope {
    let inputs: BTreeMap<String, InputSpec> = [
        ("count", InputType::Integer),
        ("ratio", InputType::Number),
        ("name", InputType::String),
        ("force", InputType::Boolean),
        ("rows", InputType::Json),
    ]
    .map(|(name, kind)| (name.to_owned(), input(kind)))
    .into();
    Scope::default()
        .with_inputs(&inputs)
        .with_run()
        .with_nodes(["load", "clean-up", "a.b"])
        .with_occurrence()
}

/// The faults of a condition, one a line.
fn faults(source: &str) -> String {
    let error = Expression::condition(source, &scope()).expect_err(source);
    error.to_string()
}

#[test]
fn unknown_names_are_told_with_the_nearest_known_one() {
    for (source, expected) in [
        (
            "inputs.cuont > 1",
            "1:7: there is no input `cuont`; did you mean `count`?",
        ),
        (
            "input.count > 1",
            "1:1: there is no `input` here; did you mean `inputs`?",
        ),
        (
            "count > 1",
            "1:1: there is no `count` here; did you mean `inputs.count`?",
        ),
        (
            "inputs.zzzzzz > 1",
            "1:7: there is no input `zzzzzz`; there is `count`, `force`, `name`, `ratio`, `rows`",
        ),
        (
            "nodes.clean.state == 'FAILED'",
            "1:6: there is no task node `clean`; if you mean `clean-up`, write `[\"clean-up\"]`",
        ),
        (
            "nodes.clean-up.state == 'FAILED'",
            "1:6: there is no task node `clean`; if you mean `clean-up`, write `[\"clean-up\"]`; \
             1:13: there is no `up` here; what can be read is `inputs`, `nodes`, `occurrence`, `run`",
        ),
        (
            "nodes.a.b.state == 'FAILED'",
            "1:6: there is no task node `a`; if you mean `a.b`, write `[\"a.b\"]`",
        ),
        (
            "nodes.load.output.rows > 1",
            "1:11: there is no field of a task node `output`; did you mean `outputs`?",
        ),
        (
            "run.startdAt == null",
            "1:4: there is no field of a run `startdAt`; did you mean `startedAt`?",
        ),
        (
            "item == 1",
            "1:1: `item` cannot be read here; what can be read is `inputs`, `nodes`, `occurrence`, `run`",
        ),
        (
            "size(nodes) > 1",
            "1:6: `nodes` is not a value; name the task node, as `nodes.KEY.state`",
        ),
        (
            "nodes[inputs.name].state == ''",
            "1:6: the key of a task node must stand here as text: `nodes[\"KEY\"]`",
        ),
        (
            "inputs.name.startswith('a')",
            "1:23: there is no function `startswith`; did you mean `startsWith`?",
        ),
        (
            "isWorkingDay(occurrence.date)",
            "1:13: `isWorkingDay` asks a calendar, and there is none here: only schedules have one",
        ),
    ] {
        assert_eq!(faults(source), expected, "{source}");
    }
}

#[test]
fn kinds_that_do_not_go_together_are_told_with_a_remedy() {
    for (source, expected) in [
        (
            "inputs.count",
            "1:7: the expression must come to a bool, and comes to a number",
        ),
        (
            "inputs.count == '3'",
            "1:14: `==` does not go between a number and a string; make both the same with int(), double() or string()",
        ),
        (
            "inputs.name + 1 == 'a1'",
            "1:13: `+` does not go between a string and a number; make both the same with int(), double() or string()",
        ),
        (
            "inputs.force > 1",
            "1:14: `>` does not go between a bool and a number",
        ),
        (
            "'a' in inputs.name",
            "1:5: `in` does not go between a string and a string; write `text.contains(part)`",
        ),
        (
            "1 in inputs.count",
            "1:3: `in` does not go between a number and a number; at its right stands a list or a map",
        ),
        (
            "'a' in [1, 2]",
            "1:5: `in` does not go between a string and a list; at its right stands a list or a map",
        ),
        (
            "occurrence.instant > '2026-01-01T00:00:00Z'",
            "1:20: `>` does not go between a timestamp and a string; read the text with timestamp()",
        ),
        (
            "occurrence.instant - occurrence.dataInterval.start > '1h'",
            "1:52: `>` does not go between a duration and a string; read the text with duration()",
        ),
        (
            "!inputs.name",
            "1:8: `!` takes a bool, and this is a string; compare it, as `… == \"yes\"`",
        ),
        (
            "inputs.count && true",
            "1:7: `&&` takes a bool, and this is a number; compare it, as `… > 0`",
        ),
        (
            "-inputs.name == 'a'",
            "1:8: `-` takes a number, and this is a string",
        ),
        (
            "inputs.name ? true : false",
            "1:7: the condition before `?` takes a bool, and this is a string; compare it, as `… == \"yes\"`",
        ),
        ("inputs.name.x == 1", "1:12: a string has no field `x` to take"),
        (
            "inputs.count[0] == 1",
            "1:13: a number has no elements; `[…]` takes one of a list or a map",
        ),
        (
            "[1, 2]['a'] == 1",
            "1:7: a list has no field `a`; an item is taken by its place, as `[0]`",
        ),
        (
            "inputs.count.all(x, true)",
            "1:7: a list or a map is needed to go through, and this is a number",
        ),
        (
            "['a'].all(x, x > 1)",
            "1:16: `>` does not go between a string and a number; make both the same with int(), double() or string()",
        ),
        (
            "size(inputs.count) > 1",
            "1:5: `size` is not called so with number; it is size(string) or size(list) or size(map) or string.size() or list.size() or map.size()",
        ),
        (
            "startsWith(inputs.name, 'a')",
            "1:11: `startsWith` is not called so with string, string; it is string.startsWith(string)",
        ),
        (
            "[1] + 2 == [1, 2]",
            "1:5: `+` does not go between a list and a number; put the item into a list: `[…]`",
        ),
    ] {
        assert_eq!(faults(source), expected, "{source}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    assert_eq!(
        faults("inputs.cuont > 1 &&\n  nodes.lod.state == 'x' &&\n  inputs.name > 3"),
        "1:7: there is no input `cuont`; did you mean `count`?; \
         2:8: there is no task node `lod`; did you mean `load`?; \
         3:15: `>` does not go between a string and a number; make both the same with int(), double() or string()"
    );
}

#[test]
fn what_is_not_offered_is_told_with_what_is() {
    for (source, expected) in [
        (
            "1u > 0",
            "1:1: there are no unsigned numbers here; leave out the `u`",
        ),
        (
            "b'a' == b'a'",
            "1:1: there are no bytes here; leave out the `b` for text",
        ),
        ("now() > run.startedAt", "there is no `now` here"),
        ("type(1) == int", "there is no `type` here"),
        ("inputs.?name == 'a'", "unsupported syntax"),
        ("Thing{a: 1} == 1", "there are no messages here"),
        ("has(inputs)", "invalid argument to has() macro"),
        ("inputs.rows.all(x)", "`all` is not written so"),
        ("inputs.count >", "this is not CEL"),
    ] {
        let told = faults(source);
        assert!(told.contains(expected), "{source}: {told}");
    }
}

#[test]
fn columns_count_characters() {
    assert_eq!(
        faults("'Grüße' == 'é' &&\n'üü' == 1"),
        "2:6: `==` does not go between a string and a number; make both the same with int(), double() or string()"
    );
}

#[test]
fn references_are_what_the_expression_reads() {
    let source = "nodes.load.state == 'FAILED' && has(nodes['clean-up'].outputs.x) && inputs.count > 1 \
                  && [1].all(inputs, inputs > 0)";
    let references = Expression::condition(source, &scope())
        .unwrap()
        .references()
        .clone();
    assert_eq!(
        references.nodes.into_iter().collect::<Vec<_>>(),
        ["clean-up", "load"]
    );
    assert_eq!(references.inputs.into_iter().collect::<Vec<_>>(), ["count"]);
    assert!(!references.reads_all_inputs);
    let computed = Expression::parse("inputs[inputs.name]", &scope()).unwrap();
    assert!(computed.references().reads_all_inputs);
}

#[test]
fn kinds_are_inferred_as_far_as_they_are_known() {
    for (source, expected) in [
        ("inputs.count > 1 ? 'a' : 'b'", Kind::String),
        ("inputs.count > 1 ? 'a' : 1", Kind::Any),
        ("size([1]) + inputs.count", Kind::Number),
        ("occurrence.instant - duration('1h')", Kind::Timestamp),
        ("nodes.load.outputs.rows", Kind::Any),
        ("nodes.load.outputs.rows + 1", Kind::Number),
        ("[1, 2].map(x, string(x))[0]", Kind::String),
        ("['a'].filter(x, x != '')[0]", Kind::String),
        ("[1].exists_one(x, x == 1)", Kind::Bool),
        ("{'a': 1}.a", Kind::Number),
    ] {
        assert_eq!(
            Expression::parse(source, &scope()).unwrap().kind(),
            &expected,
            "{source}"
        );
    }
    let wanted = Kind::list();
    assert!(Expression::parse_as("inputs.rows", &scope(), &wanted).is_ok());
    let error = Expression::parse_as("inputs.name", &scope(), &wanted).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1:7: the expression must come to a list, and comes to a string"
    );
}
