//! What expressions come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use serde_json::{Value as Json, json};

use crate::expression::{
    Bindings, DataInterval, EvaluationError, EventFacts, Expression, NodeFacts, OccurrenceFacts, Progress,
    ResponseFacts, RunFacts, Scope, WorkingDays,
};
use crate::id::RunId;
use crate::run::Trigger;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

struct Weekdays;

impl WorkingDays for Weekdays {
    fn is_working_day(&self, date: NaiveDate) -> bool {
        !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
    }
}

struct Never;

impl WorkingDays for Never {
    fn is_working_day(&self, _: NaiveDate) -> bool {
        false
    }
}

fn scope() -> Scope {
    Scope::default()
        .with_inputs(&BTreeMap::new())
        .with_run()
        .with_nodes(["load", "clean-up"])
        .with_item()
        .with_occurrence()
        .with_response()
        .with_event()
        .with_working_days()
}

fn node(state: &str, outputs: Json) -> NodeFacts {
    NodeFacts {
        state: state.to_owned(),
        state_reason: None,
        attempts: 2,
        outputs: Arc::new(outputs),
        progress: Some(Progress {
            percent: Some(12.5),
            message: "reading".to_owned(),
        }),
    }
}

fn bindings() -> Bindings {
    let inputs = json!({
        "count": 3, "ratio": 1.5, "big": u64::MAX, "name": "Grüße", "flag": true, "none": null, "dashed-name": 7,
        "rows": [{"id": 1, "ok": true}, {"id": 2, "ok": false}, {"id": 3, "ok": true}],
    });
    let run = RunFacts {
        id: RunId(uuid::Uuid::nil()),
        workflow: "nightly".to_owned(),
        version: 4,
        trigger: Trigger::Caller,
        started_by: None,
        started_at: instant("2026-01-31T22:30:00Z"),
        priority: 5,
    };
    let occurrence = OccurrenceFacts {
        schedule: "nightly".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        instant: instant("2026-01-31T23:30:00Z"),
        scheduled_for: instant("2026-01-31T23:30:05Z"),
        date: date("2026-02-01"),
        business_date: date("2026-01-30"),
        data_interval: DataInterval {
            start: instant("2026-01-30T23:30:00Z"),
            end: instant("2026-01-31T23:30:00Z"),
        },
    };
    let response = ResponseFacts {
        status: 202,
        headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
        body: Arc::new(json!({"job": {"id": "j-1"}})),
    };
    Bindings::default()
        .with_inputs(Arc::new(inputs))
        .with_run(run)
        .with_node("load", node("SUCCEEDED", json!({"rows": 10, "file": "a.csv"})))
        .with_node("clean-up", node("FAILED", json!({})))
        .with_item(Arc::new(json!("x")), 2)
        .with_occurrence(occurrence)
        .with_response(response)
        .with_event(EventFacts {
            id: "4f".to_owned(),
            name: "order.paid".to_owned(),
            key: None,
            payload: Arc::new(json!({"amount": 120})),
            published_by: "shop".to_owned(),
        })
        .with_working_days(Arc::new(Weekdays))
}

fn evaluate(source: &str) -> Result<Json, EvaluationError> {
    let expression = Expression::parse(source, &scope()).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.evaluate(&bindings())
}

fn all_come_to(table: &[(&str, Json)]) {
    for (source, expected) in table {
        assert_eq!(evaluate(source).as_ref(), Ok(expected), "{source}");
    }
}

fn all_fail(table: &[(&str, &str)]) {
    for (source, expected) in table {
        let error = evaluate(source).expect_err(source).to_string();
        assert_eq!(error, *expected, "{source}");
    }
}

#[test]
fn names_are_read_where_they_are_bound() {
    all_come_to(&[
        ("inputs.count", json!(3)),
        ("inputs['dashed-name']", json!(7)),
        ("inputs[\"na\" + \"me\"]", json!("Grüße")),
        ("inputs.rows[1].id", json!(2)),
        ("has(inputs.rows) && !has(inputs.columns)", json!(true)),
        ("inputs.none == null", json!(true)),
        ("run.workflow + ' v' + string(run.version)", json!("nightly v4")),
        ("run.trigger == 'CALLER' && run.startedBy == null", json!(true)),
        ("nodes.load.state", json!("SUCCEEDED")),
        ("nodes['clean-up'].state == 'FAILED'", json!(true)),
        ("nodes.load.outputs.rows * 2", json!(20)),
        ("nodes.load.progress.percent > 10", json!(true)),
        (
            "nodes.load.progress.percent == null ? 0 : nodes.load.progress.percent",
            json!(12.5),
        ),
        ("nodes.load.attempts", json!(2)),
        ("item + string(index)", json!("x2")),
        ("response.status == 202 ? response.body.job.id : ''", json!("j-1")),
        (
            "response.headers['content-type'].startsWith('application/')",
            json!(true),
        ),
        (
            "event.name == 'order.paid' && event.payload.amount > 100",
            json!(true),
        ),
        ("size(inputs)", json!(8)),
    ]);
}

#[test]
fn whole_numbers_stay_whole_and_mix_with_fractions() {
    all_come_to(&[
        ("7 / 2", json!(3)),
        ("-7 % 3", json!(-1)),
        ("7 / 2.0", json!(3.5)),
        ("inputs.count * inputs.ratio", json!(4.5)),
        (
            "3 == 3.0 && 3 < 3.5 && 9007199254740993 > 9007199254740992.0",
            json!(true),
        ),
        ("1 + 2 * 3 - -4", json!(11)),
        (
            "int('42') + int(3.9) + int(timestamp('1970-01-01T00:01:00Z'))",
            json!(105),
        ),
        ("double('1.5') + double(1)", json!(2.5)),
        ("0x1F", json!(31)),
        ("inputs.big > 9e18", json!(true)),
    ]);
    all_fail(&[
        (
            "9223372036854775807 + 1",
            "1:21: the number is beyond the whole numbers, which have 64 bits",
        ),
        (
            "-9223372036854775808 / -1",
            "1:22: the number is beyond the whole numbers, which have 64 bits",
        ),
        ("inputs.count / 0", "1:14: a number is divided by zero"),
        ("int('three')", "1:4: \"three\" is not a whole number"),
        (
            "int(1e30)",
            "1:4: 1000000000000000000000000000000 is beyond the whole numbers",
        ),
        ("1.0 / 0.0", "1:5: the result holds inf, which JSON cannot write"),
    ]);
}

#[test]
fn loops_are_the_macros_of_cel() {
    all_come_to(&[
        ("inputs.rows.filter(r, r.ok).map(r, r.id)", json!([1, 3])),
        ("inputs.rows.map(r, r.ok, r.id * 10)", json!([10, 30])),
        ("inputs.rows.all(r, r.id > 0)", json!(true)),
        ("inputs.rows.exists(r, r.id == 2)", json!(true)),
        ("inputs.rows.exists_one(r, r.ok)", json!(false)),
        ("[].all(x, x > 1)", json!(true)),
        ("{'a': 1, 'b': 2}.map(k, k)", json!(["a", "b"])),
        ("[1, 2].map(x, [3, 4].map(y, x * y))", json!([[3, 4], [6, 8]])),
        ("[1, 2].map(x, [x]) + [[3]]", json!([[1], [2], [3]])),
        ("inputs.rows.map(item, item.id)", json!([1, 2, 3])),
    ]);
}

#[test]
fn what_decides_decides_even_where_the_other_side_fails() {
    all_come_to(&[
        ("false && inputs.missing", json!(false)),
        ("inputs.missing && false", json!(false)),
        ("inputs.missing || true", json!(true)),
        ("[0, 1].exists(x, 1 / x == 1)", json!(true)),
        ("true ? 1 : 1 / 0", json!(1)),
    ]);
    all_fail(&[
        (
            "inputs.missing && true",
            "1:7: there is no `missing` in the map; ask first with has()",
        ),
        (
            "[0, 1].exists(x, 1 / x == 5)",
            "1:20: a number is divided by zero",
        ),
        (
            "inputs.name && true",
            "1:7: true or false is needed here, and this is a string",
        ),
    ]);
}

#[test]
fn lists_maps_and_text_are_made_and_asked() {
    all_come_to(&[
        ("[1, 2] + [3]", json!([1, 2, 3])),
        ("2 in [1, 2] && !('c' in {'a': 1})", json!(true)),
        (
            "{'a': [1], 'b': {'c': null}}",
            json!({"a": [1], "b": {"c": null}}),
        ),
        ("{1: 'one', true: 'yes'}[1]", json!("one")),
        (
            "[1, 2.0] == [1.0, 2] && {'a': 1} == {'a': 1.0} && [1] != [2]",
            json!(true),
        ),
        ("dyn([1]) == dyn('1')", json!(false)),
        ("size(inputs.name) + inputs.name.size()", json!(10)),
        ("inputs.name.matches('^Gr.*e$')", json!(true)),
        (
            "'a,b,c'.split(',').map(p, p.upperAscii()).join('-')",
            json!("A-B-C"),
        ),
        (
            "'Grüße'.substring(2, 4) + 'abcb'.replace('b', 'xx')",
            json!("üßaxxcxx"),
        ),
        (
            "['Grüße'.indexOf('ß'), 'aba'.lastIndexOf('a'), 'a'.indexOf('z')]",
            json!([3, 2, -1]),
        ),
        ("' a '.trim() + string(true) + string(1.5)", json!("atrue1.5")),
        ("'a' < 'b' && false < true", json!(true)),
    ]);
    all_fail(&[
        (
            "[1][1]",
            "1:4: there is no such place in the list, which has 1 items",
        ),
        ("{'a': 1, 'a': 2}", "1:10: the map has this key twice"),
        (
            "inputs.name.substring(9)",
            "1:22: 9 is not a place in text of 5 characters",
        ),
        (
            "inputs.count.startsWith('a')",
            "1:24: `startsWith` does not take number, string",
        ),
        ("inputs.none.field", "1:12: a null has no field `field`"),
    ]);
}

#[test]
fn instants_know_zones_and_spans() {
    all_come_to(&[
        (
            "occurrence.instant - occurrence.dataInterval.start == duration('24h')",
            json!(true),
        ),
        ("occurrence.dataInterval.end", json!("2026-01-31T23:30:00Z")),
        ("occurrence.instant.getDate()", json!(31)),
        ("occurrence.instant.getDate(occurrence.zone)", json!(1)),
        ("occurrence.instant.getMonth('+01:00')", json!(1)),
        ("occurrence.instant.getDayOfWeek()", json!(6)),
        (
            "timestamp('2026-03-29T00:59:59Z').getHours('Europe/Berlin')",
            json!(1),
        ),
        (
            "timestamp('2026-03-29T01:00:00Z').getHours('Europe/Berlin')",
            json!(3),
        ),
        ("duration('1h30m').getMinutes()", json!(90)),
        (
            "[duration('1.5s'), duration('-90m'), duration('2ms')]",
            json!(["1.5s", "-5400s", "0.002s"]),
        ),
        ("run.startedAt < timestamp(1800000000)", json!(true)),
        (
            "formatTimestamp(occurrence.instant, '%Y%m%dT%H%M%z', occurrence.zone)",
            json!("20260201T0030+0100"),
        ),
        ("dateOf(run.startedAt, 'Asia/Tokyo')", json!("2026-02-01")),
    ]);
    all_fail(&[
        (
            "timestamp('yesterday')",
            "1:10: \"yesterday\" is not a timestamp as `2026-01-31T08:00:00Z`",
        ),
        (
            "run.startedAt.getHours('Mars/Olympus')",
            "1:23: \"Mars/Olympus\" is not a time zone: an IANA name as `Europe/Berlin`, or `+02:00`",
        ),
        (
            "duration('soon')",
            "1:9: \"soon\" is not a duration as `1h30m`, `90s` or `-1.5s`",
        ),
        (
            "timestamp('9999-12-31T23:59:59Z') + duration('24h')",
            "1:35: the timestamp lies beyond the years 1 to 9999",
        ),
    ]);
}

#[test]
fn dates_follow_a_calendar() {
    all_come_to(&[
        ("previousWorkingDay(occurrence.date)", json!("2026-01-30")),
        ("nextWorkingDay('2026-01-30')", json!("2026-02-02")),
        ("isWorkingDay('2026-01-31')", json!(false)),
        ("addWorkingDays('2026-01-30', 6)", json!("2026-02-09")),
        ("addWorkingDays('2026-02-09', -6)", json!("2026-01-30")),
        ("firstDayOfMonth(occurrence.businessDate)", json!("2026-01-01")),
        ("lastDayOfMonth('2028-02-10')", json!("2028-02-29")),
        (
            "addDays('2026-02-28', 1) + ' ' + addDays('2026-03-01', -1)",
            json!("2026-03-01 2026-02-28"),
        ),
        ("addMonths('2026-01-31', 1)", json!("2026-02-28")),
        ("dayOfWeek('2026-02-01')", json!(7)),
        (
            "formatDate(occurrence.date, '%d.%m.%y %z')",
            json!("01.02.26 +0000"),
        ),
    ]);
    all_fail(&[
        (
            "addDays('2026-02-30', 1)",
            "1:8: \"2026-02-30\" is not a date as `2026-01-31`",
        ),
        (
            "addDays('2026-02-28', 9999999999)",
            "1:8: the date lies beyond the years 1 to 9999",
        ),
        (
            "formatDate('2026-02-28', '%Q')",
            "1:11: \"%Q\" is not a pattern as `%Y-%m-%d %H:%M`, of at most 256 bytes",
        ),
    ]);
}

#[test]
fn a_calendar_without_working_days_is_not_searched_forever() {
    let expression = Expression::parse("nextWorkingDay('2026-01-01')", &scope()).unwrap();
    let error = expression
        .evaluate(&Bindings::default().with_working_days(Arc::new(Never)))
        .unwrap_err();
    assert!(error.to_string().contains("nobody works on any of"), "{error}");
}

#[test]
fn a_condition_of_unknown_kind_is_held_to_its_word_when_it_is_evaluated() {
    let condition = Expression::condition("event.payload.amount", &scope()).unwrap();
    let error = condition.evaluate_bool(&bindings()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the condition must come to true or false, and came to a value of the kind number"
    );
    assert_eq!(
        Expression::condition("event.payload.amount > 1", &scope())
            .unwrap()
            .evaluate_bool(&bindings()),
        Ok(true)
    );
}

#[test]
fn what_was_checked_once_is_read_again_without_its_scope() {
    let source =
        "nodes.load.outputs.rows > inputs.count && nextWorkingDay(occurrence.date) > occurrence.date";
    let checked = Expression::condition(source, &scope()).unwrap();
    let again = Expression::condition(source, &Scope::unchecked()).unwrap();
    assert_eq!(checked.references(), again.references());
    assert_eq!(again.evaluate_bool(&bindings()), Ok(true));
}
