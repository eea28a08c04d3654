//! One test's own copy of the product.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_util::sync::CancellationToken;
use url::Url;
use waterclock_core::command::Author;
use waterclock_core::command::cancel_run::{Force, cancel_run};
use waterclock_core::command::start_run::{RunStarter, StartRun};
use waterclock_core::error::CommandError;
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::metrics::Metrics;
use waterclock_core::scheduler::Scheduler;
use waterclock_core::signal::{Signal, SignalReceiver, Signals};
use waterclock_core::store::{Actor, Database, DatabaseUrl, tenants};

use crate::server::{self, Server};

/// How long anything may take that a test waits for. It is waited for by signals, so a test that passes never uses it up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The subject on whose behalf tests act.
pub const SUBJECT: &str = "tester";

/// A database of its own, the signals of one process, and the commands on them.
pub struct World {
    /// As schedulers and executors reach the database.
    pub engine: Database,
    /// As the API reaches it.
    pub api: Database,
    /// What wakes everybody.
    pub signals: Signals,
    /// Starts runs.
    pub starter: RunStarter,
    /// A connection that sees everything, for what a test wants to know or to break.
    pub sql: tokio_postgres::Client,
    /// Whether the API takes channels that send mail.
    pub sends_mail: bool,
    url: Url,
    name: String,
    must_rest: AtomicBool,
}

impl World {
    /// A world with nothing in it, whose test need not leave it at rest.
    pub async fn new() -> Self {
        let server = Server::shared().await;
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        server.clone_template(&name).await;
        let url = server.url(&name);
        let database = |connections| {
            Database::new(
                DatabaseUrl::parse(url.as_str()).expect("a URL of our own"),
                connections,
            )
        };
        let (engine, signals) = (database(16), Signals::new());
        let api = engine.for_api(8);
        Self {
            starter: RunStarter::new(api.clone(), signals.clone()),
            sql: server::connect(&url)
                .await
                .expect("the clone accepts connections"),
            engine,
            api,
            signals,
            sends_mail: false,
            url,
            name,
            must_rest: AtomicBool::new(false),
        }
    }

    /// A world that at the end of the test must hold no lease and no unfinished run.
    pub async fn that_comes_to_rest() -> Self {
        let world = Self::new().await;
        world.must_rest.store(true, Ordering::Relaxed);
        world
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Another connection that sees everything.
    pub async fn connect(&self) -> tokio_postgres::Client {
        server::connect(&self.url)
            .await
            .expect("the database accepts connections")
    }

    /// A pool of its own, as another process has one.
    #[must_use]
    pub fn another_pool(&self) -> Database {
        Database::new(
            DatabaseUrl::parse(self.url.as_str()).expect("a URL of our own"),
            8,
        )
    }

    /// Moves time for everybody, and says so.
    pub async fn advance(&self, step: Duration) {
        let milliseconds = i64::try_from(step.as_millis()).expect("a step of a test");
        self.execute(
            "UPDATE world.time SET ahead = ahead + $1::bigint * interval '1 millisecond'",
            &[&milliseconds],
        )
        .await;
        self.signals.raise([Signal::Everything]);
    }

    /// Creates the tenant `key`.
    pub async fn tenant(&self, key: &str) -> TenantId {
        self.tenant_with_id(TenantId::generate(), key).await
    }

    /// Creates the tenant `key` in the partition.
    pub async fn tenant_in(&self, partition: i16, key: &str) -> TenantId {
        let id = std::iter::repeat_with(TenantId::generate)
            .find(|id| id.partition() == partition)
            .expect("an endless supply of ids");
        self.tenant_with_id(id, key).await
    }

    async fn tenant_with_id(&self, id: TenantId, key: &str) -> TenantId {
        let mut transaction = self.api.begin(Actor::Nobody).await.expect("a transaction");
        tenants::insert_tenant(&mut transaction, id, key)
            .await
            .expect("a tenant");
        transaction.commit().await.expect("a tenant");
        id
    }

    /// Starts one run without inputs.
    pub async fn start(&self, tenant: TenantId, workflow: &str) -> RunId {
        self.start_many(tenant, workflow, 1).await[0]
    }

    /// Starts `count` runs in one call.
    pub async fn start_many(&self, tenant: TenantId, workflow: &str, count: usize) -> Vec<RunId> {
        let requests = vec![request(workflow); count];
        let started = self.starter.start(tenant, SUBJECT, requests).await;
        started
            .expect("the runs start")
            .into_iter()
            .map(|run| run.id)
            .collect()
    }

    /// Cancels the run.
    pub async fn cancel(&self, tenant: TenantId, run: RunId) -> Result<(), CommandError> {
        cancel_run(
            &self.api,
            &self.signals,
            &Self::author(tenant),
            run,
            Force::Cancel,
            None,
        )
        .await
    }

    /// Whoever the tests act for.
    fn author(tenant: TenantId) -> Author {
        Author {
            tenant,
            subject: SUBJECT.into(),
        }
    }

    /// A scheduler, until its handle is dropped or it is stopped.
    #[must_use]
    pub fn scheduler(&self) -> Running {
        self.measured_scheduler(Metrics::new())
    }

    /// The same, which shows in `metrics` what it does.
    #[must_use]
    pub fn measured_scheduler(&self, metrics: Metrics) -> Running {
        run_scheduler(&self.engine, &self.signals, metrics)
    }

    /// Lets this process and others hear each other.
    #[must_use]
    pub fn relay(&self) -> Running {
        run_relay(&self.engine, &self.signals)
    }

    /// Another process on the same database.
    #[must_use]
    pub fn process(&self) -> Process {
        let (database, signals) = (self.another_pool(), Signals::new());
        Process {
            _relay: run_relay(&database, &signals),
            database,
            signals,
        }
    }

    /// Waits until `holds`, looking whenever something was signalled; `what` is said when it takes too long.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let mut receiver = self.signals.receiver();
        let watched = async {
            while !holds().await {
                receiver.next().await;
            }
        };
        assert!(
            timeout(PATIENCE, watched).await.is_ok(),
            "waited {PATIENCE:?} in vain until {what}"
        );
    }

    /// Waits until the query gives `true`.
    pub async fn until_true(&self, query: &str) {
        self.until(query, || async { self.value::<bool>(query, &[]).await })
            .await;
    }

    /// Waits until every run has ended.
    pub async fn until_all_ended(&self) {
        self.until_true("SELECT NOT EXISTS (SELECT FROM runs WHERE finished_at IS NULL)")
            .await;
    }

    /// Waits until the query gives `true`, for what raises no signal: asks again and again, each question taking its time.
    pub async fn until_seen(&self, query: &str) {
        let watched = async { while !self.value::<bool>(query, &[]).await {} };
        assert!(
            timeout(PATIENCE, watched).await.is_ok(),
            "waited {PATIENCE:?} in vain until {query}"
        );
    }

    /// The same, for as long as something at least is still being done: as long as the number of attempts and occurrences rises.
    pub async fn until_done(&self, query: &str) {
        const DONE: &str = "SELECT (SELECT count(*) FROM attempts WHERE finished_at IS NOT NULL) + (SELECT count(*) FROM occurrences)";
        loop {
            let before: i64 = self.value(DONE, &[]).await;
            let watched = async { while !self.value::<bool>(query, &[]).await {} };
            if timeout(PATIENCE, watched).await.is_ok() {
                return;
            }
            let after: i64 = self.value(DONE, &[]).await;
            assert!(after > before, "nothing more was done, and in vain until {query}");
        }
    }

    /// Waits until some transaction in this database waits for another.
    pub async fn until_somebody_waits(&self) {
        const WAITING: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock')";
        self.until_seen(WAITING).await;
    }

    /// The only value of the only row.
    pub async fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(
        &self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> T {
        match self.sql.query_one(query, parameters).await {
            Ok(row) => row.get(0),
            Err(error) => panic!("{query}: {error:?}"),
        }
    }

    /// The first value of each row.
    pub async fn column<T: for<'a> tokio_postgres::types::FromSql<'a>>(
        &self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Vec<T> {
        match self.sql.query(query, parameters).await {
            Ok(rows) => rows.iter().map(|row| row.get(0)).collect(),
            Err(error) => panic!("{query}: {error:?}"),
        }
    }

    /// How many rows the statement changed.
    pub async fn execute(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> u64 {
        match self.sql.execute(statement, parameters).await {
            Ok(changed) => changed,
            Err(error) => panic!("{statement}: {error:?}"),
        }
    }
}

/// A wish for a run of `workflow` without inputs.
#[must_use]
pub fn request(workflow: &str) -> StartRun {
    StartRun {
        workflow: workflow.to_owned(),
        inputs: serde_json::Map::new(),
        priority: None,
        idempotency_key: None,
    }
}

/// The next signal that `wanted` picks; for a test that must see one certain thing happen.
pub async fn heard(receiver: &mut SignalReceiver, wanted: impl Fn(Signal) -> bool) {
    let hearing = async { while !wanted(receiver.next().await) {} };
    assert!(timeout(PATIENCE, hearing).await.is_ok(), "the signal never came");
}

/// Another process: it shares nothing with the test but the database.
pub struct Process {
    /// Its connections.
    pub database: Database,
    /// What it hears.
    pub signals: Signals,
    _relay: Running,
}

impl Process {
    /// A scheduler in this process.
    #[must_use]
    pub fn scheduler(&self) -> Running {
        run_scheduler(&self.database, &self.signals, Metrics::new())
    }
}

fn run_scheduler(database: &Database, signals: &Signals, metrics: Metrics) -> Running {
    let scheduler = Scheduler::new(database.clone(), signals.clone(), metrics, "here".to_owned());
    Running::spawn(|shutdown| scheduler.run(shutdown))
}

fn run_relay(database: &Database, signals: &Signals) -> Running {
    let (database, signals) = (database.clone(), signals.clone());
    Running::spawn(async move |shutdown| signals.relay(&database, &shutdown).await)
}

/// Something that runs beside the test.
pub struct Running {
    shutdown: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// Runs `task` until it ends by itself, is told to by its token, or its handle is dropped.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(task: impl FnOnce(CancellationToken) -> F) -> Self {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(task(shutdown.clone()));
        Self {
            shutdown,
            task: Some(task),
        }
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(task) = self.task.take() {
            let ended = timeout(PATIENCE, task)
                .await
                .expect("it stops when it is asked to");
            ended.expect("it does not panic");
        }
    }

    /// Ends it between two instructions, as a lost machine does.
    pub async fn kill(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            assert!(
                task.await.is_err_and(|end| end.is_cancelled()),
                "it was alive until now"
            );
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let must_rest = self.must_rest.load(Ordering::Relaxed) && !std::thread::panicking();
        let (name, url) = (self.name.clone(), self.url.clone());
        // A thread of its own, because the test's runtime is ending and a destructor cannot wait for it.
        let ended = std::thread::spawn(move || end(&name, &url, must_rest)).join();
        if let Err(unrest) = ended
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(unrest);
        }
    }
}

/// Checks that the world is at rest, if it must be, and removes its database.
#[tokio::main(flavor = "current_thread")]
async fn end(name: &str, url: &Url, must_rest: bool) {
    let unrest = if must_rest { unrest(url).await } else { Vec::new() };
    let client = Server::shared().await.connect().await;
    let dropped = drop_database(&client, name).await;
    assert!(unrest.is_empty(), "the world is not at rest: {unrest:#?}");
    dropped.expect("the database of a test that has ended is dropped");
}

/// Ends whoever is connected to the database, and removes it. PostgreSQL's own workers, which nobody but a superuser may end, look in
/// for a moment now and then; they are waited for.
async fn drop_database(client: &tokio_postgres::Client, name: &str) -> Result<(), tokio_postgres::Error> {
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    let deadline = Instant::now() + PATIENCE;
    loop {
        match client.batch_execute(&drop).await {
            Err(error)
                if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) && Instant::now() < deadline => {}
            ended => return ended,
        }
    }
}

/// What is held, live or unfinished.
async fn unrest(url: &Url) -> Vec<String> {
    const UNREST: &str = "
        SELECT 'task run ' || task_run_id || ' is ' || state || ' with ' || coalesce(executor_id::text, 'nobody')
        FROM dispatch
        UNION ALL
        SELECT 'run ' || id || ' is ' || state || ' with ' || open_task_runs || ' open' FROM runs WHERE finished_at IS NULL
        UNION ALL
        SELECT 'task run ' || t.id || ' is ' || t.state || ' in a run that is ' || r.state
        FROM task_runs AS t JOIN runs AS r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
        WHERE t.finished_at IS NULL AND r.finished_at IS NOT NULL";
    let client = server::connect(url)
        .await
        .expect("the database accepts connections");
    let rows = client
        .query(UNREST, &[])
        .await
        .expect("a look at what is unfinished");
    rows.iter().map(|row| row.get(0)).collect()
}
