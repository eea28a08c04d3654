//! The process that makes keepers: small, with one thread, started once per executor.
//!
//! It is a subreaper too. Should a keeper be killed, its program dies with it, and what the program had started becomes the
//! warden's, which kills it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, close, dup2_stdin, setsid};

use super::keeper::{Keeper, Post};
use super::{native, tree};

/// Set in the environment of a process that is to be a warden. Programs never see it: their environment is made anew.
pub(super) const ROLE_VARIABLE: &str = "WATERCLOCK_PROCESS_WARDEN";

/// What a warden writes once it listens, so that an executable that never became one is noticed.
pub(super) const GREETING: &[u8] = b"warden";

/// The most descriptors in one message: control, stdout, stderr, and the two files of a cgroup.
const MOST_DESCRIPTORS: usize = 5;

/// How long, in milliseconds, what was killed is given to be gone before it is looked for again.
const BETWEEN_KILLS: u8 = 10;

/// Is the warden until the executor's end of the socket, which is standard input, closes.
pub(super) fn serve() -> ! {
    let code = match listen() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("the warden of a waterclock executor ended: {error}");
            1
        }
    };
    process::exit(code);
}

fn listen() -> io::Result<()> {
    close_inherited()?;
    prctl::set_name(c"wc-warden")?;
    native::reset_signals()?;
    // A session of its own: Ctrl-C in the terminal is for the executor, which then drains.
    setsid()?;
    prctl::set_child_subreaper(true)?;
    let deaths = block_signals()?;
    let stdin = io::stdin();
    nix::unistd::write(stdin.as_fd(), GREETING)?;
    let mut keepers = Keepers::default();
    loop {
        wait_for([Some(stdin.as_fd()), Some(deaths.as_fd())], keepers.timeout())?;
        drain(&deaths)?;
        keepers.reap();
        keepers.kill_strays();
        let Some(post) = receive(stdin.as_raw_fd())? else {
            break;
        };
        if let Some(post) = post {
            match native::fork_warden()? {
                ForkResult::Child => keep(post),
                ForkResult::Parent { child } => keepers.add(child),
            }
        }
    }
    // The keepers hear of the executor's end themselves.
    while keepers.hunting {
        wait_for([Some(deaths.as_fd())], keepers.timeout())?;
        drain(&deaths)?;
        keepers.reap();
        keepers.kill_strays();
    }
    Ok(())
}

/// The keepers there are.
#[derive(Default)]
struct Keepers {
    alive: HashSet<Pid>,
    /// A keeper was killed, or failed, and there may be children here that are no keepers.
    hunting: bool,
}

impl Keepers {
    fn add(&mut self, keeper: Pid) {
        self.alive.insert(keeper);
    }

    fn timeout(&self) -> PollTimeout {
        if self.hunting {
            BETWEEN_KILLS.into()
        } else {
            PollTimeout::NONE
        }
    }

    /// Takes note of who has died.
    fn reap(&mut self) {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, 0)) => {
                    self.alive.remove(&pid);
                }
                Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) => {
                    self.hunting |= self.alive.remove(&pid);
                }
                _ => return,
            }
        }
    }

    fn kill_strays(&mut self) {
        self.hunting = self.hunting && tree::kill_strays(Pid::this(), &self.alive);
    }
}

/// Is a keeper. The socket to the executor is closed first: its end is to mean the warden's end.
fn keep(post: Post) -> ! {
    let kept = File::open("/dev/null")
        .and_then(|null| Ok(dup2_stdin(null)?))
        .and_then(|()| Keeper::of(post)?.map_or(Ok(()), Keeper::keep));
    process::exit(i32::from(kept.is_err()));
}

/// Closes what the executor's own parent left open: a program is to inherit nothing of it.
fn close_inherited() -> io::Result<()> {
    let open: Vec<RawFd> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open.into_iter().filter(|&descriptor| descriptor > 2) {
        // The one that read the folder is closed already.
        let _ = close(descriptor);
    }
    Ok(())
}

/// Blocks the signals that would end a warden or a keeper before its trees, and returns where deaths of children are
/// heard. Programs start with no signal blocked.
pub(super) fn block_signals() -> nix::Result<SignalFd> {
    let mut blocked = SigSet::empty();
    blocked.extend([
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGPIPE,
        Signal::SIGCHLD,
    ]);
    blocked.thread_block()?;
    let deaths = SigSet::from(Signal::SIGCHLD);
    SignalFd::with_flags(&deaths, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// Waits until one of the sources can be read, and says which.
pub(super) fn wait_for<const N: usize>(
    sources: [Option<BorrowedFd<'_>>; N],
    timeout: PollTimeout,
) -> nix::Result<[bool; N]> {
    let mut waiting: Vec<PollFd<'_>> = sources
        .iter()
        .flatten()
        .map(|&source| PollFd::new(source, PollFlags::POLLIN))
        .collect();
    match poll(&mut waiting, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error),
    }
    let mut readable = waiting.iter().map(|source| source.any().unwrap_or(false));
    Ok(sources.map(|source| source.is_some() && readable.next().unwrap_or(false)))
}

/// Takes the signals that have come; one may stand for several deaths.
pub(super) fn drain(deaths: &SignalFd) -> nix::Result<()> {
    while deaths.read_signal()?.is_some() {}
    Ok(())
}

/// Takes one message, if there is one: a byte, and the descriptors that came with it, which no other message's join. `None`: the executor is gone. `Some(None)`: there was none, or it made no sense.
#[expect(
    clippy::option_option,
    reason = "the end of the socket and an empty queue are two things"
)]
fn receive(socket: RawFd) -> io::Result<Option<Option<Post>>> {
    let mut byte = [0];
    let mut payload = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = match recvmsg::<()>(socket, &mut payload, Some(&mut space), flags) {
        Ok(message) => message,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Some(None)),
        Err(Errno::ECONNRESET) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if message.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors: Vec<OwnedFd> = Vec::with_capacity(MOST_DESCRIPTORS);
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = control {
            descriptors.extend(received.into_iter().map(native::own_received));
        }
    }
    Ok(Some(Post::from_descriptors(descriptors)))
}
