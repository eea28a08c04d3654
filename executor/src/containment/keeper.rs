//! The process that holds the tree of one attempt: its subreaper.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollTimeout;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::order::{End, Event, KILL, Order, TERMINATE};
use super::warden::{block_signals, drain, wait_for};
use super::{native, tree};

/// How long what a program left behind may go on after it: time for the last stage of a pipe to print what it read.
const LINGER: Duration = Duration::from_millis(500);

/// How long a killed tree is given before it is killed again, for those who were just being forked.
const BETWEEN_KILLS: Duration = Duration::from_millis(10);

/// What a keeper is given to work with.
pub(super) struct Post {
    control: UnixStream,
    stdout: OwnedFd,
    stderr: OwnedFd,
    cgroup: Option<Cgroup>,
}

struct Cgroup {
    members: File,
    kill: File,
}

impl Post {
    /// From the descriptors of a message, in their order; `None` when some are missing.
    pub(super) fn from_descriptors(descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut descriptors = descriptors.into_iter();
        Some(Self {
            control: descriptors.next()?.into(),
            stdout: descriptors.next()?,
            stderr: descriptors.next()?,
            cgroup: descriptors
                .next()
                .zip(descriptors.next())
                .map(|(members, kill)| Cgroup {
                    members: members.into(),
                    kill: kill.into(),
                }),
        })
    }
}

/// The keeper of one attempt.
pub(super) struct Keeper {
    control: UnixStream,
    deaths: SignalFd,
    program: Pid,
    kill_all: Option<File>,
    state: State,
}

/// How far the attempt is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The program runs.
    Running,
    /// The program has ended; what it left behind has until this instant.
    Lingering(Instant),
    /// Everybody was asked to end, and the executor says when to kill.
    Terminating,
    /// Everybody is being killed.
    Killing,
}

impl Keeper {
    /// Becomes the subreaper and starts the program that the executor orders; `None` when it cannot be started.
    pub(super) fn of(post: Post) -> io::Result<Option<Self>> {
        prctl::set_name(c"wc-keeper")?;
        prctl::set_child_subreaper(true)?;
        let deaths = block_signals()?;
        let mut control = post.control;
        let order = Order::read_from(&mut control)?;
        let (members, kill_all) = post.cgroup.map(|cgroup| (cgroup.members, cgroup.kill)).unzip();
        let mut command = Command::new(&order.words[0]);
        command
            .args(&order.words[1..])
            .env_clear()
            .envs(&order.environment)
            .current_dir(&order.directory)
            .stdin(Stdio::null())
            .stdout(post.stdout)
            .stderr(post.stderr);
        native::arrange_program(&mut command, order.limits, members);
        let (event, program) = match command.spawn() {
            Ok(program) => {
                let pid = program.id().cast_signed();
                (Event::Started(pid), Some(Pid::from_raw(pid)))
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(Errno::EIO as i32);
                (Event::NotStarted(errno), None)
            }
        };
        // An executor that is gone is noticed as the end of the socket, and then the tree is killed.
        let _ = control.write_all(&event.to_bytes());
        Ok(program.map(|program| Self {
            control,
            deaths,
            program,
            kill_all,
            state: State::Running,
        }))
    }

    /// Holds the tree until nothing of it is left.
    pub(super) fn keep(mut self) -> io::Result<()> {
        while self.reap() {
            if self.state == State::Killing {
                self.kill();
            }
            // After the order to kill there is nothing more to hear.
            let control = (self.state != State::Killing).then_some(self.control.as_fd());
            let [died, ordered] = wait_for([Some(self.deaths.as_fd()), control], self.timeout())?;
            if died {
                drain(&self.deaths)?;
            }
            if ordered {
                self.obey();
            }
            if let State::Lingering(until) = self.state
                && Instant::now() >= until
            {
                self.state = State::Killing;
            }
        }
        Ok(())
    }

    /// Takes note of who has died; false when nobody is left.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, end) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, End::Exited(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, End::Signalled(signal as i32)),
                Ok(_) => return true,
                Err(Errno::EINTR) => continue,
                Err(_) => return false,
            };
            if pid == self.program {
                self.program_ended(end);
            }
        }
    }

    fn program_ended(&mut self, end: End) {
        let _ = self.control.write_all(&Event::Ended(end).to_bytes());
        match self.state {
            State::Running => self.state = State::Lingering(Instant::now() + LINGER),
            // What it started while everybody else was told has not heard of it.
            State::Terminating => terminate_all(),
            State::Lingering(_) | State::Killing => {}
        }
    }

    fn timeout(&self) -> PollTimeout {
        let wait = match self.state {
            State::Running | State::Terminating => return PollTimeout::NONE,
            State::Lingering(until) => {
                until.saturating_duration_since(Instant::now()) + Duration::from_millis(1)
            }
            State::Killing => BETWEEN_KILLS,
        };
        PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
    }

    /// Reads one word of the executor's. The end of the socket is its death, and an order to kill.
    fn obey(&mut self) {
        let mut word = [KILL];
        match self.control.read(&mut word) {
            Ok(1) if word[0] == TERMINATE => {
                self.state = State::Terminating;
                terminate_all();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => self.state = State::Killing,
        }
    }

    fn kill(&mut self) {
        if let Some(kill) = &mut self.kill_all {
            let _ = kill.write(b"1");
        }
        tree::kill_descendants(Pid::this());
    }
}

fn terminate_all() {
    tree::signal_descendants(Pid::this(), Signal::SIGTERM);
    // One that is stopped hears of TERM only when it goes on.
    tree::signal_descendants(Pid::this(), Signal::SIGCONT);
}
