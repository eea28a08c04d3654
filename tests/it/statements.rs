//! The statements that are files: each explained against the migrated tables, and held to what it says of itself.

use std::collections::BTreeSet;

use waterclock_core::run::{RunEvent, RunState, TaskRunEvent, TaskRunState};
use waterclock_tests::World;
use waterclock_tests::sources::{Source, files};

struct Statement {
    name: String,
    source: Source,
}

impl Statement {
    /// What the header says under `topic`, over as many lines as it takes.
    fn told(&self, topic: &str) -> Option<String> {
        let begin = format!("-- {topic}:");
        let mut lines = self
            .source
            .text
            .lines()
            .skip_while(|line| !line.starts_with(&begin));
        let mut told = lines.next()?[begin.len()..].trim().to_owned();
        for line in lines.take_while(|line| line.starts_with("--  ")) {
            told.push(' ');
            told.push_str(line[2..].trim());
        }
        Some(told)
    }

    /// Whether the API runs it, for one tenant and bound by the policies; else the engine does, for all.
    fn is_of_one_tenant(&self) -> bool {
        self.source.text.contains("tenant_id = $1")
    }

    fn writes_or_locks(&self) -> bool {
        [
            "INSERT INTO",
            "UPDATE",
            "DELETE FROM",
            "pg_advisory",
            "pg_try_advisory",
        ]
        .iter()
        .any(|sign| self.source.text.contains(sign))
    }

    /// The types of its parameters, as the function that runs it binds them.
    fn parameter_types(&self, store: &[Source]) -> Vec<String> {
        let call = format!("statement!(\"{}\")", self.name);
        let after = store
            .iter()
            .find_map(|source| source.text.split_once(&call))
            .map_or("", |(_, after)| after);
        // A function ends with the first brace at the margin.
        let function = after.split("\n}").next().unwrap_or_default();
        let function = function.split("statement!(").next().unwrap_or_default();
        function
            .split(".bind::<")
            .skip(1)
            .filter_map(|bind| bind.split_once(", _>"))
            .map(|(kind, _)| sql_type(kind))
            .collect()
    }
}

/// PostgreSQL's name of a type of diesel's.
fn sql_type(kind: &str) -> String {
    let inside = |wrapper: &str| kind.strip_prefix(wrapper)?.strip_suffix('>');
    if let Some(items) = inside("Array<") {
        return format!("{}[]", sql_type(items));
    }
    if let Some(value) = inside("Nullable<") {
        return sql_type(value);
    }
    match kind.rsplit("::").next().unwrap_or(kind) {
        "SqlUuid" | "Uuid" => "uuid",
        "SmallInt" => "smallint",
        "Integer" => "integer",
        "BigInt" => "bigint",
        "Float" => "real",
        "Double" => "double precision",
        "Text" => "text",
        "Binary" | "Bytea" => "bytea",
        "Jsonb" => "jsonb",
        "Bool" => "boolean",
        "Timestamptz" => "timestamptz",
        other => panic!("the type {other} has no name here yet"),
    }
    .to_owned()
}

fn statements() -> Vec<Statement> {
    let found: Vec<Statement> = files("core/src/store/sql", "sql")
        .into_iter()
        .map(|source| Statement {
            name: source
                .path
                .rsplit('/')
                .next()
                .and_then(|file| file.strip_suffix(".sql"))
                .expect("a file in SQL")
                .to_owned(),
            source,
        })
        .collect();
    assert!(found.len() > 20, "the statements were found");
    found
}

#[test]
fn every_statement_begins_by_saying_what_it_does_moves_and_locks() {
    let silent: Vec<String> = statements()
        .iter()
        .filter(|statement| {
            !statement
                .source
                .text
                .starts_with(&format!("-- {}: ", statement.name))
                || statement.told("Moves").is_none()
                || statement.told("Locks").is_none() && statement.writes_or_locks()
        })
        .map(|statement| statement.name.clone())
        .collect();
    assert_eq!(silent, [""; 0]);
}

#[test]
fn every_statement_is_run_by_exactly_one_function() {
    let store = files("core/src/store", "rs");
    let wrong: Vec<String> = statements()
        .iter()
        .map(|statement| {
            let call = format!("statement!(\"{}\")", statement.name);
            let uses: usize = store
                .iter()
                .map(|source| source.text.matches(&call).count())
                .sum();
            (statement, uses)
        })
        .filter(|&(_, uses)| uses != 1)
        .map(|(statement, uses)| format!("{}: {uses} uses", statement.name))
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_move_of_a_statement_is_one_that_the_tables_allow() {
    let mut wrong = Vec::new();
    for statement in statements() {
        let moves = statement.told("Moves").unwrap_or_default();
        if moves == "nothing" {
            continue;
        }
        for rule in moves.split(';') {
            // A remark in brackets at the end tells who completes the move.
            let rule = rule.trim();
            let rule = rule
                .strip_suffix(')')
                .and_then(|rule| rule.rsplit_once(" ("))
                .map_or(rule, |(rule, _)| rule);
            if !(is_allowed(rule, task_run_moves) || is_allowed(rule, run_moves)) {
                wrong.push(format!("{}: {rule}", statement.name));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// Whether every step of `A, B -> C -> D, E` is allowed.
fn is_allowed(rule: &str, may_move: fn(&str, &str) -> bool) -> bool {
    let steps: Vec<Vec<&str>> = rule
        .split("->")
        .map(|step| step.split(',').map(str::trim).collect())
        .collect();
    steps.len() > 1
        && steps.windows(2).all(|pair| {
            pair[0]
                .iter()
                .all(|from| pair[1].iter().all(|to| may_move(from, to)))
        })
}

fn task_run_moves(from: &str, to: &str) -> bool {
    if from == "(none)" {
        return ["BLOCKED", "READY"].contains(&to);
    }
    let (Ok(from), Ok(to)) = (from.parse::<TaskRunState>(), to.parse()) else {
        return false;
    };
    TaskRunEvent::ALL.iter().any(|&event| from.after(event) == Ok(to))
}

fn run_moves(from: &str, to: &str) -> bool {
    if from == "(none)" {
        return to == "QUEUED";
    }
    let (Ok(from), Ok(to)) = (from.parse::<RunState>(), to.parse()) else {
        return false;
    };
    RunEvent::ALL.iter().any(|&event| from.after(event) == Ok(to))
}

/// The plan of the statement for values that the planner does not know.
async fn explain(world: &World, statement: &Statement, store: &[Source]) -> String {
    let client = &world.sql;
    let name = &statement.name;
    let types = statement.parameter_types(store);
    let (declared, call) = if types.is_empty() {
        (String::new(), String::new())
    } else {
        let nulls = vec!["NULL"; types.len()];
        (
            format!("({})", types.join(", ")),
            format!("({})", nulls.join(", ")),
        )
    };
    let prepared = client
        .batch_execute(&format!("PREPARE {name} {declared} AS {}", statement.source.text))
        .await;
    prepared.unwrap_or_else(|error| panic!("{}: {error:?}", statement.source.path));
    let rows = client
        .simple_query(&format!("EXPLAIN EXECUTE {name} {call}"))
        .await
        .unwrap_or_else(|error| panic!("{}: {error:?}", statement.source.path));
    let line = |message: &tokio_postgres::SimpleQueryMessage| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    rows.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_index_that_a_statement_names_exists() {
    let world = World::new().await;
    let indexes: BTreeSet<String> = world
        .column(
            "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public'",
            &[],
        )
        .await
        .into_iter()
        .collect();
    let mut missing = Vec::new();
    for statement in statements() {
        for word in statement
            .told("Index")
            .unwrap_or_default()
            .split(|c: char| !c.is_ascii_lowercase() && c != '_')
            .filter(|word| word.contains('_'))
        {
            if !indexes.contains(word) {
                missing.push(format!("{}: {word}", statement.name));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// What transactions that begin with `begin` ask of the planner.
fn settings(store: &[Source], begin: &str) -> String {
    let (_, after) = store
        .iter()
        .find_map(|source| source.text.split_once(begin))
        .expect("transactions begin with settings");
    let settings = after.split('"').next().unwrap_or_default().split(';');
    let settings: Vec<&str> = settings
        .filter(|setting| setting.contains("SET LOCAL enable") || setting.contains("SET LOCAL jit"))
        .collect();
    settings.join(";").replace("SET LOCAL", "SET")
}

#[tokio::test]
async fn no_statement_reads_history_from_end_to_end() {
    let world = World::new().await;
    world
        .sql
        .batch_execute(include_str!("statements/history.sql"))
        .await
        .unwrap();
    let store = files("core/src/store", "rs");
    let mut slow = Vec::new();
    let (ours, theirs): (Vec<_>, Vec<_>) = statements().into_iter().partition(Statement::is_of_one_tenant);
    let as_api = format!(
        "SET ROLE waterclock_api; SET app.tenant = '00000000-0000-7000-8000-000000000001'; {}",
        settings(&store, "\"; SET LOCAL ROLE waterclock_api;")
    );
    let as_engine = format!(
        "RESET ROLE; {}",
        settings(&store, "const BEGIN_ENGINE: &str = \"")
    );
    for (actor, statements) in [(as_api, ours), (as_engine, theirs)] {
        world.sql.batch_execute(&actor).await.unwrap();
        slow.extend(slow_ones(&world, &store, &statements).await);
    }
    assert!(slow.is_empty(), "{}", slow.join("\n\n"));
}

/// The statements whose plans read all of a table that may be long, with their plans.
async fn slow_ones(world: &World, store: &[Source], statements: &[Statement]) -> Vec<String> {
    let long = [
        "runs",
        "task_runs",
        "attempts",
        "events",
        "log_lines",
        "idempotency_keys",
        "dispatch",
    ];
    let mut slow = Vec::new();
    for statement in statements {
        let plan = explain(world, statement, store).await;
        if plan.contains("JIT:") {
            slow.push(format!("{} is compiled each time:\n{plan}", statement.name));
        }
        for table in long {
            let reads_all = |line: &str| {
                line.split_once("Seq Scan on ")
                    .is_some_and(|(_, on)| on.split(' ').next() == Some(table))
            };
            // What counts everything that is live has to look at it, and does so now and then.
            let is_its_purpose = (statement.name.as_str(), table) == ("measure_live", "dispatch");
            if plan.lines().any(reads_all) && !is_its_purpose {
                slow.push(format!("{} reads all of {table}:\n{plan}", statement.name));
            }
        }
    }
    slow
}
