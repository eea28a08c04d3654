//! The event log, read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::events;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::event::{Event, EventKind, Span, Topic};
use crate::id::{RunId, TenantId};

/// The highest number that the log has given out, whether or not its event was committed.
pub(crate) async fn read_last_event_number(transaction: &mut Transaction) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let row: Row = Fixed(statement!("read_last_event_number"))
        .get_result(&mut **transaction)
        .await?;
    Ok(row.number)
}

/// The transactions under way that may have taken a number.
pub(crate) async fn list_event_writers(transaction: &mut Transaction) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        writer: String,
    }
    let rows: Vec<Row> = Fixed(statement!("list_event_writers"))
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(|row| row.writer).collect())
}

/// Writes down something that is about neither a run nor a task run.
pub(crate) async fn insert_event(
    transaction: &mut Transaction,
    tenant: TenantId,
    kind: EventKind,
    data: Value,
) -> Result<(), StoreError> {
    diesel::insert_into(events::table)
        .values((
            events::tenant_id.eq(tenant.0),
            events::kind.eq(kind.as_str()),
            events::data.eq(data),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Which events are worth reading for all who listen.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent, and each is a condition of the statement"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// All events of these runs; of every run when there is no list.
    pub runs: Option<BTreeSet<RunId>>,
    /// The events of runs as wholes.
    pub all_runs: bool,
    /// The events of executors.
    pub executors: bool,
    /// The events of alerts.
    pub alerts: bool,
    /// The events of bulk jobs.
    pub bulk_jobs: bool,
    /// The events of occurrences.
    pub occurrences: bool,
    /// The events of backfills.
    pub backfills: bool,
    /// The events of firings.
    pub firings: bool,
}

impl Interest {
    /// What `topic` alone wants.
    #[must_use]
    pub fn of(topic: Topic) -> Self {
        let mut interest = Self {
            runs: Some(BTreeSet::new()),
            all_runs: false,
            executors: false,
            alerts: false,
            bulk_jobs: false,
            occurrences: false,
            backfills: false,
            firings: false,
        };
        match topic {
            Topic::Run(run) => interest.runs = Some(BTreeSet::from([run])),
            Topic::Runs => interest.all_runs = true,
            Topic::Executors => interest.executors = true,
            Topic::Alerts => interest.alerts = true,
            Topic::BulkJobs => interest.bulk_jobs = true,
            Topic::Occurrences => interest.occurrences = true,
            Topic::Backfills => interest.backfills = true,
            Topic::Firings => interest.firings = true,
        }
        interest
    }
}

#[derive(Queryable, QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    task_run_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    data: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// Part of the log, and where the next part begins.
#[derive(Debug, Default)]
pub struct EventPage {
    /// The events, in order. Those of a kind that only a later release knows are left out.
    pub events: Vec<Event>,
    /// The number up to which the log was read.
    pub read_until: i64,
}

impl EventPage {
    fn new(rows: Vec<Row>, span: Span, limit: i64) -> Self {
        let is_last = i64::try_from(rows.len()).is_ok_and(|read| read < limit);
        let read_until = rows.last().filter(|_| !is_last).map_or(span.upto, |row| row.seq);
        Self {
            events: rows.into_iter().filter_map(event).collect(),
            read_until,
        }
    }
}

fn event(row: Row) -> Option<Event> {
    let kind: EventKind = row.kind.parse().ok()?;
    Some(Event {
        seq: row.seq,
        run_id: row.run_id.map(Into::into),
        task_run_id: row.task_run_id.map(Into::into),
        kind,
        data: row.data,
        at: row.at,
    })
}

/// The first `limit` events of `span` that are of `interest`.
pub async fn list_events(
    transaction: &mut Transaction,
    span: Span,
    interest: &Interest,
    limit: i64,
) -> Result<EventPage, StoreError> {
    let runs: Option<Vec<Uuid>> = interest
        .runs
        .as_ref()
        .map(|runs| runs.iter().map(|run| run.0).collect());
    let rows: Vec<Row> = Fixed(
        statement!("list_events")
            .bind::<SqlUuid, _>(span.tenant.0)
            .bind::<BigInt, _>(span.after)
            .bind::<BigInt, _>(span.upto)
            .bind::<BigInt, _>(limit)
            .bind::<Nullable<Array<SqlUuid>>, _>(runs)
            .bind::<Bool, _>(interest.all_runs)
            .bind::<Bool, _>(interest.executors)
            .bind::<Bool, _>(interest.alerts)
            .bind::<Bool, _>(interest.bulk_jobs)
            .bind::<Bool, _>(interest.occurrences)
            .bind::<Bool, _>(interest.backfills)
            .bind::<Bool, _>(interest.firings),
    )
    .load(&mut **transaction)
    .await?;
    Ok(EventPage::new(rows, span, limit))
}

/// The first `limit` events of `span` about `run`.
pub async fn list_events_of_run(
    transaction: &mut Transaction,
    span: Span,
    run: RunId,
    limit: i64,
) -> Result<EventPage, StoreError> {
    let rows = events::table
        .filter(events::tenant_id.eq(span.tenant.0).and(events::run_id.eq(run.0)))
        .filter(events::seq.gt(span.after).and(events::seq.le(span.upto)))
        .order(events::seq)
        .limit(limit)
        .select((
            events::seq,
            events::run_id,
            events::task_run_id,
            events::kind,
            events::data,
            events::at,
        ))
        .load::<Row>(&mut **transaction)
        .await?;
    Ok(EventPage::new(rows, span, limit))
}

/// The number and kind of the last event about `run`, of those committed by now.
pub async fn find_last_event_of_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<Option<(i64, EventKind)>, StoreError> {
    let row: Option<(i64, String)> = events::table
        .filter(events::tenant_id.eq(tenant.0).and(events::run_id.eq(run.0)))
        .order(events::seq.desc())
        .select((events::seq, events::kind))
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(row.and_then(|(seq, kind)| Some((seq, kind.parse().ok()?))))
}
