//! How far a program says that it is.
//!
//! It writes lines into the file that `$WATERCLOCK_PROGRESS` names, by adding to it or by replacing it: `42 loading`, `42%`,
//! `42.5% loading`, or a message alone. The latest line counts. It is a plain file and no pipe, so that writing to it never
//! waits for anybody, and is looked at twice a second, which bounds what an attempt can send however much it writes.
//!
//! A line that has no end yet may be half of one. It counts when it has stood unchanged from one look to the next, and when
//! the program has ended.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use waterclock_core::work::{Lease, PROGRESS_MESSAGE_LIMIT, Progress};

use super::files::open_plain;
use crate::log::AttemptLog;
use crate::progress::Bulletin;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How much of its end is read, which bounds the longest line.
const TAIL: u64 = 64 * 1024;

/// Reads how far a program is, and tells it.
pub(super) struct Gauge<'a> {
    file: PathBuf,
    lease: Lease,
    bulletin: &'a Bulletin,
    log: &'a AttemptLog,
    tail: Tail,
    told: Option<Reading>,
    is_broken: bool,
}

/// The end of the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tail {
    bytes: Vec<u8>,
    /// It begins within a line.
    is_cut: bool,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    percent: Option<f64>,
    message: Option<String>,
}

impl<'a> Gauge<'a> {
    pub(super) fn new(file: PathBuf, lease: Lease, bulletin: &'a Bulletin, log: &'a AttemptLog) -> Self {
        Self {
            file,
            lease,
            bulletin,
            log,
            tail: Tail::default(),
            told: None,
            is_broken: false,
        }
    }

    /// Tells how far the program is, for as long as somebody waits for this.
    pub(super) async fn follow(&mut self) -> std::convert::Infallible {
        loop {
            sleep(LOOK_EVERY).await;
            self.look(false).await;
        }
    }

    /// Tells where the program was when it ended, and waits until that has got through or was tried.
    pub(super) async fn finish(mut self) {
        self.look(true).await;
        if self.told.is_some() {
            self.bulletin.tried().await;
        }
    }

    async fn look(&mut self, has_ended: bool) {
        let file = self.file.clone();
        let read = spawn_blocking(move || Tail::read(&file)).await;
        let tail = match read.unwrap_or_else(|defect| Err(io::Error::other(defect))) {
            Ok(tail) => tail,
            Err(error) => return self.broke(&error).await,
        };
        let is_settled = has_ended || tail == self.tail;
        if let Some(reading) = tail.latest(is_settled)
            && self.told.as_ref() != Some(&reading)
        {
            self.bulletin.tell(Progress {
                lease: self.lease,
                percent: reading.percent,
                message: reading.message.clone(),
            });
            self.told = Some(reading);
        }
        self.tail = tail;
    }

    /// Tells once that something else lies in the file's place.
    async fn broke(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_broken, true) {
            let remark = format!("the file $WATERCLOCK_PROGRESS cannot be read: {error}");
            self.log.remark(remark).await;
        }
    }
}

impl Tail {
    /// A file that is gone says nothing.
    fn read(file: &Path) -> io::Result<Self> {
        let Some(mut file) = open_plain(file)? else {
            return Ok(Self::default());
        };
        let start = file.metadata()?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(Self {
            bytes,
            is_cut: start > 0,
        })
    }

    /// What the latest line says. One without an end counts only when it `is_settled`.
    fn latest(&self, is_settled: bool) -> Option<Reading> {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let mut lines: Vec<&[u8]> = self.bytes.split(is_end).collect();
        if !is_settled {
            lines.pop();
        }
        let whole = lines.get(usize::from(self.is_cut)..).unwrap_or_default();
        whole.iter().rev().find_map(|line| Reading::of(line))
    }
}

impl Reading {
    fn of(line: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(line);
        let spaced = text
            .chars()
            .map(|letter| if letter.is_whitespace() { ' ' } else { letter });
        let plain: String = spaced.filter(|letter| !letter.is_control()).collect();
        let line = plain.trim();
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (percent, message) = match percent_of(first) {
            Some(percent) => (Some(percent), rest.trim()),
            None => (None, line),
        };
        let message = (!message.is_empty()).then(|| shortened(message));
        (percent.is_some() || message.is_some()).then_some(Self { percent, message })
    }
}

/// 0 to 100, with a point or without, with a percent sign or without. `2024` in `2024 rows` is none.
fn percent_of(word: &str) -> Option<f64> {
    let digits = word.strip_suffix('%').unwrap_or(word);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent = digits.parse().ok().filter(|_| is_plain)?;
    (0.0..=100.0).contains(&percent).then_some(percent)
}

fn shortened(message: &str) -> String {
    const MARK: &str = "…";
    if message.len() <= PROGRESS_MESSAGE_LIMIT {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(PROGRESS_MESSAGE_LIMIT - MARK.len());
    format!("{}{MARK}", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(text: &[u8], is_settled: bool) -> Option<Reading> {
        let tail = Tail {
            bytes: text.to_vec(),
            is_cut: false,
        };
        tail.latest(is_settled)
    }

    fn reading(percent: impl Into<Option<f64>>, message: &str) -> Reading {
        Reading {
            percent: percent.into(),
            message: (!message.is_empty()).then(|| message.to_owned()),
        }
    }

    #[test]
    fn a_line_is_a_percentage_a_message_or_both() {
        for (line, expected) in [
            ("42 loading rows", Some(reading(42.0, "loading rows"))),
            ("42%", Some(reading(42.0, ""))),
            ("  42.5%\tloading  ", Some(reading(42.5, "loading"))),
            ("0", Some(reading(0.0, ""))),
            ("100 done", Some(reading(100.0, "done"))),
            ("loading", Some(reading(None, "loading"))),
            ("101 rows", Some(reading(None, "101 rows"))),
            ("-1", Some(reading(None, "-1"))),
            ("1e1 x", Some(reading(None, "1e1 x"))),
            ("nan", Some(reading(None, "nan"))),
            ("%", Some(reading(None, "%"))),
            (" \t", None),
        ] {
            assert_eq!(latest(format!("{line}\n").as_bytes(), false), expected, "{line}");
        }
    }

    #[test]
    fn the_latest_whole_line_counts_until_the_last_one_is_settled() {
        assert_eq!(latest(b"1\n2\r3\r\n\n4", false), Some(reading(3.0, "")));
        assert_eq!(latest(b"1\n2\r3\r\n\n4", true), Some(reading(4.0, "")));
        assert_eq!(latest(b"", true), None);
    }

    #[test]
    fn garbage_becomes_a_message_that_can_be_stored() {
        assert_eq!(
            latest(b"7 a\0b\x1b[1m\xffc\n", false),
            Some(reading(7.0, "ab[1m\u{fffd}c"))
        );
        let long = format!("7 {}\n", "é".repeat(5_000));
        let message = latest(long.as_bytes(), false).unwrap().message.unwrap();
        assert!(message.len() <= PROGRESS_MESSAGE_LIMIT && message.ends_with("é…"));
    }

    #[test]
    fn a_tail_that_begins_within_a_line_does_without_it() {
        let tail = Tail {
            bytes: b"99 half a line".to_vec(),
            is_cut: true,
        };
        assert_eq!(tail.latest(true), None);
    }
}
