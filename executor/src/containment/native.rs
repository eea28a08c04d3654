//! The calls that Rust cannot check, each with the reason it is sound.
#![expect(
    unsafe_code,
    reason = "forking, what happens between fork and exec, and what happens before main are unsafe by nature"
)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal};
use nix::unistd::{ForkResult, Pid, getppid, setsid};

use super::order::Limits;
use super::warden;

/// Diverts the process that is to be a warden before it becomes anything else.
///
/// A warden is this executable started anew, whichever that is: the service's binary, a benchmark, a test. An entry in
/// `.init_array` works in all of them, where a call at the top of `main` would be forgotten in one, which would then
/// start itself without end. It runs before any thread was made. Other processes pay for it with one look at their
/// environment.
// SAFETY: the entry has the type that the dynamic loader calls, and it does not unwind: a panic in it aborts.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn before_main() {
    if std::env::var_os(warden::ROLE_VARIABLE).is_some() {
        warden::serve();
    }
}

/// Lets every signal do what it does by default. A process started by `nohup`, for one, ignores some, and so would whatever
/// it starts.
pub(super) fn reset_signals() -> nix::Result<()> {
    for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: the default action runs no code of ours.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
    }
    Ok(())
}

/// Forks the warden.
///
/// To be called in a process of one thread only, as the warden is: the child may then do whatever a process may do.
pub(super) fn fork_warden() -> nix::Result<ForkResult> {
    // SAFETY: there is no other thread that could hold a lock, of the allocator for example, while the process is copied.
    unsafe { nix::unistd::fork() }
}

/// Takes hold of a descriptor that the kernel put into this process with a message.
pub(super) fn own_received(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the kernel made this descriptor for the message that was just read; nobody else knows its number.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Arranges what a program's process does between fork and exec.
///
/// It begins a session, so that signals to the group of the terminal do not reach it; has no signal blocked; is killed when its keeper is; gains
/// no privileges by what it executes, since a set-user-id process could not be killed by an ordinary user's executor;
/// keeps to its limits; and enters its cgroup.
pub(super) fn arrange_program(command: &mut Command, limits: Limits, cgroup: Option<std::fs::File>) {
    let keeper = Pid::this();
    let arrange = move || {
        setsid()?;
        SigSet::empty().thread_set_mask()?;
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        if getppid() != keeper {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        prctl::set_no_new_privs()?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        limit(Resource::RLIMIT_NOFILE, limits.open_files)?;
        if let Some(mut members) = cgroup.as_ref() {
            // Where the kernel refuses, the keeper still holds the tree.
            let _ = io::Write::write(&mut members, b"0");
        }
        limit(Resource::RLIMIT_AS, limits.address_space)
    };
    // SAFETY: the closure makes system calls and nothing else; it neither allocates nor takes a lock. Errors are made of
    // numbers.
    unsafe { command.pre_exec(arrange) };
}

/// Lowers a limit; the process may not raise it again.
fn limit(resource: Resource, most: Option<u64>) -> io::Result<()> {
    let Some(most) = most else { return Ok(()) };
    let (_, hard) = getrlimit(resource)?;
    let most = most.min(hard);
    Ok(setrlimit(resource, most, most)?)
}
