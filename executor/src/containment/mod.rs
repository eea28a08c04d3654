//! Holds the process trees of programs, so that "stopped" means that nothing of them is left.
//!
//! A program may start others, and those may leave its process group and its session. It may ignore TERM, keep its output
//! open after it ended, or outlive an executor that was itself killed with KILL. What must hold in all of these cases:
//! when an attempt is over, or its executor is gone, every process that came of it is gone too.
//!
//! Known ways that do not hold: a process group is left with `setsid`; `PR_SET_PDEATHSIG` follows the thread that forked and
//! reaches children but not grandchildren; a PID namespace needs privileges, and a `/proc` of its own, without which a JVM
//! starts with half its senses. What holds everywhere, also for an ordinary user in a container, is a **child
//! subreaper**: whoever loses its parent below a subreaper becomes the subreaper's child and can go no further up.
//!
//! The executor has many threads and cannot be that subreaper itself: it could not tell which attempt an orphan came of, and
//! it would take its trees with it when killed. So there are two small processes between it and a program:
//!
//! ```text
//! executor ──socket──▶ warden ──fork──▶ keeper ──fork, exec──▶ program ──▶ …
//!     └──────────────control socket────────┘  (one per attempt)
//! ```
//!
//! - The **warden** ([`warden`]) is this same executable, started once per executor and diverted before `main`. It has one
//!   thread and little memory, so its forks are cheap and sound. It only makes keepers.
//! - A **keeper** ([`keeper`]) is the subreaper of one attempt. It starts the program, says how it ended, passes TERM and
//!   KILL to the whole tree, and is gone when the tree is. It holds one end of a socket; when the other end closes,
//!   because the executor dropped it or was killed, it kills the tree.
//!
//! Where a cgroup (version 2, with `cgroup.kill`) may be made, every attempt has one too ([`cgroup`]): the kernel then kills
//! the tree in one step, which no fork bomb outruns.

mod cgroup;
mod keeper;
mod native;
mod order;
mod process;
mod tree;
mod warden;

pub(crate) use order::{End, Limits, Order};
pub(crate) use process::{Containment, ContainmentError, Process, Running};
