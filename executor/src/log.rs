//! The lines that attempts print, on their way to the log.
//!
//! Lines of all attempts go through one queue to one writer, which hands them in by batches: what came within a tenth of a
//! second, or a thousand lines. The queue is bounded in bytes. When the log cannot be written, the queue fills, attempts
//! wait with their next line, pipes fill, and in the end programs wait: nothing is dropped and memory does not grow.
//!
//! An attempt's report may be handed in only when its log is whole, so an attempt can ask that everything before that
//! moment be written, and waits for it. That request also ends the tenth of a second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{error, warn};
use waterclock_core::clock::SharedClock;
use waterclock_core::work::{Lease, LogLine, LogStream, WorkSource, WorkSourceError};

use crate::backoff::Backoff;
use crate::patience::in_time;

/// The most lines in one batch.
const BATCH_LINES: usize = 1000;

/// How long a line may wait for others to go with it.
const BATCH_WAIT: Duration = Duration::from_millis(100);

/// The most bytes of lines that wait to be written.
const WAITING_BYTES: usize = 8 * 1024 * 1024;

/// What a line takes in memory and in the table beside its text.
const LINE_OVERHEAD: usize = 128;

/// Where attempts leave their lines.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    queue: mpsc::UnboundedSender<Entry>,
    room: Arc<Semaphore>,
    clock: SharedClock,
}

/// Takes lines from the queue to the work source.
pub(crate) struct LogWriter {
    source: Arc<dyn WorkSource>,
    queue: mpsc::UnboundedReceiver<Entry>,
}

#[derive(Debug)]
enum Entry {
    /// A line, and the room that it takes until it is written.
    Line(LogLine, OwnedSemaphorePermit),
    /// To be answered when everything before it is written.
    Flush(oneshot::Sender<()>),
}

impl Log {
    /// A queue and its writer, which is to be [run](LogWriter::run).
    pub(crate) fn new(source: Arc<dyn WorkSource>, clock: SharedClock) -> (Self, LogWriter) {
        let (sender, queue) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(WAITING_BYTES));
        let log = Self {
            queue: sender,
            room,
            clock,
        };
        (log, LogWriter { source, queue })
    }

    /// The log of one attempt, which keeps at most `limit` bytes of what the program prints.
    pub(crate) fn of(&self, lease: Lease, limit: i64) -> AttemptLog {
        AttemptLog {
            log: self.clone(),
            lease,
            limit: usize::try_from(limit).unwrap_or(0),
            written: tokio::sync::Mutex::default(),
        }
    }
}

/// The log of one attempt.
#[derive(Debug)]
pub(crate) struct AttemptLog {
    log: Log,
    lease: Lease,
    limit: usize,
    written: tokio::sync::Mutex<Written>,
}

/// How much of an attempt's output has been kept.
#[derive(Debug, Default)]
struct Written {
    lines: i32,
    bytes: usize,
    cut: bool,
}

impl AttemptLog {
    /// Adds a line, unless the attempt has printed as much as is kept. Waits while the log cannot be written.
    pub(crate) async fn line(&self, stream: LogStream, text: String) {
        let mut written = self.written.lock().await;
        if written.cut {
            return;
        }
        written.bytes += text.len() + 1;
        if written.bytes > self.limit {
            written.cut = true;
            let mark = format!(
                "output cut: the program's outputLimit of {} bytes is reached; what follows is not kept",
                self.limit
            );
            self.push(&mut written, LogStream::System, mark).await;
        } else {
            self.push(&mut written, stream, text).await;
        }
    }

    /// Adds a remark of the executor's, which does not count against the limit.
    pub(crate) async fn remark(&self, text: impl Into<String>) {
        let mut written = self.written.lock().await;
        self.push(&mut written, LogStream::System, text.into().replace('\0', ""))
            .await;
    }

    /// Waits until every line so far is durable.
    pub(crate) async fn flushed(&self) {
        if self.written.lock().await.lines == 0 {
            return;
        }
        let (sender, receiver) = oneshot::channel();
        if self.log.queue.send(Entry::Flush(sender)).is_ok() {
            let _ = receiver.await;
        }
    }

    async fn push(&self, written: &mut Written, stream: LogStream, text: String) {
        let bytes = u32::try_from(text.len() + LINE_OVERHEAD).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.log.room).acquire_many_owned(bytes).await else {
            return;
        };
        written.lines += 1;
        let line = LogLine {
            lease: self.lease,
            number: written.lines,
            stream,
            text,
            at: self.log.clock.now(),
        };
        // Without a writer the executor is ending, and nobody waits for this line.
        let _ = self.log.queue.send(Entry::Line(line, room));
    }
}

/// Lines that are handed in together.
#[derive(Default)]
struct Batch {
    lines: Vec<LogLine>,
    room: Vec<OwnedSemaphorePermit>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Batch {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Line(line, room) => {
                self.lines.push(line);
                self.room.push(room);
            }
            Entry::Flush(waiting) => self.waiting.push(waiting),
        }
    }

    fn is_due(&self) -> bool {
        !self.waiting.is_empty() || self.lines.len() >= BATCH_LINES
    }
}

impl LogWriter {
    /// Writes lines until no attempt can leave any more.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            if !batch.lines.is_empty() {
                self.write(batch.lines).await;
            }
            for waiting in batch.waiting {
                let _ = waiting.send(());
            }
        }
    }

    async fn next_batch(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        batch.add(self.queue.recv().await?);
        let deadline = Instant::now() + BATCH_WAIT;
        while batch.lines.len() < BATCH_LINES {
            // What is there already goes along, also behind a request to flush.
            match self.queue.try_recv() {
                Ok(entry) => batch.add(entry),
                Err(_) if batch.is_due() => break,
                Err(_) => match timeout_at(deadline, self.queue.recv()).await {
                    Ok(Some(entry)) => batch.add(entry),
                    Ok(None) | Err(_) => break,
                },
            }
        }
        Some(batch)
    }

    async fn write(&self, lines: Vec<LogLine>) {
        let mut backoff = Backoff::default();
        loop {
            match in_time(self.source.append_log(lines.clone())).await {
                Ok(()) => return,
                Err(WorkSourceError::Unavailable(cause)) => {
                    if !backoff.is_failing() {
                        warn!(
                            error = &*cause as &dyn std::error::Error,
                            "the log cannot be written; programs wait"
                        );
                    }
                    sleep(backoff.next_wait()).await;
                }
                Err(refused) => {
                    error!(
                        error = &refused as &dyn std::error::Error,
                        lines = lines.len(),
                        "lines of the log were refused"
                    );
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
