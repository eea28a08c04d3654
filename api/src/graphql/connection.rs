//! Lists, a page at a time.
//!
//! A cursor is the place of an item in the order of its list, not a number of items to skip: what is added or deleted
//! meanwhile neither repeats an item nor hides one, and the millionth page costs what the first does.

use std::borrow::Cow;

use async_graphql::connection::PageInfo;
use async_graphql::{Object, OutputType, Result, TypeName};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::transport::ErrorCode;

/// How many items a page has when the caller does not say.
pub(crate) const DEFAULT_FIRST: i32 = 50;
/// The most items that a page may have.
pub(crate) const MOST_FIRST: i32 = 100;

/// The page that a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    first: usize,
    after: Option<String>,
}

impl Page {
    /// Reads the arguments `first` and `after`.
    pub(crate) fn of(first: Option<i32>, after: Option<&str>) -> Result<Self> {
        let first = first.unwrap_or(DEFAULT_FIRST);
        if !(1..=MOST_FIRST).contains(&first) {
            let message = format!("`first` is 1 to {MOST_FIRST}, not {first}.");
            return Err(ErrorCode::BadUserInput.error(message));
        }
        let after = after.map(decode).transpose()?;
        Ok(Self {
            first: usize::try_from(first).unwrap_or(1),
            after,
        })
    }

    /// The place after which the page begins.
    #[must_use]
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The place after which the page begins, as the order of its list has it.
    pub(crate) fn after_as<T: std::str::FromStr>(&self) -> Result<Option<T>> {
        self.after
            .as_deref()
            .map(|place| place.parse().map_err(|_| not_a_cursor()))
            .transpose()
    }

    /// How many items to read: one more than the page has, which says whether another page follows.
    #[must_use]
    pub(crate) fn limit(&self) -> i64 {
        i64::try_from(self.first + 1).unwrap_or(i64::MAX)
    }

    /// The connection of what was read; `place` is the place of an item in the order of its list.
    pub(crate) fn connection<Row, T: OutputType>(
        &self,
        mut rows: Vec<Row>,
        place: impl Fn(&Row) -> String,
        node: impl Fn(Row) -> T,
    ) -> Connection<T> {
        let has_next_page = rows.len() > self.first;
        rows.truncate(self.first);
        let edge = |row: Row| Edge {
            cursor: encode(&place(&row)),
            node: node(row),
        };
        Connection {
            has_previous_page: self.after.is_some(),
            has_next_page,
            edges: rows.into_iter().map(edge).collect(),
        }
    }
}

/// What a list of `first` items weighs, where each weighs `item`.
#[must_use]
pub(crate) fn weight(first: Option<i32>, item: usize) -> usize {
    let first = first.unwrap_or(DEFAULT_FIRST).clamp(1, MOST_FIRST);
    1 + usize::try_from(first).unwrap_or(1) * item
}

/// What a list weighs that is given whole, where each item weighs `item`. It comes with what holds it and costs no statement of
/// its own, and a client must be able to ask for everything that a workflow says.
#[must_use]
pub(crate) fn weight_of_whole(item: usize) -> usize {
    100 * item
}

fn encode(place: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place)
}

fn decode(cursor: &str) -> Result<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .map_err(|_| not_a_cursor())?;
    String::from_utf8(bytes).map_err(|_| not_a_cursor())
}

fn not_a_cursor() -> async_graphql::Error {
    ErrorCode::BadUserInput.error("`after` is not a cursor of this list; take one from `pageInfo.endCursor`.")
}

/// A page of a list.
pub(crate) struct Connection<T> {
    edges: Vec<Edge<T>>,
    has_previous_page: bool,
    has_next_page: bool,
}

/// An item of a list and its place.
pub(crate) struct Edge<T> {
    cursor: String,
    node: T,
}

/// A page of a list.
#[Object(name_type)]
impl<T: OutputType> Connection<T> {
    /// Where the page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// The items with their cursors.
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The items.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// An item of a list and its place.
#[Object(name_type)]
impl<T: OutputType> Edge<T> {
    /// The item's place in the list; given as `after`, the page that follows it is answered.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The item.
    async fn node(&self) -> &T {
        &self.node
    }
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_50_items_and_at_most_100() {
        assert_eq!(Page::of(None, None).unwrap().limit(), 51);
        assert_eq!(Page::of(Some(100), None).unwrap().limit(), 101);
        for first in [0, -1, 101, i32::MAX] {
            assert!(Page::of(Some(first), None).is_err(), "{first}");
        }
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let page = Page::of(Some(2), None).unwrap();
        let connection = page.connection(vec!["a", "b", "c"], |row| (*row).to_owned(), str::to_owned);
        assert!(connection.has_next_page);
        let cursor = &connection.edges.last().unwrap().cursor;
        assert_eq!(Page::of(Some(2), Some(cursor)).unwrap().after(), Some("b"));
        assert!(Page::of(None, Some("§")).is_err());
    }
}
