//! Processes that end with whoever holds them.
//!
//! A scenario is a future. An error leaves it, and Ctrl-C drops it, at any of its awaits. The one place that every way
//! out passes is `drop`, so that is where a process is stopped, and where its end is waited for.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a process has to end in order before it is killed.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How much of a log is repeated in an error.
const TOLD: usize = 2_000;

/// A running process; dropped, it is told to stop and its end awaited.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, whose output goes to `log`. It gets a process group of its own, so that Ctrl-C reaches us alone
    /// and the processes stop in our order.
    pub(crate) fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| {
                let program = command.get_program().display();
                format!("{program} cannot be started; `make bench` builds it")
            })?;
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails when the process has ended, with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!(
                "a process ended early ({status}); its log ends:\n{}",
                self.end_of_log()
            ),
        }
    }

    pub(crate) fn end_of_log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(TOLD)..]).into_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "this thread has nothing else to do")]
    fn ended_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            sleep(LOOK_AGAIN);
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // It has not been waited for, so the id is still its own.
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
            if self.ended_within(PATIENCE).is_none() {
                eprintln!(
                    "process {} does not end; killing it. Its log ends:\n{}",
                    self.child.id(),
                    self.end_of_log()
                );
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}
