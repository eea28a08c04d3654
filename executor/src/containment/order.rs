//! What an executor and a keeper say to each other over their socket.
//!
//! The executor sends one order, a length and JSON, and then single bytes: TERM, KILL. The keeper answers with words of
//! eight bytes: what happened, and a number. Small words are written whole, and a reader that is cancelled loses none.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// Asks the keeper to send TERM to the whole tree.
pub(super) const TERMINATE: u8 = b'T';
/// Asks the keeper to kill the whole tree.
pub(super) const KILL: u8 = b'K';

/// The longest order that a keeper accepts; the system allows far less for arguments and environment together.
const LONGEST_ORDER: u32 = 64 * 1024 * 1024;

/// What a keeper is to start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The executable's path, then its arguments. Not empty.
    pub(crate) words: Vec<String>,
    /// The whole environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// The folder it runs in.
    pub(crate) directory: String,
    /// What each of its processes may use.
    pub(crate) limits: Limits,
}

/// What each process of a program may use.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// The most memory it may address, in bytes.
    pub(crate) address_space: Option<u64>,
    /// The most files it may hold open.
    pub(crate) open_files: Option<u64>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// What a keeper tells its executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The program runs, as this process.
    Started(i32),
    /// The program could not be started: an `errno`.
    NotStarted(i32),
    /// The program ended. What it started may still be there.
    Ended(End),
}

impl Event {
    pub(super) const SIZE: usize = 8;

    pub(super) fn to_bytes(self) -> [u8; Self::SIZE] {
        let (kind, number): (i32, i32) = match self {
            Self::Started(pid) => (1, pid),
            Self::NotStarted(errno) => (2, errno),
            Self::Ended(End::Exited(code)) => (3, code),
            Self::Ended(End::Signalled(signal)) => (4, signal),
        };
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&kind.to_ne_bytes());
        bytes[4..].copy_from_slice(&number.to_ne_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; Self::SIZE]) -> Option<Self> {
        let [a, b, c, d, rest @ ..] = bytes;
        let number = i32::from_ne_bytes(rest);
        match i32::from_ne_bytes([a, b, c, d]) {
            1 => Some(Self::Started(number)),
            2 => Some(Self::NotStarted(number)),
            3 => Some(Self::Ended(End::Exited(number))),
            4 => Some(Self::Ended(End::Signalled(number))),
            _ => None,
        }
    }
}

impl Order {
    /// The order as it goes over the socket.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, self)?;
        let length = u32::try_from(bytes.len() - 4)
            .ok()
            .filter(|&length| length <= LONGEST_ORDER)
            .ok_or_else(|| io::Error::from(io::ErrorKind::ArgumentListTooLong))?;
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        Ok(bytes)
    }

    /// Reads the order from the socket.
    pub(super) fn read_from(mut socket: impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        socket.read_exact(&mut length)?;
        let length = u32::from_ne_bytes(length);
        if length > LONGEST_ORDER {
            return Err(io::ErrorKind::ArgumentListTooLong.into());
        }
        let mut bytes = vec![0; length as usize];
        socket.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_the_socket() {
        for event in [
            Event::Started(42),
            Event::NotStarted(2),
            Event::Ended(End::Exited(255)),
            Event::Ended(End::Signalled(9)),
        ] {
            assert_eq!(Event::from_bytes(event.to_bytes()), Some(event));
        }
        assert_eq!(Event::from_bytes([9; 8]), None);
    }

    #[test]
    fn an_order_survives_the_socket() {
        let order = Order {
            words: vec!["/bin/echo".into(), "a b\n\u{1f600}".into()],
            environment: BTreeMap::from([("A".into(), "=".into())]),
            directory: "/tmp".into(),
            limits: Limits::default(),
        };
        let read = Order::read_from(order.to_bytes().unwrap().as_slice()).unwrap();
        assert_eq!(read.words, order.words);
        assert_eq!(read.environment, order.environment);
    }
}
