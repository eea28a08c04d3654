//! Calls of an endpoint, all of them in flight at once in one executor: futures and not threads.
//!
//! The endpoint is this process. It answers nobody until as many requests as are expected have come.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::definitions;
use crate::figures::number;
use crate::machine;
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

const LABEL: &str = "calls";
const WORKFLOW: &str = "call";
/// How long it may take until all calls are in flight.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let calls = session.amount(5_000, 500);
    let stack = Stack::start(session).await?;
    let endpoint = Endpoint::open(calls)?;
    stack
        .define(&definitions::call(
            WORKFLOW,
            &format!("http://{}/", endpoint.address),
            LABEL,
        ))
        .await?;
    let name = |what| format!("endpoint-calls, {calls} in flight, {what}");
    let mut threads = Row::new(name("threads"), Unit::Threads)
        .with_aim(Aim::AtMost(number(machine::cores()) + 4.0))
        .above("cores");
    let mut memory = Row::new(name("resident"), Unit::Megabytes);
    let mut gathering = Row::new(name("all begun after"), Unit::Seconds);
    for _ in 0..session.rounds {
        let executor = stack.executor(LABEL, u32::try_from(calls)?, &["--allow-network", "127.0.0.0/8"])?;
        let begun = Instant::now();
        stack.api().start_runs(WORKFLOW, calls).await?;
        timeout(PATIENCE, endpoint.all_arrived()).await.with_context(|| {
            format!(
                "not all of {calls} calls arrived; the executor says:\n{}",
                executor.end_of_log()
            )
        })?;
        gathering.add(begun.elapsed().as_secs_f64());
        threads.add(machine::status_of(executor.pid(), "Threads").context("the executor has ended")?);
        threads.add_floor(number(machine::cores()));
        memory.add(machine::resident_megabytes(executor.pid()).context("the executor has ended")?);
        endpoint.answer_all();
        stack.until_all_ended().await?;
    }
    ensure_all_succeeded(&stack).await?;
    Ok(vec![threads, memory, gathering])
}

async fn ensure_all_succeeded(stack: &Stack) -> anyhow::Result<()> {
    let others = "SELECT count(*) FROM runs WHERE state <> 'SUCCEEDED'";
    let others: i64 = stack.database().await?.query_one(others, &[]).await?.get(0);
    ensure!(others == 0, "{others} runs did not succeed");
    Ok(())
}

/// An HTTP server that answers when it is told to.
struct Endpoint {
    address: SocketAddr,
    expected: u32,
    arrived: Arc<Semaphore>,
    released: watch::Sender<u32>,
    _serving: JoinSet<()>,
}

impl Endpoint {
    /// Listens, for `expected` requests a round.
    fn open(expected: usize) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let expected = u32::try_from(expected)?;
        let listener = socket.listen(expected)?;
        let address = listener.local_addr()?;
        let arrived = Arc::new(Semaphore::new(0));
        let (released, _) = watch::channel(0);
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&arrived), released.clone()));
        Ok(Self {
            address,
            expected,
            arrived,
            released,
            _serving: serving,
        })
    }

    /// Returns once every request of a round has come.
    async fn all_arrived(&self) {
        if let Ok(all) = self.arrived.acquire_many(self.expected).await {
            all.forget();
        }
    }

    /// Answers all of them, which ends the round.
    fn answer_all(&self) {
        self.released.send_modify(|rounds| *rounds += 1);
    }
}

async fn accept(listener: TcpListener, arrived: Arc<Semaphore>, released: watch::Sender<u32>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&arrived), released.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection: reads a request, which has no body, waits for the round's end, answers, and so on.
async fn serve(mut stream: TcpStream, arrived: Arc<Semaphore>, mut released: watch::Receiver<u32>) {
    let mut request = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut request).await {
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        request.clear();
        released.mark_unchanged();
        arrived.add_permits(1);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        if released.changed().await.is_err() || stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
