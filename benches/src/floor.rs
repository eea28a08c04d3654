//! What the database alone does: plain SQL on the cluster of the service that is measured, in a database of its own.
//!
//! Each floor is the least that its scenario cannot do without: the same commits, with one row in place of a run's rows,
//! over the same socket, under the same settings.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use futures_util::stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, interval};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::figures::{Sample, millis, millis_of_micros, now_micros, number};
use crate::stack::{Stack, connect};

const DATABASE: &str = "floor";
const TABLES: &str = "
    CREATE TABLE rows (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        body text NOT NULL,
        at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE queue (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        state text NOT NULL DEFAULT 'READY',
        finished_at timestamptz) WITH (fillfactor = 50);
    CREATE INDEX queue_ready ON queue (id) WHERE state = 'READY'";
const INSERT_ONE: &str = "INSERT INTO rows (body) VALUES ('a row')";
const INSERT_MANY: &str = "INSERT INTO rows (body) SELECT 'a row' FROM generate_series(1, $1::integer)";
const FILL_QUEUE: &str = "INSERT INTO queue (state) SELECT 'READY' FROM generate_series(1, $1::integer)";
const CLAIM: &str = "
    WITH next AS (
        SELECT id FROM queue WHERE state = 'READY' ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)
    UPDATE queue SET state = 'RUNNING' FROM next WHERE queue.id = next.id
    RETURNING queue.id";
const FINISH: &str = "UPDATE queue SET state = 'DONE', finished_at = now() WHERE id = ANY($1)";
const NOTIFY: &str = "SELECT pg_notify('floor', floor(extract(epoch FROM now()) * 1000000)::bigint::text)";

/// Where the floors of one stack are taken.
#[derive(Debug)]
pub(crate) struct Floor {
    config: Config,
    client: Client,
    /// Where the cluster's socket is, and `pgbench`, which costs less than any client of ours.
    pgbench: Option<(PathBuf, PathBuf)>,
}

impl Floor {
    /// Makes the tables.
    pub(crate) async fn beneath(stack: &Stack) -> anyhow::Result<Self> {
        stack
            .database()
            .await?
            .batch_execute(&format!("CREATE DATABASE {DATABASE}"))
            .await?;
        let config = stack.config(DATABASE);
        let client = connect(&config).await?;
        client.batch_execute(TABLES).await?;
        let pgbench = stack
            .postgres_program("pgbench")
            .map(|program| (program, stack.cluster().to_owned()));
        Ok(Self {
            config,
            client,
            pgbench,
        })
    }

    /// How long a commit of one row takes, `a_second` of them, in milliseconds.
    pub(crate) async fn paced_commits(&self, a_second: u32, count: usize) -> anyhow::Result<Sample> {
        let insert = self.client.prepare(INSERT_ONE).await?;
        let mut ticks = interval(Duration::from_secs(1) / a_second);
        let mut taken = Sample::default();
        for _ in 0..count {
            ticks.tick().await;
            let begun = Instant::now();
            self.client.execute(&insert, &[]).await?;
            taken.add(millis(begun.elapsed()));
        }
        Ok(taken)
    }

    /// Commits of one row, in a second, from `connections` at once.
    pub(crate) async fn commits_per_second(&self, connections: u32, length: Duration) -> anyhow::Result<f64> {
        match &self.pgbench {
            Some((program, socket)) => {
                let script = tempfile::NamedTempFile::new()?;
                std::fs::write(&script, INSERT_ONE)?;
                let output = tokio::process::Command::new(program)
                    .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
                    .arg(format!("--client={connections}"))
                    .arg(format!("--time={}", length.as_secs().max(1)))
                    .arg(format!("--file={}", script.path().display()))
                    .arg(format!("--host={}", socket.display()))
                    .args(["--username", self.config.get_user().unwrap_or_default(), DATABASE])
                    .kill_on_drop(true)
                    .output()
                    .await?;
                let told = String::from_utf8_lossy(&output.stdout);
                let rate = told
                    .lines()
                    .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
                let rate = rate.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
                Ok(rate.parse()?)
            }
            None => self.commits_without_pgbench(connections, length).await,
        }
    }

    async fn commits_without_pgbench(&self, connections: u32, length: Duration) -> anyhow::Result<f64> {
        let clients = try_join_all((0..connections).map(|_| connect(&self.config))).await?;
        let begun = Instant::now();
        let commits = clients.iter().map(async |client| {
            let insert = client.prepare(INSERT_ONE).await?;
            let mut commits = 0;
            while begun.elapsed() < length {
                client.execute(&insert, &[]).await?;
                commits += 1;
            }
            anyhow::Ok(commits)
        });
        let commits: usize = try_join_all(commits).await?.into_iter().sum();
        Ok(number(commits) / begun.elapsed().as_secs_f64())
    }

    /// Rows in a second, `batch` a commit, from one connection.
    pub(crate) async fn rows_per_second(&self, rows: usize, batch: i32) -> anyhow::Result<f64> {
        let insert = self.client.prepare(INSERT_MANY).await?;
        let begun = Instant::now();
        let mut inserted = 0;
        while inserted < rows {
            inserted += usize::try_from(self.client.execute(&insert, &[&batch]).await?)?;
        }
        Ok(number(inserted) / begun.elapsed().as_secs_f64())
    }

    /// Rows in a second that one connection claims, 500 a commit, and marks as done in the next commit.
    pub(crate) async fn claims_per_second(&self, rows: i32) -> anyhow::Result<f64> {
        self.client.execute(FILL_QUEUE, &[&rows]).await?;
        let (claim, finish) = (
            self.client.prepare(CLAIM).await?,
            self.client.prepare(FINISH).await?,
        );
        let begun = Instant::now();
        let mut done = 0;
        loop {
            let claimed = self.client.query(&claim, &[]).await?;
            if claimed.is_empty() {
                break;
            }
            let ids: Vec<i64> = claimed.iter().map(|row| row.get(0)).collect();
            self.client.execute(&finish, &[&ids]).await?;
            done += ids.len();
        }
        ensure!(
            done >= usize::try_from(rows)?,
            "the floor's queue gave {done} of {rows} rows"
        );
        Ok(number(done) / begun.elapsed().as_secs_f64())
    }

    /// How long commits of so many rows take, one after the other, in milliseconds.
    pub(crate) async fn commits_in_a_row(&self, rows: &[i32]) -> anyhow::Result<f64> {
        let insert = self.client.prepare(INSERT_MANY).await?;
        let begun = Instant::now();
        for rows in rows {
            self.client.execute(&insert, &[rows]).await?;
        }
        Ok(millis(begun.elapsed()))
    }

    /// How long after its transaction began a notification is heard, `a_second` of them, in milliseconds.
    pub(crate) async fn paced_notifications(&self, a_second: u32, count: usize) -> anyhow::Result<Sample> {
        let (client, mut connection) = self.config.connect(NoTls).await?;
        let messages = stream::poll_fn(move |context| connection.poll_message(context));
        let heard = tokio::spawn(
            messages
                .try_filter_map(async |message| {
                    let AsyncMessage::Notification(told) = message else {
                        return Ok(None);
                    };
                    let heard = now_micros();
                    Ok(told
                        .payload()
                        .parse()
                        .ok()
                        .map(|began: i64| millis_of_micros(heard - began)))
                })
                .take(count)
                .try_collect::<Vec<f64>>(),
        );
        client.batch_execute("LISTEN floor").await?;
        let notify = self.client.prepare(NOTIFY).await?;
        let mut ticks = interval(Duration::from_secs(1) / a_second);
        for _ in 0..count {
            ticks.tick().await;
            self.client.query(&notify, &[]).await?;
        }
        Ok(heard.await??.into_iter().collect())
    }
}
