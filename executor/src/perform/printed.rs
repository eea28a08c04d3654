//! From the bytes that a program prints to the lines of its log.

use std::collections::VecDeque;
use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use waterclock_core::work::LogStream;

use crate::log::AttemptLog;

/// The longest line that is kept; what is longer is cut and the cut is marked.
const LONGEST_LINE: usize = 64 * 1024;
const LINE_CUT: &str = " … [line cut at 64 KiB]";

/// How many of its last lines the message of a failed program repeats, and how many bytes of them.
const LAST_LINES: usize = 20;
const LAST_BYTES: usize = 2048;

const CHUNK: usize = 16 * 1024;

/// Takes everything that a program prints to its log, until nobody can print any more, and keeps the last lines.
///
/// One line is written before the next is read. When the log cannot be written, the pipe fills and the program waits.
pub(super) async fn follow(
    mut stdout: pipe::Receiver,
    mut stderr: pipe::Receiver,
    log: &AttemptLog,
) -> LastLines {
    let mut last = LastLines::default();
    let (mut out, mut err) = (Lines::default(), Lines::default());
    let (mut out_chunk, mut err_chunk) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        tokio::select! {
            read = read_chunk(&mut stdout, &mut out_chunk), if out_open => {
                out_open = read;
                take(&mut out, &mut out_chunk, read, (LogStream::Stdout, log), &mut last.stdout).await;
            }
            read = read_chunk(&mut stderr, &mut err_chunk), if err_open => {
                err_open = read;
                take(&mut err, &mut err_chunk, read, (LogStream::Stderr, log), &mut last.stderr).await;
            }
        }
    }
    last
}

/// Reads what there is; false at the end. May be cancelled without losing bytes.
async fn read_chunk(pipe: &mut pipe::Receiver, chunk: &mut Vec<u8>) -> bool {
    let read: io::Result<usize> = pipe.read_buf(chunk).await;
    read.is_ok_and(|read| read > 0)
}

async fn take(
    lines: &mut Lines,
    chunk: &mut Vec<u8>,
    open: bool,
    (stream, log): (LogStream, &AttemptLog),
    last: &mut Last,
) {
    let mut complete = Vec::new();
    lines.push(chunk, |line| complete.push(line));
    if !open {
        lines.finish(|line| complete.push(line));
    }
    chunk.clear();
    for line in complete {
        last.push(&line);
        log.line(stream, line).await;
    }
}

/// Splits bytes into lines. A line ends with `\n`, `\r\n` or `\r`: a progress bar is many lines and not an endless one.
#[derive(Debug, Default)]
struct Lines {
    open: Vec<u8>,
    cut: bool,
    after_return: bool,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], mut each: impl FnMut(String)) {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.extend(&rest[..end.unwrap_or(rest.len())]);
            let Some(end) = end else { return };
            self.after_return = rest[end] == b'\r';
            each(self.close());
            rest = &rest[end + 1..];
        }
    }

    /// The last line, when it was not ended.
    fn finish(&mut self, each: impl FnOnce(String)) {
        if !self.open.is_empty() {
            each(self.close());
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE - self.open.len();
        self.cut |= bytes.len() > room;
        self.open.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn close(&mut self) -> String {
        let mut text = String::from_utf8_lossy(&self.open).replace('\0', "");
        if std::mem::take(&mut self.cut) {
            text.push_str(LINE_CUT);
        }
        self.open.clear();
        text
    }
}

/// The last lines that a program printed.
#[derive(Debug, Default)]
pub(super) struct LastLines {
    stdout: Last,
    stderr: Last,
}

impl LastLines {
    /// The last lines of standard error, or of standard output when there was no error output.
    pub(super) fn text(&self) -> Option<String> {
        [&self.stderr, &self.stdout].into_iter().find_map(Last::text)
    }
}

#[derive(Debug, Default)]
struct Last(VecDeque<String>);

impl Last {
    fn push(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.0.len() == LAST_LINES {
            self.0.pop_front();
        }
        let end = line.floor_char_boundary(LAST_BYTES);
        self.0.push_back(line[..end].to_owned());
    }

    fn text(&self) -> Option<String> {
        let mut bytes = 0;
        let kept = self
            .0
            .iter()
            .rev()
            .take_while(|line| {
                bytes += line.len() + 1;
                bytes <= LAST_BYTES + 1
            })
            .count();
        let lines: Vec<&str> = self
            .0
            .iter()
            .skip(self.0.len() - kept)
            .map(String::as_str)
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut split = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            split.push(chunk, |line| found.push(line));
        }
        split.finish(|line| found.push(line));
        found
    }

    #[test]
    fn lines_end_as_they_do_on_any_system_and_across_chunks() {
        assert_eq!(lines(&[b"a\nb\r", b"\nc\rd\n\ne"]), ["a", "b", "c", "d", "", "e"]);
        assert_eq!(lines(&[b"half", b" and half\n"]), ["half and half"]);
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_nul_is_left_out() {
        assert_eq!(lines(&[b"a\0b\xff\xe2\x82\xac\n"]), ["ab\u{fffd}€"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_marked_and_the_next_is_whole() {
        let mut long = vec![b'x'; LONGEST_LINE + 5];
        long.extend_from_slice(b"\nnext\n");
        let found = lines(&[&long]);
        assert!(found[0].ends_with(LINE_CUT));
        assert_eq!(found[0].len(), LONGEST_LINE + LINE_CUT.len());
        assert_eq!(found[1], "next");
        let exact = vec![b'x'; LONGEST_LINE];
        assert!(!lines(&[&exact])[0].ends_with(LINE_CUT));
    }

    #[test]
    fn the_last_lines_are_few_and_prefer_errors() {
        let mut last = LastLines::default();
        assert_eq!(last.text(), None);
        last.stdout.push("out");
        assert_eq!(last.text().as_deref(), Some("out"));
        for number in 0..30 {
            last.stderr.push(&format!("error {number}"));
        }
        let text = last.text().unwrap();
        assert_eq!(text.lines().count(), LAST_LINES);
        assert!(text.starts_with("error 10\n") && text.ends_with("error 29"));
        last.stderr.push(&"y".repeat(5000));
        assert_eq!(last.text().unwrap().len(), LAST_BYTES);
    }
}
