//! The executor's side: starting programs through the warden, and the hold on one that runs.

use std::io::{self, IoSlice, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::Mutex;

use super::cgroup::{Cgroup, CgroupParent};
use super::order::{End, Event, KILL, Order, TERMINATE};
use super::warden::{GREETING, ROLE_VARIABLE};

/// How long an executable may take to become a warden.
const GREETING_WAIT: Duration = Duration::from_secs(10);

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContainmentError {
    /// The system refused to execute it.
    #[error("the system refused to start it")]
    Refused(#[source] io::Error),
    /// The processes that hold programs are not there.
    #[error("the processes that hold programs could not be made")]
    NoKeeper(#[source] io::Error),
}

/// Starts programs so that nothing of them outlives the hold on them.
#[derive(Debug)]
pub(crate) struct Containment {
    cgroups: Option<CgroupParent>,
    warden: Mutex<Warden>,
}

impl Containment {
    /// Starts the warden, and looks whether cgroups can be made.
    pub(crate) fn begin(use_cgroups: bool) -> io::Result<Self> {
        Ok(Self {
            cgroups: use_cgroups.then(CgroupParent::find).flatten(),
            warden: Mutex::new(Warden::start()?),
        })
    }

    /// How process trees are held, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self.cgroups {
            Some(_) => "cgroup",
            None => "subreaper",
        }
    }

    /// Starts a program. `name` tells attempts apart.
    pub(crate) async fn start(&self, name: &str, order: &Order) -> Result<Running, ContainmentError> {
        let order = order.to_bytes().map_err(ContainmentError::Refused)?;
        let (mut process, stdout, stderr) = self.post(name).await.map_err(ContainmentError::NoKeeper)?;
        process
            .control
            .write_all(&order)
            .await
            .map_err(ContainmentError::NoKeeper)?;
        match process.next_event().await {
            Some(Event::Started(pid)) => Ok(Running {
                process,
                pid,
                stdout,
                stderr,
            }),
            Some(Event::NotStarted(errno)) => {
                process.gone().await;
                Err(ContainmentError::Refused(io::Error::from_raw_os_error(errno)))
            }
            Some(Event::Ended(_)) | None => {
                Err(ContainmentError::NoKeeper(io::ErrorKind::UnexpectedEof.into()))
            }
        }
    }

    /// The attempt's cgroup, where one can be made. Without it the keeper holds the tree alone.
    fn cgroup(&self, name: &str) -> Option<Cgroup> {
        let made = self.cgroups.as_ref()?.make(name);
        made.inspect_err(|error| tracing::warn!(%error, "a cgroup could not be made"))
            .ok()
    }

    /// Has the warden make a keeper, and gives the executor's ends of what the keeper was given.
    async fn post(&self, name: &str) -> io::Result<(Process, pipe::Receiver, pipe::Receiver)> {
        let (ours, control) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (stdout, stdout_write) = io::pipe()?;
        let (stderr, stderr_write) = io::pipe()?;
        let cgroup = self.cgroup(name);
        let mut descriptors = vec![
            control.as_raw_fd(),
            stdout_write.as_raw_fd(),
            stderr_write.as_raw_fd(),
        ];
        if let Some(cgroup) = &cgroup {
            descriptors.extend([cgroup.members.as_raw_fd(), cgroup.kill.as_raw_fd()]);
        }
        let mut warden = self.warden.lock().await;
        if warden.send(&descriptors).await.is_err() {
            tracing::warn!("the warden of this executor's programs was gone and is started anew");
            *warden = Warden::start()?;
            warden.send(&descriptors).await?;
        }
        Ok((
            Process {
                control: UnixStream::from_std(ours)?,
                heard: Vec::with_capacity(Event::SIZE),
                end: None,
                _cgroup: cgroup,
            },
            pipe::Receiver::from_owned_fd(stdout.into())?,
            pipe::Receiver::from_owned_fd(stderr.into())?,
        ))
    }
}

/// A program that runs, and what it prints.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) pid: i32,
    pub(crate) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
}

/// The hold on a program. When it is dropped, the program's whole tree is killed.
#[derive(Debug)]
pub(crate) struct Process {
    control: UnixStream,
    heard: Vec<u8>,
    end: Option<End>,
    _cgroup: Option<Cgroup>,
}

impl Process {
    /// Waits until the program has ended, or its keeper was killed. May be cancelled and called again.
    pub(crate) async fn ended(&mut self) {
        while self.end.is_none() && self.next_event().await.is_some() {}
    }

    /// How the program ended; `None` while it runs, and when its keeper was killed.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Asks the whole tree to end.
    pub(crate) fn terminate(&self) {
        // A keeper that is gone has nothing left to keep.
        let _ = self.control.try_write(&[TERMINATE]);
    }

    /// Kills the whole tree.
    pub(crate) fn kill(&self) {
        let _ = self.control.try_write(&[KILL]);
    }

    /// Waits until nothing of the tree is left. May be cancelled and called again.
    pub(crate) async fn gone(&mut self) {
        while self.next_event().await.is_some() {}
    }

    async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(word) = self.heard.first_chunk::<{ Event::SIZE }>().copied() {
                self.heard.drain(..Event::SIZE);
                let event = Event::from_bytes(word);
                if let Some(Event::Ended(end)) = event {
                    self.end = Some(end);
                }
                return event;
            }
            match self.control.read_buf(&mut self.heard).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

/// The process that makes keepers. It ends when this is dropped.
#[derive(Debug)]
struct Warden {
    socket: Option<UnixStream>,
    process: Child,
}

impl Warden {
    fn start() -> io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let process = Command::new("/proc/self/exe")
            .arg0("waterclock-warden")
            .env_clear()
            .env(ROLE_VARIABLE, "1")
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()?;
        let mut warden = Self {
            socket: None,
            process,
        };
        warden.socket = Some(greeted(ours).inspect_err(|_| {
            let _ = warden.process.kill();
        })?);
        Ok(warden)
    }

    async fn send(&self, descriptors: &[i32]) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        socket
            .async_io(Interest::WRITABLE, || {
                let rights = [ControlMessage::ScmRights(descriptors)];
                let flags = MsgFlags::MSG_NOSIGNAL;
                sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&[0])], &rights, flags, None)?;
                Ok(())
            })
            .await
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        // The end of the socket ends it at once.
        self.socket = None;
        let _ = self.process.wait();
    }
}

/// Waits for the warden's greeting: an executable that does not become one is refused rather than waited for.
fn greeted(mut socket: StdUnixStream) -> io::Result<UnixStream> {
    socket.set_read_timeout(Some(GREETING_WAIT))?;
    let mut greeting = [0; GREETING.len()];
    socket.read_exact(&mut greeting)?;
    if greeting != *GREETING {
        return Err(io::ErrorKind::InvalidData.into());
    }
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
