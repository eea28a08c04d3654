//! A cgroup per attempt, where the system lets us make one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tracing::debug;

/// What the names of the cgroups we make begin with; then comes the process that made them.
const PREFIX: &str = "waterclock-";

/// The cgroup that the executor itself is in, below which it may make others.
#[derive(Debug)]
pub(super) struct CgroupParent {
    folder: PathBuf,
}

/// The cgroup of one attempt. It is removed when this is dropped, by when nothing may be left in it.
#[derive(Debug)]
pub(super) struct Cgroup {
    folder: PathBuf,
    pub(super) members: File,
    pub(super) kill: File,
}

impl CgroupParent {
    /// Our own cgroup, when attempts can be given cgroups below it that the kernel kills as one.
    pub(super) fn find() -> Option<Self> {
        let memberships = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let parent = Self {
            folder: own_folder(&memberships, &mounts)?,
        };
        parent.remove_abandoned();
        match parent.probe() {
            Ok(()) => Some(parent),
            Err(error) => {
                debug!(folder = %parent.folder.display(), %error, "no cgroups can be made here");
                None
            }
        }
    }

    /// Moving a process needs leave to write the members of the cgroup it goes to and of the one above both.
    fn probe(&self) -> io::Result<()> {
        File::options()
            .write(true)
            .open(self.folder.join("cgroup.procs"))?;
        self.make(&format!("probe-{}", uuid::Uuid::now_v7())).map(drop)
    }

    /// Makes a cgroup for the attempt `name`. Its own name begins with who made it.
    pub(super) fn make(&self, name: &str) -> io::Result<Cgroup> {
        let maker = std::process::id();
        let folder = self.folder.join(format!("{PREFIX}{maker}-{name}"));
        fs::create_dir(&folder)?;
        let open = |file: &str| File::options().write(true).open(folder.join(file));
        match (open("cgroup.procs"), open("cgroup.kill")) {
            (Ok(members), Ok(kill)) => Ok(Cgroup {
                folder,
                members,
                kill,
            }),
            (Err(error), _) | (_, Err(error)) => {
                let _ = fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// Removes what executors left here that were killed. One with somebody in it cannot be removed.
    fn remove_abandoned(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name
                .to_str()
                .is_some_and(|name| is_abandoned(name, process_exists))
            {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.folder) {
            debug!(folder = %self.folder.display(), %error, "a cgroup could not be removed");
        }
    }
}

/// Whether a cgroup of this name was made by an executor that is gone.
fn is_abandoned(name: &str, exists: impl Fn(&str) -> bool) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(maker, _)| !exists(maker))
}

fn process_exists(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

/// The folder of our cgroup of version 2, from `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn own_folder(memberships: &str, mounts: &str) -> Option<PathBuf> {
    let membership = memberships.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        if !kind.starts_with("cgroup2 ") {
            return None;
        }
        let mut fields = place.split_whitespace().skip(3);
        let (root, mount_point) = (fields.next()?, fields.next()?);
        let below = Path::new(membership).strip_prefix(root).ok()?;
        Some(Path::new(mount_point).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_cgroup_is_found_below_its_mount() {
        let memberships = "3:cpu:/x\n0::/user.slice/a.service\n";
        let mounts = "25 1 0:20 / /proc rw - proc proc rw\n\
                      30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
        assert_eq!(
            own_folder(memberships, mounts),
            Some("/sys/fs/cgroup/user.slice/a.service".into())
        );
    }

    #[test]
    fn only_what_a_gone_executor_made_is_abandoned() {
        let exists = |pid: &str| pid == "7";
        assert!(is_abandoned("waterclock-8-task-1", exists));
        assert!(!is_abandoned("waterclock-7-task-1", exists));
        assert!(!is_abandoned("system.slice", exists));
    }

    #[test]
    fn a_mount_of_another_part_of_the_tree_is_of_no_use() {
        let mounts = "30 25 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(own_folder("0::/elsewhere\n", mounts), None);
        assert_eq!(own_folder("3:cpu:/x\n", mounts), None);
    }
}
