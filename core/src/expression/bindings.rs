//! The values that an expression is evaluated over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::Value as Json;

use super::facts::{
    Datum, EventFacts, Fact, Fields, NodeFacts, OccurrenceFacts, RequestFacts, ResponseFacts, RunFacts,
    UpstreamFacts,
};
use super::scope::Root;

/// The values behind the names of a [`Scope`](super::Scope).
///
/// JSON is shared and never copied: an expression that reads one field of a long output costs no more than that field.
///
/// ```
/// use std::sync::Arc;
/// use serde_json::json;
/// use waterclock_core::expression::{Bindings, Expression, Scope};
///
/// let expression = Expression::parse("item * 2 + index", &Scope::default().with_item()).unwrap();
/// let bindings = Bindings::default().with_item(Arc::new(json!(20)), 2);
/// assert_eq!(expression.evaluate(&bindings).unwrap(), json!(42));
/// ```
#[derive(Clone, Default)]
pub struct Bindings {
    roots: BTreeMap<Root, Datum>,
    working_days: Option<Arc<dyn WorkingDays>>,
}

/// A calendar, as expressions ask it.
///
/// [`Scope::with_working_days`](super::Scope::with_working_days) makes `isWorkingDay`, `nextWorkingDay`, `previousWorkingDay` and
/// `addWorkingDays` known to an expression; they ask for one day after the other, and for no more than a few years.
pub trait WorkingDays: Send + Sync {
    /// Whether people work on that day.
    fn is_working_day(&self, date: NaiveDate) -> bool;
}

impl Bindings {
    /// `inputs`: an object.
    #[must_use]
    pub fn with_inputs(self, inputs: Arc<Json>) -> Self {
        self.with(Root::Inputs, Datum::Json(inputs))
    }

    /// `run`.
    #[must_use]
    pub fn with_run(self, run: RunFacts) -> Self {
        self.with(Root::Run, run.datum())
    }

    /// `nodes.KEY` of a node of which the state is foreseen and nothing else is known: an expression that reads more of it fails.
    #[must_use]
    pub fn with_future_node(self, key: &str, state: &str) -> Self {
        let known = Fields::from([
            ("state".to_owned(), state.to_owned().datum()),
            ("stateReason".to_owned(), Datum::Null),
        ]);
        self.with_node_datum(key.to_owned(), Datum::Fields(known))
    }

    /// `nodes.KEY`. Only the nodes that [`References::nodes`](super::References::nodes) lists need be given.
    #[must_use]
    pub fn with_node(self, key: impl Into<String>, node: NodeFacts) -> Self {
        self.with_node_datum(key.into(), node.datum())
    }

    fn with_node_datum(mut self, key: String, node: Datum) -> Self {
        let nodes = self
            .roots
            .entry(Root::Nodes)
            .or_insert_with(|| Datum::Fields(Fields::new()));
        if let Datum::Fields(nodes) = nodes {
            nodes.insert(key, node);
        }
        self
    }

    /// `item` and `index`: the item of a list that is at hand, and its place from 0.
    #[must_use]
    pub fn with_item(self, item: Arc<Json>, index: usize) -> Self {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.with(Root::Item, Datum::Json(item))
            .with(Root::Index, index.datum())
    }

    /// `occurrence`.
    #[must_use]
    pub fn with_occurrence(self, occurrence: OccurrenceFacts) -> Self {
        self.with(Root::Occurrence, occurrence.datum())
    }

    /// `occurrence` of a run that no schedule started: null.
    #[must_use]
    pub fn with_no_occurrence(self) -> Self {
        self.with(Root::Occurrence, Datum::Null)
    }

    /// `response`.
    #[must_use]
    pub fn with_response(self, response: ResponseFacts) -> Self {
        self.with(Root::Response, response.datum())
    }

    /// `event`.
    #[must_use]
    pub fn with_event(self, event: EventFacts) -> Self {
        self.with(Root::Event, event.datum())
    }

    /// `upstream`.
    #[must_use]
    pub fn with_upstream(self, upstream: UpstreamFacts) -> Self {
        self.with(Root::Upstream, upstream.datum())
    }

    /// `request`.
    #[must_use]
    pub fn with_request(self, request: RequestFacts) -> Self {
        self.with(Root::Request, request.datum())
    }

    /// The calendar that the functions of working days ask.
    #[must_use]
    pub fn with_working_days(mut self, working_days: Arc<dyn WorkingDays>) -> Self {
        self.working_days = Some(working_days);
        self
    }

    fn with(mut self, root: Root, datum: Datum) -> Self {
        self.roots.insert(root, datum);
        self
    }

    pub(super) fn root(&self, root: Root) -> Option<&Datum> {
        self.roots.get(&root)
    }

    pub(super) fn working_days(&self) -> Option<&dyn WorkingDays> {
        self.working_days.as_deref()
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings")
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
