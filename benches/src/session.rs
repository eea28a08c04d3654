//! What all scenarios of one call share: how much to measure, and the facts that every figure depends on.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::machine;

/// One call of the program.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) rounds: u32,
    pub(crate) dags: PathBuf,
    pub(crate) profile: bool,
    quick: bool,
    server: OnceLock<String>,
}

impl Session {
    pub(crate) fn new(rounds: u32, quick: bool, profile: bool, dags: PathBuf) -> Self {
        Self {
            rounds: if quick { 1 } else { rounds },
            dags,
            profile,
            quick,
            server: OnceLock::new(),
        }
    }

    /// `full`, or the smaller amount of work where the call is to be quick.
    pub(crate) fn amount<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Notes what the server says of itself; every stack has the same.
    pub(crate) fn note_server(&self, told: String) {
        self.server.get_or_init(|| told);
    }

    /// What every figure depends on, in two lines.
    pub(crate) fn facts(&self) -> String {
        let rounds = self.rounds;
        let quick = if self.quick {
            ", quick (amounts too small to judge by)"
        } else {
            ""
        };
        let profile = if self.profile { ", statements counted" } else { "" };
        format!(
            "{}\n{}; rounds: {rounds}{quick}{profile}",
            machine::describe(),
            self.server.get().map_or("no server was started", String::as_str)
        )
    }
}
