//! What expressions can read, each name once.
//!
//! A struct says under one name what a value is when an expression is checked (its [`Kind`]) and what it is when the
//! expression is evaluated (its [`Datum`]), so that neither list can know a name that the other does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::kind::{Kind, Record};
use crate::id::RunId;
use crate::run::Trigger;

/// A value that an expression is given.
#[derive(Clone, Debug)]
pub(super) enum Datum {
    Null,
    Text(Arc<str>),
    Instant(DateTime<Utc>),
    Json(Arc<Json>),
    Fields(Fields),
}

/// Values by name.
pub(super) type Fields = BTreeMap<String, Datum>;

/// Something that an expression can be given, of a kind that is known beforehand.
pub(super) trait Fact {
    fn kind() -> Kind;
    fn datum(self) -> Datum;
}

/// Declares a struct of facts, with the names under which expressions read them.
macro_rules! facts {
    ($(#[$doc:meta])* $name:ident, $noun:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl Fact for $name {
            fn kind() -> Kind {
                let fields = [$(($text.to_owned(), <$type>::kind()),)+];
                Kind::Record(Arc::new(Record { noun: $noun, fields: fields.into() }))
            }

            fn datum(self) -> Datum {
                Datum::Fields([$(($text.to_owned(), self.$field.datum()),)+].into())
            }
        }
    };
}

facts! {
    /// The run that the expression is evaluated in: `run`.
    RunFacts, "field of a run" {
        /// Its id.
        id: RunId = "id",
        /// The key of its workflow.
        workflow: String = "workflow",
        /// The number of its workflow's version.
        version: i64 = "version",
        /// What caused it, as the API says it: `CALLER`, …
        trigger: Trigger = "trigger",
        /// Who started it; null when nobody did.
        started_by: Option<String> = "startedBy",
        /// When it started.
        started_at: DateTime<Utc> = "startedAt",
        /// 0 (last) to 9 (first).
        priority: i64 = "priority",
    }
}

facts! {
    /// What became of a task node of the run: `nodes.KEY`.
    NodeFacts, "field of a task node" {
        /// The state of its task run, as the API says it: `SUCCEEDED`, …
        state: String = "state",
        /// Why it is in that state; null when there is nothing to say.
        state_reason: Option<String> = "stateReason",
        /// How many attempts were made.
        attempts: i64 = "attempts",
        /// What it gave, by name.
        outputs: Arc<Json> = "outputs",
        /// How far it has come; null when it has not said.
        progress: Option<Progress> = "progress",
    }
}

facts! {
    /// How far a task node has come: `nodes.KEY.progress`.
    Progress, "field of a progress" {
        /// 0 to 100; null when it said a message alone.
        percent: Option<f64> = "percent",
        /// What it says about it.
        message: String = "message",
    }
}

facts! {
    /// The occurrence of a schedule: `occurrence`. Dates are those of the schedule's zone, as `YYYY-MM-DD`.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    OccurrenceFacts, "field of an occurrence" {
        /// The key of the schedule.
        schedule: String = "schedule",
        /// The schedule's time zone, by its IANA name.
        zone: String = "zone",
        /// The instant that the rule names.
        instant: DateTime<Utc> = "instant",
        /// The instant at which it is to be started, after calendars and jitter.
        scheduled_for: DateTime<Utc> = "scheduledFor",
        /// The date of the instant.
        date: NaiveDate = "date",
        /// The working day that the occurrence stands for.
        business_date: NaiveDate = "businessDate",
        /// The span of time that the occurrence closes.
        data_interval: DataInterval = "dataInterval",
    }
}

facts! {
    /// The span of time that an occurrence closes: `occurrence.dataInterval`.
    #[derive(Serialize, Deserialize)]
    DataInterval, "field of a data interval" {
        /// Its first instant.
        start: DateTime<Utc> = "start",
        /// The first instant after it.
        end: DateTime<Utc> = "end",
    }
}

facts! {
    /// What an endpoint answered: `response`.
    ResponseFacts, "field of a response" {
        /// The HTTP status.
        status: i64 = "status",
        /// The headers, by their names in lower case.
        headers: BTreeMap<String, String> = "headers",
        /// The body: JSON, or text where it is not JSON.
        body: Arc<Json> = "body",
    }
}

facts! {
    /// An event that was published: `event`.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    EventFacts, "field of an event" {
        /// Its id.
        id: String = "id",
        /// What happened, in the tenant's word.
        name: String = "name",
        /// What it is about; null when that was not said.
        key: Option<String> = "key",
        /// What else there is to say.
        payload: Arc<Json> = "payload",
        /// Who published it.
        published_by: String = "publishedBy",
    }
}

facts! {
    /// A run that has ended: `upstream`.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    UpstreamFacts, "field of a run that has ended" {
        /// Its id.
        id: RunId = "id",
        /// The key of its workflow.
        workflow: String = "workflow",
        /// The state that it ended in, as the API says it: `SUCCEEDED`, …
        state: String = "state",
        /// Why it ended so; null when there is nothing to say.
        reason: Option<String> = "reason",
        /// What it was given, by name.
        inputs: Arc<Json> = "inputs",
        /// What it returned, by name; null when it returned nothing.
        outputs: Arc<Json> = "outputs",
        /// When it started; null when it never did.
        started_at: Option<DateTime<Utc>> = "startedAt",
        /// When it ended.
        finished_at: DateTime<Utc> = "finishedAt",
    }
}

facts! {
    /// What a webhook was sent: `request`.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    RequestFacts, "field of a request" {
        /// The sender's name for the delivery; null when it has none.
        id: Option<String> = "id",
        /// When it came.
        received_at: DateTime<Utc> = "receivedAt",
        /// The headers, by their names in lower case, without those that hold credentials.
        headers: BTreeMap<String, String> = "headers",
        /// The body.
        body: Arc<Json> = "body",
    }
}

impl Fact for String {
    fn kind() -> Kind {
        Kind::String
    }

    fn datum(self) -> Datum {
        Datum::Text(self.into())
    }
}

impl Fact for i64 {
    fn kind() -> Kind {
        Kind::Number
    }

    fn datum(self) -> Datum {
        Datum::Json(Arc::new(self.into()))
    }
}

impl Fact for f64 {
    fn kind() -> Kind {
        Kind::Number
    }

    fn datum(self) -> Datum {
        Datum::Json(Arc::new(self.into()))
    }
}

impl Fact for RunId {
    fn kind() -> Kind {
        Kind::String
    }

    fn datum(self) -> Datum {
        self.to_string().datum()
    }
}

impl Fact for Trigger {
    fn kind() -> Kind {
        Kind::String
    }

    fn datum(self) -> Datum {
        Datum::Text(self.as_str().into())
    }
}

impl Fact for DateTime<Utc> {
    fn kind() -> Kind {
        Kind::Timestamp
    }

    fn datum(self) -> Datum {
        Datum::Instant(self)
    }
}

/// CEL has no dates; as text they sort and compare as they should, and can be handed on as inputs.
impl Fact for NaiveDate {
    fn kind() -> Kind {
        Kind::String
    }

    fn datum(self) -> Datum {
        self.to_string().datum()
    }
}

impl Fact for Arc<Json> {
    fn kind() -> Kind {
        Kind::Any
    }

    fn datum(self) -> Datum {
        Datum::Json(self)
    }
}

impl Fact for BTreeMap<String, String> {
    fn kind() -> Kind {
        Kind::Map(Arc::new(Kind::String))
    }

    fn datum(self) -> Datum {
        let field = |(name, text): (String, String)| (name, text.datum());
        Datum::Fields(self.into_iter().map(field).collect())
    }
}

/// Whether a value is null is not followed: whoever must know asks.
impl<T: Fact> Fact for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }

    fn datum(self) -> Datum {
        self.map_or(Datum::Null, T::datum)
    }
}
