//! Where the time went while something was measured.
//!
//! Who used the processors is read from the kernel at no cost and always told. Which statements the database was busy with
//! is counted by `pg_stat_statements`, which takes a little of what is measured, so only a profile asks for it.

use anyhow::Context;
use tokio_postgres::Client;

use crate::machine::ProcessorTime;
use crate::stack::Stack;

/// What a cluster needs so that statements are counted from its next start on.
pub(crate) const COUNT_STATEMENTS: &str = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'";

/// How many statements are told.
const TOLD: i64 = 12;
const HEAVIEST: &str = "
    SELECT
        ltrim(split_part(split_part(query, E'\\n', 1), ':', 1), '- '), calls, total_exec_time,
        100 * total_exec_time / sum(total_exec_time) OVER ()
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY total_exec_time DESC
    LIMIT $1";

/// A look at what goes on, from its beginning until it is told.
pub(crate) struct Profile {
    processors: ProcessorTime,
    statements: Option<Client>,
}

impl Profile {
    /// Begins to look.
    pub(crate) async fn begin(stack: &Stack) -> anyhow::Result<Self> {
        let statements = if stack.counts_statements() {
            let client = stack.database().await?;
            client
                .batch_execute(
                    "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()",
                )
                .await
                .context("statements cannot be counted")?;
            Some(client)
        } else {
            None
        };
        Ok(Self {
            processors: ProcessorTime::until_now(),
            statements,
        })
    }

    /// Where the time of `pieces` pieces of work went, a line for each kind of time.
    pub(crate) async fn tell(self, pieces: usize) -> anyhow::Result<Vec<String>> {
        let processors = ProcessorTime::until_now().since(self.processors);
        let mut told = vec![processors.describe(pieces)];
        if let Some(client) = self.statements {
            for row in client.query(HEAVIEST, &[&TOLD]).await? {
                let (statement, calls): (String, i64) = (row.get(0), row.get(1));
                let (millis, percent): (f64, f64) = (row.get(2), row.get(3));
                told.push(format!(
                    "{percent:5.1} % {millis:9.0} ms {calls:8} calls  {statement:.70}"
                ));
            }
        }
        Ok(told)
    }
}
