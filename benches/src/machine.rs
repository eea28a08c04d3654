//! The machine and the processes on it, as the kernel tells of them.

use std::collections::HashMap;
use std::fs;
use std::thread::available_parallelism;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::figures::number;

/// The kernel counts processor time for user space in hundredths of a second, on every architecture that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// How many processors this process may use.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The machine in a line.
pub(crate) fn describe() -> String {
    let told = |path: &str, name: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = told("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = told("/proc/meminfo", "MemTotal").unwrap_or_default();
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} cores ({model}), {memory} of memory, Linux {}",
        cores(),
        system.trim()
    )
}

/// Lets this process, and those that it starts, hold as many files open as the kernel allows: every socket is one.
pub(crate) fn raise_open_files_limit() -> nix::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)
}

/// A value of `/proc/<pid>/status`, such as `Threads` or `VmRSS` (in kB).
pub(crate) fn status_of(pid: u32, name: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory that a process holds, in megabytes.
pub(crate) fn resident_megabytes(pid: u32) -> Option<f64> {
    Some(status_of(pid, "VmRSS")? * 1024.0 / 1_000_000.0)
}

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Waterclock,
    Postgres,
    Benches,
}

/// The processor time, in seconds, that everything taking part has used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessorTime {
    pub(crate) waterclock: f64,
    postgres: f64,
    benches: f64,
}

impl ProcessorTime {
    /// All that was used until now, by this process and the living that descend from it.
    pub(crate) fn until_now() -> Self {
        let processes = Processes::read();
        let own = std::process::id();
        let mut time = Self::default();
        for (&pid, process) in &processes.0 {
            match processes.part_of(pid, own) {
                Some(Part::Benches) => time.benches += process.own_seconds,
                Some(Part::Postgres) => time.postgres += process.own_seconds + process.reaped_seconds,
                Some(Part::Waterclock) => time.waterclock += process.own_seconds + process.reaped_seconds,
                None => {}
            }
        }
        time
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            waterclock: self.waterclock - earlier.waterclock,
            postgres: self.postgres - earlier.postgres,
            benches: self.benches - earlier.benches,
        }
    }

    /// How much a piece of work took, and of whom.
    pub(crate) fn describe(self, pieces: usize) -> String {
        let all = (self.waterclock + self.postgres + self.benches).max(f64::MIN_POSITIVE);
        let share = |part: f64| format!("{:.0} %", part / all * 100.0);
        format!(
            "{:.0} µs of processor time each: Waterclock {}, PostgreSQL {}, the clients {}",
            all / number(pieces) * 1_000_000.0,
            share(self.waterclock),
            share(self.postgres),
            share(self.benches)
        )
    }
}

#[derive(Debug)]
struct ProcessStat {
    name: String,
    parent: u32,
    own_seconds: f64,
    /// Of children that have ended.
    reaped_seconds: f64,
}

/// The processes of the machine.
#[derive(Debug)]
struct Processes(HashMap<u32, ProcessStat>);

impl Processes {
    fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self(pids.filter_map(|pid| Some((pid, stat_of(pid)?))).collect())
    }

    /// Which part of the measurement `pid` is; `None` when it has nothing to do with `own`.
    fn part_of(&self, pid: u32, own: u32) -> Option<Part> {
        if pid == own {
            return Some(Part::Benches);
        }
        let process = self.0.get(&pid)?;
        self.part_of(process.parent, own)?;
        Some(if process.name == "postgres" {
            Part::Postgres
        } else {
            Part::Waterclock
        })
    }
}

/// Reads `/proc/<pid>/stat`: `pid (name) state parent …`, where the name may hold anything.
fn stat_of(pid: u32) -> Option<ProcessStat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some(ProcessStat {
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        own_seconds: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
        reaped_seconds: (ticks(13)? + ticks(14)?) / TICKS_PER_SECOND,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_state_and_a_parent() {
        let own = std::process::id();
        let processes = Processes::read();
        assert_eq!(processes.part_of(own, own), Some(Part::Benches));
        assert_eq!(processes.part_of(processes.0[&own].parent, own), None);
        assert!(status_of(own, "Threads").unwrap() >= 1.0);
        assert!(resident_megabytes(own).unwrap() > 0.0);
    }
}
