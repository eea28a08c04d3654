//! How busy the machine is, and whether that is a reason to take no more work.
//!
//! Slots are the hard limit; load is a veto on top. One threshold alone would flap: work is refused, load falls by the
//! share of that work, work is taken again. So the veto, once raised, holds until load is well below the threshold.

use std::fs;

/// How far below its threshold a load must fall before work is taken again.
const MARGIN: f32 = 0.1;

/// The load, 0 to 1, above which an executor wants no more work; `None` never vetoes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadThresholds {
    /// The share of the machine's processors in use.
    pub cpu: Option<f32>,
    /// The share of the machine's memory in use.
    pub memory: Option<f32>,
}

/// One reading of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    pub(crate) cpu: f32,
    pub(crate) memory: f32,
}

/// Reads the machine's load and remembers whether it is too high.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    thresholds: LoadThresholds,
    ticks: Ticks,
    overloaded: bool,
}

impl LoadMeter {
    pub(crate) fn new(thresholds: LoadThresholds) -> Self {
        Self {
            thresholds,
            ticks: Ticks::read(),
            overloaded: false,
        }
    }

    /// The load since the last reading, and whether it vetoes more work.
    pub(crate) fn read(&mut self) -> (Load, bool) {
        let ticks = Ticks::read();
        let load = Load {
            cpu: ticks.share_since(self.ticks),
            memory: memory_in_use(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
        };
        self.ticks = ticks;
        self.overloaded = is_overloaded(self.overloaded, load, self.thresholds);
        (load, self.overloaded)
    }
}

fn is_overloaded(was: bool, load: Load, thresholds: LoadThresholds) -> bool {
    let passed = |value: f32, threshold: Option<f32>| {
        threshold.is_some_and(|threshold| value > if was { threshold - MARGIN } else { threshold })
    };
    passed(load.cpu, thresholds.cpu) || passed(load.memory, thresholds.memory)
}

/// What the processors have done since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ticks {
    busy: u64,
    total: u64,
}

impl Ticks {
    fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    /// From the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal (and guest time, which
    /// is in user time already).
    fn parse(stat: &str) -> Self {
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|field| field.parse().ok())
            .collect();
        let total = fields.iter().sum();
        let idle: u64 = fields.iter().skip(3).take(2).sum();
        Self {
            busy: total - idle,
            total,
        }
    }

    fn share_since(self, earlier: Self) -> f32 {
        share(
            self.busy.saturating_sub(earlier.busy),
            self.total.saturating_sub(earlier.total),
        )
    }
}

/// From `/proc/meminfo`: what is neither free nor given back on demand.
fn memory_in_use(meminfo: &str) -> f32 {
    let kilobytes = |name: &str| {
        meminfo
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.trim_end_matches("kB").trim().parse::<u64>().ok())
            .unwrap_or(0)
    };
    let total = kilobytes("MemTotal:");
    share(total.saturating_sub(kilobytes("MemAvailable:")), total)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a share is read by people and compared with a threshold: three digits do"
)]
fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 {
        return 0.0;
    }
    ((part as f64 / whole as f64) as f32).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(cpu: f32, memory: f32) -> Load {
        Load { cpu, memory }
    }

    #[test]
    fn a_veto_holds_until_load_is_well_below_its_threshold() {
        let thresholds = LoadThresholds {
            cpu: Some(0.8),
            memory: None,
        };
        assert!(!is_overloaded(false, load(0.79, 1.0), thresholds));
        assert!(is_overloaded(false, load(0.81, 0.0), thresholds));
        assert!(is_overloaded(true, load(0.75, 0.0), thresholds));
        assert!(!is_overloaded(true, load(0.69, 0.0), thresholds));
    }

    #[test]
    fn without_thresholds_nothing_is_too_much() {
        assert!(!is_overloaded(true, load(1.0, 1.0), LoadThresholds::default()));
    }

    #[test]
    fn the_processors_share_is_what_was_not_idle_since_the_last_reading() {
        let earlier = Ticks::parse("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n");
        let later = Ticks::parse("cpu  150 0 110 760 130 10 0 40 50 0\n");
        assert!((later.share_since(earlier) - 0.55).abs() < 0.001);
    }

    #[test]
    fn memory_that_can_be_given_back_is_not_in_use() {
        let meminfo = "MemTotal:        8000 kB\nMemFree:   100 kB\nMemAvailable:    6000 kB\n";
        assert!((memory_in_use(meminfo) - 0.25).abs() < 0.001);
        assert!(memory_in_use("").abs() < f32::EPSILON);
    }
}
