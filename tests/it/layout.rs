//! The absences that hold the design up, read from the sources.

use waterclock_tests::sources::{Source, files, root};

/// The places where `forbidden` occurs in code, without those that `allowed` names.
fn places(sources: &[Source], forbidden: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources
        .iter()
        .filter(|source| !allowed.iter().any(|allowed| source.path.starts_with(allowed)))
    {
        for (number, line) in source.code() {
            if forbidden.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    found
}

fn product() -> Vec<Source> {
    ["core/src", "api/src", "executor/src", "cli/src"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect()
}

#[test]
fn what_decides_does_no_input_or_output() {
    let mut deciding = Vec::new();
    for module in [
        "schedule",
        "trigger",
        "run",
        "workflow",
        "assign",
        "wait",
        "expression",
    ] {
        deciding.extend(files(&format!("core/src/{module}"), "rs"));
    }
    assert!(deciding.len() >= 7, "the modules were found");
    let effects = [
        "tokio",
        "diesel",
        "std::fs",
        "std::net",
        "std::io",
        "std::process",
        "std::env",
        "reqwest",
        "crate::store",
        "crate::command",
        "async fn",
        ".await",
    ];
    assert_eq!(places(&deciding, &effects, &[]), [""; 0]);
}

#[test]
fn sql_is_written_in_the_store_alone() {
    let sql = [
        "diesel",
        "sql_query",
        "\"SELECT ",
        "\"INSERT ",
        "\"UPDATE ",
        "\"DELETE ",
        "\"WITH ",
        "\"BEGIN\"",
        "\"BEGIN;",
        "\"SET ",
    ];
    // The command line keeps a private cluster, and makes the database in it that everything else is in. What is read of an iCalendar file
    // stands between BEGIN and END.
    let allowed = [
        "core/src/store/",
        "cli/src/postgres/",
        "core/src/schedule/calendar/import.rs",
    ];
    assert_eq!(places(&product(), &sql, &allowed), [""; 0]);
}

#[test]
fn the_clock_alone_asks_the_machine_for_the_time() {
    let clocks = ["Utc::now", "Local::now", "SystemTime::now"];
    assert_eq!(places(&product(), &clocks, &["core/src/clock.rs"]), [""; 0]);
}

#[test]
fn api_and_executor_never_see_each_other_and_the_core_sees_neither() {
    let seen = |folder: &str, others: &[&str]| {
        let mut sources = files(&format!("{folder}/src"), "rs");
        sources.push(Source {
            path: format!("{folder}/Cargo.toml"),
            text: std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest"),
        });
        places(&sources, others, &[])
    };
    assert_eq!(
        seen("api", &["waterclock_executor::", "waterclock-executor"]),
        [""; 0]
    );
    assert_eq!(seen("executor", &["waterclock_api::", "waterclock-api"]), [""; 0]);
    let transports = [
        "waterclock_api::",
        "waterclock-api",
        "waterclock_executor::",
        "waterclock-executor",
        "axum",
        "async_graphql",
        "async-graphql",
        "hyper",
    ];
    assert_eq!(seen("core", &transports), [""; 0]);
}

/// The tables as a test prints them: one after the other, as many as there are.
const PRINTED: &str = "core/src/store/schema.rs";

#[test]
fn no_file_is_longer_than_a_reader_keeps_in_mind() {
    let mut sources = product();
    sources.extend(["tests", "benches"].iter().flat_map(|folder| files(folder, "rs")));
    let long: Vec<String> = sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|&(source, lines)| lines > 600 && source.path != PRINTED)
        .map(|(source, lines)| format!("{}: {lines} lines", source.path))
        .collect();
    assert_eq!(long, [""; 0]);
}
