//! What a program is given, and what is found of its end.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::json;
use waterclock_core::run::Outcome;
use waterclock_core::work::{LogStream, MapItem, Shard};
use waterclock_core::workflow::Runtime;

use crate::source::World;
use crate::work::{command, script, with_inputs, with_node, with_program};

#[tokio::test]
async fn a_program_that_exits_with_zero_succeeds_and_its_log_is_whole_before_its_report() {
    let world = World::new();
    let lease = world.source.give(script("echo one; echo two >&2; printf three"));
    let report = world.source.report_of(lease).await;
    assert_eq!((report.outcome, report.exit_code), (Outcome::Succeeded, Some(0)));
    assert_eq!(world.source.printed(lease, LogStream::Stdout), ["one", "three"]);
    assert_eq!(world.source.printed(lease, LogStream::Stderr), ["two"]);
    let lines_at_report = world.source.books().reports[0].1;
    assert_eq!(
        lines_at_report,
        world.source.books().log.len(),
        "every line came before the report"
    );
    world.stop().await;
}

#[tokio::test]
async fn a_program_that_exits_with_another_code_fails_with_its_last_lines() {
    let world = World::new();
    let report = world.perform(script("echo fine; echo broken >&2; exit 7")).await;
    assert_eq!((report.outcome, report.exit_code), (Outcome::Failed, Some(7)));
    assert_eq!(
        report.message.as_deref(),
        Some("exit code 7; its last lines:\nbroken")
    );
}

#[tokio::test]
async fn a_program_that_a_signal_ends_fails_and_the_signal_is_named() {
    let world = World::new();
    let report = world.perform(script("kill -SEGV $$")).await;
    assert_eq!((report.outcome, report.exit_code), (Outcome::Failed, Some(139)));
    assert!(
        report
            .message
            .unwrap()
            .starts_with("ended by SIGSEGV (signal 11)")
    );
}

#[tokio::test]
async fn values_are_single_arguments_whatever_they_contain() {
    let world = World::new();
    let name = "a b\"; touch /tmp/waterclock-evil $(id) ${x} \n*";
    let given = with_inputs(
        command(&["printf", "%s|", "${inputs.name}", "${task.key}", "", "$${plain}"]),
        json!({ "name": name }),
    );
    let lease = world.source.give(given);
    world.source.report_of(lease).await;
    let printed = world.source.printed(lease, LogStream::Stdout).join("\n");
    assert_eq!(printed, format!("{name}|node||${{plain}}|"));
}

#[tokio::test]
async fn the_environment_is_clean_but_for_what_is_documented() {
    let world = World::with(|config| config.path = "/usr/bin:/bin".into());
    let given = with_program(command(&["env"]), |program| {
        program.environment = BTreeMap::from([("OWN".into(), "${tenant}/${attempt}".into())]);
    });
    let (run, task_run) = (given.run_id.to_string(), given.task_run_id.to_string());
    let lease = world.source.give(given);
    world.source.report_of(lease).await;
    let printed = world.source.printed(lease, LogStream::Stdout);
    let found: BTreeMap<&str, &str> = printed.iter().filter_map(|line| line.split_once('=')).collect();
    let mut names: Vec<&str> = found.keys().copied().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "HOME",
            "LANG",
            "OWN",
            "PATH",
            "TMPDIR",
            "WATERCLOCK_ATTEMPT",
            "WATERCLOCK_INPUTS",
            "WATERCLOCK_OUTPUT",
            "WATERCLOCK_PROGRESS",
            "WATERCLOCK_RUN_ID",
            "WATERCLOCK_TASK_KEY",
            "WATERCLOCK_TASK_RUN_ID",
            "WATERCLOCK_TENANT",
            "WATERCLOCK_WORKFLOW",
        ]
    );
    assert_eq!(found["OWN"], "acme/1");
    assert_eq!(found["LANG"], "C.UTF-8");
    assert_eq!(found["WATERCLOCK_RUN_ID"], run);
    assert_eq!(found["WATERCLOCK_TASK_RUN_ID"], task_run);
    assert_eq!(found["HOME"], found["TMPDIR"]);
}

#[tokio::test]
async fn a_mapped_or_sharded_program_knows_its_share() {
    let world = World::new();
    let mut given = with_program(
        command(&[
            "printenv",
            "WATERCLOCK_ITEM",
            "WATERCLOCK_ITEM_INDEX",
            "WATERCLOCK_ITEM_COUNT",
            "OWN",
        ]),
        |program| {
            program.environment = BTreeMap::from([(
                "OWN".into(),
                "${item.id} ${index} ${nodes.fetch.outputs.rows} ${nodes.fetch.state}".into(),
            )]);
        },
    );
    given.item = Some(MapItem {
        index: 2,
        count: 5,
        value: json!({"id": "x"}),
    });
    given.nodes = Arc::new(json!({"fetch": {"state": "SUCCEEDED", "outputs": {"rows": 3}}}));
    let lease = world.source.give(given);
    world.source.report_of(lease).await;
    assert_eq!(
        world.source.printed(lease, LogStream::Stdout),
        ["{\"id\":\"x\"}", "2", "5", "x 2 3 SUCCEEDED"]
    );

    let mut given = script("env | grep SHARD | sort");
    given.shard = Some(Shard {
        index: 0,
        count: 3,
        items: vec![0, 1, 6],
        parameters: BTreeMap::from([(0, "Beijing".to_owned()), (1, "Shanghai".to_owned())]),
    });
    let lease = world.source.give(given);
    world.source.report_of(lease).await;
    assert_eq!(
        world.source.printed(lease, LogStream::Stdout),
        [
            "WATERCLOCK_SHARD_COUNT=3",
            "WATERCLOCK_SHARD_INDEX=0",
            "WATERCLOCK_SHARD_ITEMS=0,1,6",
            "WATERCLOCK_SHARD_PARAMETERS=0=Beijing,1=Shanghai",
        ]
    );
}

#[tokio::test]
async fn a_program_inherits_nothing_of_the_executor() {
    let leaked = File::open("/dev/null").unwrap();
    fcntl(leaked.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let world = World::new();
    let lease = world.source.give(script(
        "ls /proc/self/fd | tr '\\n' ' '; echo; readlink /proc/$$/fd/0; ulimit -c; \
         cut -d ' ' -f 6 /proc/$$/stat; echo $$",
    ));
    world.source.report_of(lease).await;
    let printed = world.source.printed(lease, LogStream::Stdout);
    assert_eq!(printed[0], "0 1 2 3 ", "the fourth is the folder that ls reads");
    assert_eq!(printed[1..3], ["/dev/null", "0"]);
    assert_eq!(printed[3], printed[4], "it leads its own session");

    let lease = world
        .source
        .give(command(&["grep", "-E", "SigBlk|SigIgn", "/proc/self/status"]));
    world.source.report_of(lease).await;
    for line in world.source.printed(lease, LogStream::Stdout) {
        // Beyond the 31 that have names are those that a C library keeps to itself.
        let signals = line.split_whitespace().last().unwrap();
        let named = u64::from_str_radix(signals, 16).unwrap() & 0x7fff_ffff;
        assert_eq!(named, 0, "{line}");
    }
}

#[tokio::test]
async fn the_working_directory_is_fresh_and_removed_and_inputs_are_a_file() {
    let world = World::new();
    let given = with_inputs(
        script("pwd; ls; cat \"$WATERCLOCK_INPUTS\"; mkdir -p a/b; echo x > a/b/c; chmod 000 a/b/c"),
        json!({"n": [1, 2]}),
    );
    let lease = world.source.give(given);
    world.source.report_of(lease).await;
    let printed = world.source.printed(lease, LogStream::Stdout);
    assert!(!std::path::Path::new(&printed[0]).exists());
    assert_eq!(printed[1..], ["script.sh", "{\"n\":[1,2]}"]);
    let attempts = world.folder().join("executor-tester/attempts");
    assert_eq!(std::fs::read_dir(attempts).unwrap().count(), 0);
}

#[tokio::test]
async fn limits_on_memory_and_files_hold() {
    let world = World::new();
    let given = with_program(script("ulimit -v; ulimit -n"), |program| {
        program.memory_limit = Some(512 * 1024 * 1024);
        program.open_files_limit = Some(64);
    });
    let lease = world.source.give(given);
    let report = world.source.report_of(lease).await;
    let printed = world.source.printed(lease, LogStream::Stdout);
    assert_eq!(printed, ["524288", "64"], "{:?}", report.message);
}

#[tokio::test]
async fn what_the_executor_lacks_is_a_fault_that_names_it() {
    let world = World::new();
    let missing = [
        (command(&["no-such-program"]), "no-such-program"),
        (command(&["/no/such/program"]), "/no/such/program"),
        (
            with_program(script(""), |program| {
                program.working_directory = Some("/no/such/folder".into());
            }),
            "/no/such/folder",
        ),
        (
            with_program(command(&["./run"]), |program| {
                program.files = BTreeMap::from([("run".into(), "#!/no/such/interpreter\n".into())]);
            }),
            "interpreter",
        ),
    ];
    for (given, named) in missing {
        let report = world.perform(given).await;
        assert_eq!(report.outcome, Outcome::Fault);
        let message = report.message.unwrap();
        assert!(message.contains(named), "{message}");
    }
}

#[tokio::test]
async fn what_the_definition_lacks_is_a_failure_that_names_it() {
    let world = World::new();
    let wrong = [
        (command(&["echo", "${inputs.absent}"]), "inputs.absent"),
        (
            with_program(script(""), |program| program.entry_point = None),
            "entryPoint",
        ),
        (
            with_program(command(&["x"]), |program| program.command.clear()),
            "neither a command nor a package",
        ),
        (
            with_inputs(command(&["echo", "${inputs.a}"]), json!({"a": "x\0y"})),
            "NUL",
        ),
        (
            with_program(script(""), |program| {
                program.files.insert("../evil".into(), String::new());
            }),
            "../evil",
        ),
        (
            with_program(script(""), |program| {
                program.environment.insert("A=B".into(), String::new());
            }),
            "A=B",
        ),
    ];
    for (given, named) in wrong {
        let report = world.perform(given).await;
        let message = report.message.unwrap();
        assert_eq!(report.outcome, Outcome::Failed, "{message}");
        assert!(message.contains(named), "{message}");
    }
}

#[tokio::test]
async fn output_beyond_its_limit_is_cut_and_the_cut_is_marked_and_the_program_goes_on() {
    let world = World::new();
    let given = with_program(
        script("i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done; exit 3"),
        |program| program.output_limit = 110,
    );
    let lease = world.source.give(given);
    let report = world.source.report_of(lease).await;
    assert_eq!(report.exit_code, Some(3));
    assert_eq!(world.source.printed(lease, LogStream::Stdout).len(), 10);
    let remarks = world.source.printed(lease, LogStream::System);
    assert!(
        remarks.last().unwrap().contains("outputLimit of 110 bytes"),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn a_great_deal_of_output_arrives_whole_and_in_order() {
    let world = World::new();
    let lease = world
        .source
        .give(with_program(command(&["seq", "100000"]), |program| {
            program.output_limit = 16 << 20;
        }));
    world.source.report_of(lease).await;
    let expected: Vec<String> = (1..=100_000).map(|number| number.to_string()).collect();
    assert_eq!(world.source.printed(lease, LogStream::Stdout), expected);
}

#[tokio::test]
async fn python_and_its_output_are_followed_live() {
    let world = World::new();
    let given = with_program(script(""), |program| {
        program.runtime = Runtime::Python;
        program.entry_point = Some("main.py".into());
        program.files = BTreeMap::from([(
            "main.py".into(),
            "import sys, time\nprint('up', sys.argv[1])\ntime.sleep(1000)\n".into(),
        )]);
        program.arguments = vec!["a b".into()];
    });
    let given = with_node(given, |node| node.grace_ms = 0);
    let lease = world.source.give(given);
    world
        .source
        .shows(|books| books.log.iter().any(|line| line.text == "up a b").then_some(()))
        .await;
    world.source.cancel(lease);
    assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn two_hundred_programs_at_once_all_end_well() {
    let world = World::with(|config| config.slots = 64);
    let leases: Vec<_> = (0..200).map(|_| world.source.give(command(&["true"]))).collect();
    for lease in leases {
        let report = world.source.report_of(lease).await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.message);
    }
    world.stop().await;
}
