use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::task::unconstrained;
use waterclock_core::clock::SystemClock;
use waterclock_core::id::{ExecutorId, RunId, TaskRunId, TenantId};
use waterclock_core::work::{Exchange, Exchanged, Heartbeat, HeartbeatReply, Progress, Registration};
use waterclock_core::workflow::Digest;

use super::*;

/// A log that can be closed: what is handed in meanwhile waits.
struct Paper {
    lines: Mutex<Vec<LogLine>>,
    batches: Mutex<Vec<usize>>,
    open: Semaphore,
    refusals: Mutex<u32>,
}

impl Paper {
    fn new(open: bool) -> Arc<Self> {
        Arc::new(Self {
            lines: Mutex::default(),
            batches: Mutex::default(),
            open: Semaphore::new(if open { Semaphore::MAX_PERMITS } else { 0 }),
            refusals: Mutex::default(),
        })
    }

    fn texts(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| line.text.clone()).collect()
    }
}

#[async_trait]
impl WorkSource for Paper {
    async fn append_log(&self, lines: Vec<LogLine>) -> Result<(), WorkSourceError> {
        self.open.acquire().await.unwrap().forget();
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(WorkSourceError::Unavailable("torn".into()));
        }
        self.batches.lock().unwrap().push(lines.len());
        self.lines.lock().unwrap().extend(lines);
        Ok(())
    }
    async fn register(&self, _: Registration) -> Result<(), WorkSourceError> {
        Ok(())
    }
    async fn heartbeat(&self, _: Heartbeat) -> Result<HeartbeatReply, WorkSourceError> {
        Ok(HeartbeatReply::Alive)
    }
    async fn exchange(&self, _: ExecutorId, _: Exchange) -> Result<Exchanged, WorkSourceError> {
        Ok(Exchanged::default())
    }
    async fn woken(&self, _: ExecutorId) {}
    async fn report_progress(&self, _: Vec<Progress>) -> Result<(), WorkSourceError> {
        Ok(())
    }
    async fn fetch_package(&self, _: TenantId, digest: &Digest) -> Result<Bytes, WorkSourceError> {
        Err(WorkSourceError::NoSuchPackage(*digest))
    }
    async fn leave(&self, _: ExecutorId) -> Result<(), WorkSourceError> {
        Ok(())
    }
}

fn lease() -> Lease {
    Lease {
        tenant_id: TenantId::generate(),
        run_id: RunId::generate(),
        task_run_id: TaskRunId::generate(),
        fence: 1,
    }
}

fn log_on(paper: &Arc<Paper>) -> Log {
    let source = Arc::clone(paper) as Arc<dyn WorkSource>;
    let (log, writer) = Log::new(source, Arc::new(SystemClock));
    tokio::spawn(writer.run());
    log
}

#[tokio::test]
async fn everything_before_a_flush_is_written_when_it_is_answered() {
    let paper = Paper::new(true);
    let log = log_on(&paper).of(lease(), 1000);
    for number in 0..5 {
        log.line(LogStream::Stdout, number.to_string()).await;
    }
    log.flushed().await;
    assert_eq!(paper.texts(), ["0", "1", "2", "3", "4"]);
    assert_eq!(*paper.batches.lock().unwrap(), [5]);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_makes_its_writers_wait_and_loses_nothing() {
    let paper = Paper::new(false);
    let log = log_on(&paper).of(lease(), i64::MAX);
    let text = "x".repeat(64 * 1024);
    let mut taken = 0;
    // Without a budget: what makes a line wait is to be the queue alone.
    let taken_at_once = || unconstrained(log.line(LogStream::Stdout, text.clone())).now_or_never();
    while taken_at_once().is_some() {
        taken += 1;
    }
    assert!(taken * text.len() <= WAITING_BYTES);
    assert!((taken + 2) * text.len() > WAITING_BYTES);
    paper.open.add_permits(1_000);
    log.line(LogStream::Stdout, "last".to_owned()).await;
    log.flushed().await;
    assert_eq!(paper.texts().len(), taken + 1);
}

#[tokio::test]
async fn lines_that_were_refused_for_a_while_are_handed_in_again() {
    let paper = Paper::new(true);
    *paper.refusals.lock().unwrap() = 2;
    let log = log_on(&paper).of(lease(), 1000);
    log.line(LogStream::Stderr, "kept".to_owned()).await;
    log.flushed().await;
    assert_eq!(paper.texts(), ["kept"]);
}

#[tokio::test]
async fn remarks_come_through_where_output_is_cut() {
    let paper = Paper::new(true);
    let log = log_on(&paper).of(lease(), 4);
    for text in ["abc", "d", "e"] {
        log.line(LogStream::Stdout, text.to_owned()).await;
    }
    log.remark("a remark").await;
    log.flushed().await;
    let texts = paper.texts();
    assert_eq!(texts.len(), 3);
    assert_eq!((texts[0].as_str(), texts[2].as_str()), ("abc", "a remark"));
    assert!(texts[1].contains("outputLimit of 4 bytes"));
    let numbers: Vec<i32> = paper
        .lines
        .lock()
        .unwrap()
        .iter()
        .map(|line| line.number)
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
}
