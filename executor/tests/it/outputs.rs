//! What programs give, and how far they say that they are.

use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, LogStream, OUTPUT_LIMIT, Progress, Report};
use waterclock_core::workflow::Runtime;

use crate::source::{Call, World};
use crate::witness::Barrier;
use crate::work::{script, with_node, with_program};

/// A Python program with this text.
fn python(text: &str) -> Assignment {
    with_program(script(""), |program| {
        program.runtime = Runtime::Python;
        program.entry_point = Some("main.py".into());
        program
            .files
            .insert("main.py".into(), format!("import os\n{text}"));
    })
}

/// Runs a program, and gives its report and the executor's remarks on it, but for that it was started.
async fn performed(given: Assignment) -> (Report, Vec<String>) {
    let world = World::new();
    let lease = world.source.give(given);
    let report = world.source.report_of(lease).await;
    let mut remarks = world.source.printed(lease, LogStream::System);
    remarks.remove(0);
    world.stop().await;
    (report, remarks)
}

#[tokio::test]
async fn a_program_gives_what_it_writes_into_its_file() {
    let text = "echo rows=7 >> \"$WATERCLOCK_OUTPUT\"
        { echo 'report<<END'; cat; echo END; } >> \"$WATERCLOCK_OUTPUT\" <<'X'\nfirst\nsecond = 2\nX\n\
        printf 'ids:=[1, {\"a\": null}]' >> \"$WATERCLOCK_OUTPUT\"";
    let (report, remarks) = performed(script(text)).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.message);
    let expected = json!({"rows": "7", "report": "first\nsecond = 2", "ids": [1, {"a": null}]});
    assert_eq!((report.output, report.message), (Some(expected), None));
    assert!(remarks.is_empty(), "{remarks:?}");
}

#[tokio::test]
async fn a_program_that_says_nothing_gives_nothing() {
    for text in ["true", "rm \"$WATERCLOCK_OUTPUT\" \"$WATERCLOCK_PROGRESS\""] {
        let (report, remarks) = performed(script(text)).await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{text}");
        assert_eq!(report.output, None, "{text}");
        assert!(remarks.is_empty(), "{remarks:?}");
    }
}

#[tokio::test]
async fn a_program_that_fails_has_given_what_it_wrote_before() {
    let (report, _) = performed(script("echo at=row-9 > \"$WATERCLOCK_OUTPUT\"; exit 4")).await;
    assert_eq!((report.outcome, report.exit_code), (Outcome::Failed, Some(4)));
    assert_eq!(report.output, Some(json!({"at": "row-9"})));
}

#[tokio::test]
async fn lines_that_are_no_outputs_are_remarked_and_fail_nothing() {
    let text = "open(os.environ['WATERCLOCK_OUTPUT'], 'wb').write(b'fine=1\\nnonsense\\n\\x7fELF\\x00\\xff\\nalso=2')";
    let (report, remarks) = performed(python(text)).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.output, Some(json!({"fine": "1", "also": "2"})));
    assert_eq!(remarks.len(), 3, "{remarks:?}");
    assert!(remarks[1].contains("line 2 is neither"), "{remarks:?}");
    assert!(remarks[2].contains("line 3 is neither"), "{remarks:?}");
}

#[tokio::test]
async fn a_success_whose_outputs_are_lost_is_a_failure() {
    for (text, told) in [
        (
            "echo 'a<<END' > \"$WATERCLOCK_OUTPUT\"",
            "no line is that delimiter",
        ),
        (
            "rm \"$WATERCLOCK_OUTPUT\"; mkdir \"$WATERCLOCK_OUTPUT\"",
            "a folder lies in its place",
        ),
        (
            "echo a=1 > other; ln -sf \"$PWD/other\" \"$WATERCLOCK_OUTPUT\"",
            "a link lies in its place",
        ),
        (
            "rm \"$WATERCLOCK_OUTPUT\"; mkfifo \"$WATERCLOCK_OUTPUT\"",
            "no plain file lies in its place",
        ),
    ] {
        let (report, _) = performed(script(text)).await;
        let message = report.message.unwrap();
        assert_eq!(
            (report.outcome, report.exit_code),
            (Outcome::Failed, Some(0)),
            "{message}"
        );
        assert!(message.contains(told), "{message}");
        assert_eq!(report.output, None);
    }
    let (report, _) = performed(script("echo 'a<<END' > \"$WATERCLOCK_OUTPUT\"; exit 3")).await;
    assert!(report.message.unwrap().starts_with("exit code 3"));
}

#[tokio::test]
async fn outputs_beyond_the_limit_are_left_out_and_that_is_told() {
    let text = "f = open(os.environ['WATERCLOCK_OUTPUT'], 'w')\n\
                f.write('kept=1\\nhuge=' + 'x' * 300_000 + '\\nendless<<E\\n')\n\
                for _ in range(3_000): f.write('y' * 1000 + '\\n')\n";
    let (report, remarks) = performed(python(text)).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    let output = report.output.unwrap();
    assert_eq!(output, json!({"kept": "1"}));
    assert!(output.to_string().len() <= OUTPUT_LIMIT);
    let message = report.message.unwrap();
    assert!(
        message.contains("is read up to") && message.contains("huge left out"),
        "{message}"
    );
    assert_eq!(remarks, [message]);
}

/// What was told of the progress of an attempt, in order.
fn told(progress: &[Progress]) -> Vec<(Option<f64>, Option<&str>)> {
    progress
        .iter()
        .map(|progress| (progress.percent, progress.message.as_deref()))
        .collect()
}

#[tokio::test]
async fn progress_is_told_while_the_program_runs_and_once_more_at_its_end() {
    let world = World::new();
    let barrier = Barrier::new();
    let text = format!(
        "echo 10 >> \"$WATERCLOCK_PROGRESS\"; echo '42.5% loading' >> \"$WATERCLOCK_PROGRESS\"; {}; \
         printf '100 done' > \"$WATERCLOCK_PROGRESS\"",
        barrier.wait()
    );
    let lease = world.source.give(script(&text));
    world.source.shows(|books| books.progress.last().cloned()).await;
    assert_eq!(
        told(&world.source.books().progress),
        [(Some(42.5), Some("loading"))]
    );
    barrier.open().await;
    world.source.report_of(lease).await;
    let books = world.source.books();
    let expected = [(Some(42.5), Some("loading")), (Some(100.0), Some("done"))];
    assert_eq!(told(&books.progress), expected);
    assert!(books.progress.iter().all(|progress| progress.lease == lease));
}

#[tokio::test]
async fn a_program_that_tells_its_progress_without_pause_is_heard_now_and_then() {
    let text = "f = open(os.environ['WATERCLOCK_PROGRESS'], 'a')\n\
                for n in range(200_000): print(n * 100 / 200_000, 'row', n, file=f, flush=n % 100 == 0)\n\
                print('100 all rows', file=f)\n";
    let world = World::new();
    let begun = std::time::Instant::now();
    let lease = world.source.give(python(text));
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.message);
    let half_seconds = usize::try_from(begun.elapsed().as_millis() / 500).unwrap();
    let books = world.source.books();
    let told = told(&books.progress);
    assert_eq!(told.last(), Some(&(Some(100.0), Some("all rows"))));
    assert!(told.len() <= half_seconds + 1, "{} in {half_seconds}", told.len());
}

#[tokio::test]
async fn what_lies_in_the_place_of_the_progress_is_not_read_and_told_once() {
    let text = "echo secret > other; ln -sf \"$PWD/other\" \"$WATERCLOCK_PROGRESS\"";
    let world = World::new();
    let lease = world.source.give(script(text));
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!(world.source.books().progress.is_empty());
    let remarks = world.source.printed(lease, LogStream::System);
    assert_eq!(
        remarks[1..],
        ["the file $WATERCLOCK_PROGRESS cannot be read: a link lies in its place"]
    );
}

#[tokio::test]
async fn an_attempt_ends_although_its_progress_cannot_be_told() {
    let world = World::new();
    world.source.cut_off(Call::ReportProgress);
    let report = world.perform(script("echo 50 > \"$WATERCLOCK_PROGRESS\"")).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    world.source.let_through(Call::ReportProgress);
    world
        .source
        .shows(|books| (!books.progress.is_empty()).then_some(()))
        .await;
    assert_eq!(told(&world.source.books().progress), [(Some(50.0), None)]);
}

#[tokio::test]
async fn a_timeout_that_only_warns_is_told_and_the_program_goes_on() {
    let world = World::new();
    let barrier = Barrier::new();
    let given = with_node(script(&format!("{}; echo done", barrier.wait())), |node| {
        node.timeout_ms = Some(30);
        node.on_timeout = waterclock_core::workflow::Overdue::Warn;
    });
    let lease = world.source.give(given);
    let warned = "takes longer than its timeout of 30ms, and goes on";
    world
        .source
        .shows(|books| books.log.iter().any(|line| line.text == warned).then_some(()))
        .await;
    barrier.open().await;
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.message);
    assert_eq!(world.source.printed(lease, LogStream::Stdout), ["done"]);
    let remarks = world.source.printed(lease, LogStream::System);
    assert_eq!(remarks.iter().filter(|remark| *remark == warned).count(), 1);
}

#[tokio::test]
async fn values_too_long_for_a_process_are_a_failure_that_says_what_to_do() {
    let mut given = script("true");
    given.item = Some(waterclock_core::work::MapItem {
        index: 0,
        count: 1,
        value: Value::String("x".repeat(200_000)),
    });
    let report = World::new().perform(given).await;
    let message = report.message.unwrap();
    assert_eq!(report.outcome, Outcome::Failed, "{message}");
    assert!(message.contains("give large values as files"), "{message}");
}
