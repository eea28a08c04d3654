//! Small graphs and what becomes of them: a file each in `tests/stories`, with the run as a printed tree.
//!
//! A story says its workflows as their authors write them, how the attempts of each node end, what people do when the run has
//! come to some point, and the tree of the run that follows, after what people were answered. Time moves to the next instant at
//! which something is due whenever nothing else can happen. With `WATERCLOCK_BLESS=1` the trees are written anew.

mod controls;
mod story;
mod telling;

use std::path::{Path, PathBuf};

use story::Story;
use telling::Telling;
use waterclock_tests::api::Client;
use waterclock_tests::{Scripted, World};

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of stories")
        .map(|entry| entry.expect("a story").path())
        .collect();
    paths.sort();
    paths
}

/// The executors of a story's tenant. Hours pass within a story, and none of them is to be lost in them.
async fn join(world: &World, story: &Story, tenant: &str) -> Vec<Scripted> {
    let mut executors = Vec::new();
    for key in &story.executors {
        let executor = world.executor(key).slots(story.slots).only_for(tenant);
        executors.push(executor.called_back_at("http://api").join().await);
    }
    world
        .execute(
            "UPDATE executors SET lease_until = 'infinity' WHERE ended_at IS NULL",
            &[],
        )
        .await;
    executors
}

/// Tells a story from its first word to its last.
async fn tell(world: &World, client: &Client, story: &Story, tenant: &str) -> String {
    let workflow = story.author(client).await;
    let executors = join(world, story, tenant).await;
    let telling = Telling::start(world, client, story, &executors, &workflow).await;
    let tree = telling.tell().await;
    for executor in &executors {
        executor.leave().await;
    }
    tree
}

#[tokio::test]
async fn every_story_ends_as_it_says() {
    let world = World::new().await;
    let api = world.serve().await;
    let scheduler = world.scheduler();
    let blesses = std::env::var_os("WATERCLOCK_BLESS").is_some();
    let mut wrong = Vec::new();
    let paths = stories();
    assert!(paths.len() >= 100, "{} stories", paths.len());
    for path in paths {
        let story = Story::read(&path);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let tenant = name.replace('_', "-");
        let tree = tell(&world, &api.admin(&tenant), &story, &tenant).await;
        if tree.trim_end() != story.tree.trim_end() {
            if blesses {
                bless(&path, &tree);
            } else {
                wrong.push(format!(
                    "{name}: {}\n{tree}\ninstead of\n{}",
                    story.shows, story.tree
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let doubled: Vec<String> = world
        .column(
            "SELECT parent_task_run_id::text FROM runs WHERE parent_task_run_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1",
            &[],
        )
        .await;
    assert_eq!(doubled, [""; 0], "a task run is one run at most");
    scheduler.stop().await;
}

/// Writes the tree of a story anew.
fn bless(path: &Path, tree: &str) {
    let text = std::fs::read_to_string(path).expect("a story");
    let kept = text.split("\ntree: |\n").next().unwrap_or_default().trim_end();
    let lines: Vec<String> = tree.trim_end().lines().map(|line| format!("  {line}")).collect();
    std::fs::write(path, format!("{kept}\ntree: |\n{}\n", lines.join("\n"))).expect("a story is written");
}
