//! An executor that is killed with KILL takes everything it ran along.
//!
//! The executor to be killed is this test executable, started anew to run one test that is ignored otherwise.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::source::World;
use crate::witness::{Witness, stubborn, stubborn_orphan};
use crate::work::script;

const FIFO: &str = "WATERCLOCK_TEST_FIFO";
const ORPHAN_FIFO: &str = "WATERCLOCK_TEST_ORPHAN_FIFO";
const NO_CGROUPS: &str = "WATERCLOCK_TEST_NO_CGROUPS";

#[tokio::test]
#[ignore = "is the executor that the other tests here kill"]
async fn victim() {
    let fifo = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(foreground), Some(orphan)) = (fifo(FIFO), fifo(ORPHAN_FIFO)) else {
        return;
    };
    let world = World::with(|config| config.use_cgroups = std::env::var_os(NO_CGROUPS).is_none());
    let text = format!("{}; {}", stubborn_orphan(&orphan), stubborn(&foreground));
    world.source.give(script(&text));
    world.ended().await.unwrap();
}

fn start_victim(witness: &Witness, orphan: &Witness, no_cgroups: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "killed::victim", "--ignored"])
        .env(FIFO, witness.path())
        .env(ORPHAN_FIFO, orphan.path())
        .stdout(Stdio::null());
    if no_cgroups {
        command.env(NO_CGROUPS, "1");
    }
    command.spawn().unwrap()
}

async fn dies_with_its_executor(no_cgroups: bool) {
    let (mut witness, mut orphan) = (Witness::new(), Witness::new());
    let mut victim = start_victim(&witness, &orphan, no_cgroups);
    witness.sees_somebody().await;
    orphan.sees_somebody().await;
    victim.kill().unwrap();
    victim.wait().unwrap();
    witness.sees_nobody().await;
    orphan.sees_nobody().await;
}

#[tokio::test]
async fn programs_and_their_orphans_die_with_their_executor() {
    dies_with_its_executor(false).await;
}

#[tokio::test]
async fn programs_and_their_orphans_die_with_their_executor_without_cgroups() {
    dies_with_its_executor(true).await;
}
