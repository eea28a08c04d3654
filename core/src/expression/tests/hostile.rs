//! Expressions that were written to take long, to grow, or to go deep.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::expression::{Bindings, EvaluationError, Expression, LONGEST_SOURCE, Scope};

/// Many times what an evaluation takes here, so that a busy machine does not fail the test.
const PATIENCE: Duration = Duration::from_secs(10);

fn evaluate(source: &str) -> EvaluationError {
    let scope = Scope::default().with_item();
    let expression = Expression::parse(source, &scope).unwrap_or_else(|error| panic!("{source}: {error}"));
    let list: Vec<i32> = (0..10_000).collect();
    let item = json!({"list": list, "text": "a".repeat(200_000), "other": "a".repeat(200_000)});
    let bindings = Bindings::default().with_item(Arc::new(item), 0);
    let begun = Instant::now();
    let error = expression.evaluate(&bindings).expect_err(source);
    assert!(begun.elapsed() < PATIENCE, "{source} took {:?}", begun.elapsed());
    error
}

fn refused(source: &str) -> String {
    let begun = Instant::now();
    let error = Expression::parse(source, &Scope::default().with_item()).expect_err("a refusal");
    assert!(begun.elapsed() < PATIENCE, "{source} took {:?}", begun.elapsed());
    error.to_string()
}

/// `unit` so many times as a source may hold, around `kernel`.
fn nested(open: &str, kernel: &str, close: &str) -> String {
    let times = (LONGEST_SOURCE - kernel.len()) / (open.len() + close.len());
    format!("{}{kernel}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn loops_within_loops_run_out_of_steps() {
    let ten = "[0,1,2,3,4,5,6,7,8,9]";
    let mut source = "true".to_owned();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        source = format!("{ten}.all({name}, {source})");
    }
    assert_eq!(evaluate(&source), EvaluationError::TooManySteps);
    let source = "item.list.all(x, item.list.all(y, item.list.all(z, true)))";
    assert_eq!(evaluate(source), EvaluationError::TooManySteps);
    assert_eq!(
        evaluate("item.list.exists(x, item.list == [x])  || item.list.all(x, item.list == item.list)"),
        EvaluationError::TooManySteps
    );
}

#[test]
fn an_exhausted_meter_is_not_passed_over() {
    let endless = "item.list.all(x, item.list.all(y, true))";
    assert_eq!(
        evaluate(&format!("{endless} || true")),
        EvaluationError::TooManySteps
    );
    assert_eq!(
        evaluate(&format!("[1].exists(x, {endless}) || true")),
        EvaluationError::TooManySteps
    );
}

#[test]
fn values_that_double_run_out_of_bytes() {
    for doubled in ["['a']", "[[1]]"] {
        let source = format!("{doubled}{}", ".map(x, x + x)".repeat(40));
        assert_eq!(evaluate(&source), EvaluationError::TooMuchMade);
    }
    let source = "item.list.map(x, item.text.replace('a', item.text))";
    assert_eq!(evaluate(source), EvaluationError::TooMuchMade);
    assert_eq!(
        evaluate("item.list.map(x, item.text.upperAscii())"),
        EvaluationError::TooMuchMade
    );
    assert_eq!(
        evaluate("item.list.map(x, item.text).join()"),
        EvaluationError::TooMuchMade
    );
}

#[test]
fn a_value_that_holds_another_many_times_is_not_written_out() {
    let source = format!("['abc']{}", ".map(x, [x, x])".repeat(40));
    assert_eq!(evaluate(&source), EvaluationError::ResultTooLong);
    let equal = format!("{source} == {source}");
    assert_eq!(evaluate(&equal), EvaluationError::TooManySteps);
    assert_eq!(evaluate("item.text + item.other"), EvaluationError::ResultTooLong);
}

#[test]
fn a_pattern_costs_what_it_may_take() {
    assert_eq!(
        evaluate("item.list.exists(x, item.text.matches('(a|aa)*b'))"),
        EvaluationError::TooManySteps
    );
    let large = refused("'x'.matches('((a{100}){100}){100}')");
    assert!(large.contains("the pattern is too large"), "{large}");
    let deep = format!("'x'.matches('{}{}')", "(".repeat(200), ")".repeat(200));
    assert!(refused(&deep).contains("the pattern cannot be read"));
    assert!(refused("'x'.matches('[')").contains("the pattern cannot be read"));
    assert!(refused("'x'.matches(item.text)").contains("must stand here as text"));
}

#[test]
fn nesting_is_refused_before_it_reaches_the_bottom_of_the_stack() {
    let told = "the expression is nested more than 32 deep";
    for (open, close) in [
        ("(", ")"),
        ("{1:", "}"),
        ("size(", ")"),
        ("[1].map(x,", ")"),
        ("true?1:", ""),
    ] {
        let source = nested(open, "1", close);
        let error = refused(&source);
        assert!(
            error.contains(told) || error.contains("at most 400"),
            "{open}: {error}"
        );
    }
    for chain in ["1+", "-", "item.", "item<", "item[0]", "[", "1 in ", "item["] {
        let error = refused(&nested(chain, "item", ""));
        assert!(!error.is_empty(), "{chain}");
    }
    refused(&format!("{}item", "item.".repeat(390)));
    refused(&format!("{}1", "1+".repeat(390)));
    Expression::parse(&format!("{}1", "1+".repeat(90)), &Scope::default()).unwrap();
    Expression::parse(
        &format!("{}1{}", "(".repeat(30), ")".repeat(30)),
        &Scope::default(),
    )
    .unwrap();
    Expression::parse(&nested("true&&", "true", ""), &Scope::default()).unwrap();
}

#[test]
fn a_source_is_bounded_whatever_it_holds() {
    assert!(refused(&"a".repeat(LONGEST_SOURCE + 1)).contains("at most 4096 are taken"));
    assert_eq!(refused(" \n"), "the expression is empty");
    assert!(refused("'\0'").contains("NUL"));
    for garbage in [
        "@",
        "\"",
        "\u{1f980} ",
        "'",
        "a b ",
        "\\",
        "0x",
        "1.e",
        "in ",
        "`",
        "{",
        "?:",
        "//",
        "%",
    ] {
        refused(&nested(garbage, "", ""));
    }
}
