//! Programs whose code is uploaded.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, LogStream};
use waterclock_core::workflow::{Digest, PackageRef, Runtime, Work};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::source::World;
use crate::work::{assignment, program_spec};

fn packaged(runtime: Runtime, entry_point: Option<&str>, file_name: &str, bytes: &[u8]) -> Assignment {
    let mut program = program_spec(runtime);
    program.entry_point = entry_point.map(str::to_owned);
    program.package = Some(PackageRef {
        digest: Digest::of(bytes),
        file_name: file_name.into(),
    });
    program.arguments = vec!["an argument".into()];
    assignment(Work::Program(program))
}

fn zip(entries: &BTreeMap<&str, &str>) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn prints(runtime: Runtime, entry_point: Option<&str>, file_name: &str, bytes: &[u8]) -> Vec<String> {
    let world = World::new();
    world.source.change(|books| {
        books
            .packages
            .insert(Digest::of(bytes), Bytes::copy_from_slice(bytes));
    });
    let lease = world
        .source
        .give(packaged(runtime, entry_point, file_name, bytes));
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.message);
    world.source.printed(lease, LogStream::Stdout)
}

#[tokio::test]
async fn a_single_file_is_executed_as_it_is() {
    let printed = prints(Runtime::Exec, None, "tool", b"#!/bin/sh\necho \"$1\"\n").await;
    assert_eq!(printed, ["an argument"]);
    let printed = prints(Runtime::Shell, None, "tool.sh", b"echo \"$1\"\n").await;
    assert_eq!(printed, ["an argument"]);
}

#[tokio::test]
async fn an_archive_is_unpacked_and_begins_at_its_entry_point() {
    let archive = zip(&BTreeMap::from([
        ("bin/go", "#!/bin/sh\ncat \"$WATERCLOCK_PACKAGE/data\"\n"),
        ("data", "42\n"),
    ]));
    assert_eq!(
        prints(Runtime::Exec, Some("bin/go"), "job.zip", &archive).await,
        ["42"]
    );
}

#[tokio::test]
async fn python_imports_from_a_package_and_runs_a_wheel_as_it_is() {
    let archive = zip(&BTreeMap::from([
        ("tool/__init__.py", "ANSWER = 42\n"),
        (
            "tool/cli.py",
            "import sys\nfrom tool import ANSWER\nprint(ANSWER, sys.argv[1])\n",
        ),
    ]));
    for name in ["tool.zip", "tool-1.0-py3-none-any.whl"] {
        let printed = prints(Runtime::Python, Some("tool.cli"), name, &archive).await;
        assert_eq!(printed, ["42 an argument"], "{name}");
    }
}

#[tokio::test]
async fn a_package_that_is_not_there_is_a_fault_and_one_that_is_damaged_a_failure() {
    let world = World::new();
    let report = world
        .perform(packaged(Runtime::Exec, None, "tool", b"absent"))
        .await;
    assert_eq!(report.outcome, Outcome::Fault);
    assert!(report.message.unwrap().contains("tool"));

    let wrong = packaged(Runtime::Exec, None, "tool", b"registered");
    world.source.change(|books| {
        books
            .packages
            .insert(Digest::of(b"registered"), Bytes::from_static(b"tampered with"));
        books
            .packages
            .insert(Digest::of(b"no zip"), Bytes::from_static(b"no zip"));
    });
    let report = world.perform(wrong).await;
    assert_eq!(report.outcome, Outcome::Fault);
    assert!(report.message.unwrap().contains("digest"));

    let report = world
        .perform(packaged(Runtime::Exec, None, "job.zip", b"no zip"))
        .await;
    assert_eq!(report.outcome, Outcome::Failed);
}
