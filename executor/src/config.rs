//! What an executor is told when it starts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use waterclock_core::clock::{SharedClock, SystemClock};
use waterclock_core::egress::EgressPolicy;

use crate::load::LoadThresholds;

/// Where programs look for executables when the executor itself has no `PATH`.
const STANDARD_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What an executor is told when it starts.
#[derive(Clone, Debug)]
pub struct ExecutorConfig {
    /// Its name among people; two executors may not live under one key at once.
    pub key: String,
    /// The key of the only tenant it works for; `None` for all.
    pub tenant: Option<String>,
    /// What it offers: each label is a word or `name=value`.
    pub labels: Vec<String>,
    /// The cost it carries at once.
    pub slots: u32,
    /// Where it keeps packages and working directories, in a folder of its own named for its key.
    pub data_dir: PathBuf,
    /// How long its lease lasts without a heartbeat; what the work source was told too.
    pub lease: Duration,
    /// How often it prolongs its lease.
    pub heartbeat_interval: Duration,
    /// How often it asks for work of its own accord, in case a hint was lost.
    pub idle_poll_interval: Duration,
    /// How long what runs may go on after the executor was asked to stop.
    pub drain_grace: Duration,
    /// The load above which it wants no more work.
    pub load: LoadThresholds,
    /// Which of our own networks endpoints may reach.
    pub egress: EgressPolicy,
    /// The most bytes of packages it keeps; those used longest ago go first.
    pub package_cache_limit: u64,
    /// Holds each program in a cgroup where one may be made. The subreaper is there in any case.
    pub use_cgroups: bool,
    /// The `PATH` of programs.
    pub path: String,
    /// Dates the lines of logs.
    pub clock: SharedClock,
}

impl ExecutorConfig {
    /// An executor with this key and this many slots, and defaults for all else.
    #[must_use]
    pub fn new(key: impl Into<String>, slots: u32, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            key: key.into(),
            tenant: None,
            labels: Vec::new(),
            slots,
            data_dir: data_dir.into(),
            lease: Duration::from_secs(15),
            heartbeat_interval: Duration::from_secs(3),
            idle_poll_interval: Duration::from_secs(1),
            drain_grace: Duration::from_secs(10),
            load: LoadThresholds::default(),
            egress: EgressPolicy::default(),
            package_cache_limit: 4 * 1024 * 1024 * 1024,
            use_cgroups: true,
            path: std::env::var("PATH").unwrap_or_else(|_| STANDARD_PATH.to_owned()),
            clock: Arc::new(SystemClock),
        }
    }

    /// Its own folder below [`ExecutorConfig::data_dir`].
    pub(crate) fn folder(&self) -> PathBuf {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name: String = self.key.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        self.data_dir.join(format!("executor-{name}"))
    }
}
