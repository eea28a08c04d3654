//! What a program sees of its environment: nothing of the executor's own, except where executables are.

use std::collections::BTreeMap;
use std::path::Path;

use waterclock_core::work::{Assignment, MapItem, Shard};

use super::argv::{Invocation, PackagePath};
use super::files::AttemptFolder;

/// Where the variables of one attempt come from.
pub(super) struct Environment<'a> {
    pub(super) assignment: &'a Assignment,
    pub(super) folder: &'a AttemptFolder,
    pub(super) package: Option<PackagePath<'a>>,
    pub(super) invocation: &'a Invocation,
    /// Where executables are.
    pub(super) path: &'a str,
}

impl Environment<'_> {
    /// The given variables and the program's own, which win.
    pub(super) fn with(&self, mut own: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let given = self.given().into_iter();
        for (name, value) in given.chain(self.invocation.environment.iter().cloned()) {
            match own.get_mut(name) {
                // The package stays importable whatever else is.
                Some(others) if name == "PYTHONPATH" => *others = format!("{value}:{others}"),
                Some(_) => {}
                None => {
                    own.insert(name.to_owned(), value);
                }
            }
        }
        own
    }

    fn given(&self) -> Vec<(&'static str, String)> {
        let (assignment, folder) = (self.assignment, self.folder);
        let work = path_text(&folder.work());
        let mut given = vec![
            ("PATH", self.path.to_owned()),
            ("HOME", work.clone()),
            ("TMPDIR", work),
            ("LANG", "C.UTF-8".to_owned()),
            ("WATERCLOCK_TENANT", assignment.tenant.to_string()),
            ("WATERCLOCK_WORKFLOW", assignment.workflow.to_string()),
            ("WATERCLOCK_RUN_ID", assignment.run_id.to_string()),
            ("WATERCLOCK_TASK_KEY", assignment.node.key.clone()),
            ("WATERCLOCK_TASK_RUN_ID", assignment.task_run_id.to_string()),
            ("WATERCLOCK_ATTEMPT", assignment.fence.to_string()),
            ("WATERCLOCK_INPUTS", path_text(&folder.inputs())),
            ("WATERCLOCK_OUTPUT", path_text(&folder.output())),
            ("WATERCLOCK_PROGRESS", path_text(&folder.progress())),
        ];
        given.extend(assignment.item.iter().flat_map(of_item));
        given.extend(assignment.shard.iter().flat_map(of_shard));
        given.extend(
            self.package
                .map(|package| ("WATERCLOCK_PACKAGE", path_text(package.as_path()))),
        );
        given
    }
}

fn of_item(item: &MapItem) -> [(&'static str, String); 3] {
    [
        ("WATERCLOCK_ITEM", item.value.to_string()),
        ("WATERCLOCK_ITEM_INDEX", item.index.to_string()),
        ("WATERCLOCK_ITEM_COUNT", item.count.to_string()),
    ]
}

fn of_shard(shard: &Shard) -> [(&'static str, String); 4] {
    [
        ("WATERCLOCK_SHARD_INDEX", shard.index.to_string()),
        ("WATERCLOCK_SHARD_COUNT", shard.count.to_string()),
        ("WATERCLOCK_SHARD_ITEMS", shard.items_text()),
        ("WATERCLOCK_SHARD_PARAMETERS", shard.parameters_text()),
    ]
}

/// A path as text; the executor's own folder was checked to be text when it started.
pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
