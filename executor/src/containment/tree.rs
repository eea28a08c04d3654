//! Who descends from whom, read from `/proc`.

use std::collections::{HashMap, HashSet};
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sends `signal` to every process that descends from `ancestor`.
///
/// The ancestor is to be the caller, a subreaper: its children cannot be reaped by anybody else, so their numbers are not
/// given to strangers meanwhile. For deeper descendants that holds as long as their parents have not reaped them, a span
/// too short for the numbers to come round.
pub(super) fn signal_descendants(ancestor: Pid, signal: Signal) {
    for pid in descendants(&parents(), ancestor) {
        // It may have ended by itself meanwhile.
        let _ = kill(pid, signal);
    }
}

/// Kills every process that descends from `ancestor` now; one that was just being forked may be missed.
pub(super) fn kill_descendants(ancestor: Pid) {
    // Stopped first, so that nobody forks while the list is read.
    signal_descendants(ancestor, Signal::SIGSTOP);
    signal_descendants(ancestor, Signal::SIGKILL);
}

/// Kills what descends from `ancestor` other than through the children `kept`; false when there is nothing such.
pub(super) fn kill_strays(ancestor: Pid, kept: &HashSet<Pid>) -> bool {
    let parents = parents();
    let strays: Vec<Pid> = parents
        .iter()
        .filter(|(child, parent)| *parent == ancestor && !kept.contains(child))
        .map(|&(child, _)| child)
        .collect();
    for &stray in &strays {
        let _ = kill(stray, Signal::SIGSTOP);
        kill_descendants(stray);
        let _ = kill(stray, Signal::SIGKILL);
    }
    !strays.is_empty()
}

/// Every process and its parent.
fn parents() -> Vec<(Pid, Pid)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((Pid::from_raw(pid), parent_in(&stat)?))
        })
        .collect()
}

/// The parent in a line of `/proc/<pid>/stat`: `pid (name) state parent …`. The name may hold anything, parentheses too.
fn parent_in(stat: &str) -> Option<Pid> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let parent = after_name.split_whitespace().nth(1)?;
    parent.parse().ok().map(Pid::from_raw)
}

fn descendants(parents: &[(Pid, Pid)], ancestor: Pid) -> HashSet<Pid> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for &(child, parent) in parents {
        children.entry(parent).or_default().push(child);
    }
    let mut found = HashSet::new();
    let mut open = vec![ancestor];
    while let Some(next) = open.pop() {
        for &child in children.get(&next).into_iter().flatten() {
            if found.insert(child) {
                open.push(child);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent_in("7 (a) b) S 42 7 7 0"), Some(Pid::from_raw(42)));
        assert_eq!(parent_in("nonsense"), None);
    }

    #[test]
    fn descendants_are_those_below_and_nobody_else() {
        let pid = Pid::from_raw;
        let parents = [
            (pid(2), pid(1)),
            (pid(3), pid(2)),
            (pid(4), pid(3)),
            (pid(5), pid(1)),
        ];
        let found = descendants(&parents, pid(2));
        assert_eq!(found, HashSet::from([pid(3), pid(4)]));
    }

    #[test]
    fn this_process_has_a_parent() {
        assert!(parents().contains(&(Pid::this(), Pid::parent())));
    }
}
