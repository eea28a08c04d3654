//! How a program of the cluster is started: as its account, away from the terminal, bound to our life.

use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use super::account::Account;

/// Prepares `command` to run as `account` in a process group of its own, which Ctrl-C in our terminal does not reach, with
/// nothing of our environment, and with the open file `inherited`.
///
/// When we die, however that comes, the kernel sends it `at_our_death`. It does so when the *thread* that started the
/// program ends, so this has to be the main thread, which lives as long as the process.
pub(super) fn bind(command: &mut Command, account: Account, inherited: RawFd, at_our_death: Signal) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .process_group(0);
    if let Account::Other { uid, gid } = account {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    let parent = Pid::this();
    let prepare = move || {
        prctl::set_pdeathsig(at_our_death)?;
        if getppid() != parent {
            return Err(Errno::ESRCH.into());
        }
        keep_open(inherited)?;
        Ok(())
    };
    #[expect(
        unsafe_code,
        reason = "between fork and exec it makes three system calls and allocates nothing"
    )]
    unsafe {
        command.pre_exec(prepare);
    }
}

fn keep_open(file: RawFd) -> nix::Result<()> {
    #[expect(
        unsafe_code,
        reason = "the caller's handle outlives the child's exec, and exec keeps the number"
    )]
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    fcntl(file, FcntlArg::F_SETFD(FdFlag::empty())).map(drop)
}
