//! Alerts, listed.

use chrono::{DateTime as Instant, Utc};
use graphql_client::GraphQLQuery;

use super::{Api, ClientError};

type DateTime = Instant<Utc>;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../schema.graphql",
    query_path = "src/client/operations/list_alerts.graphql",
    normalization = "rust",
    variables_derives = "Clone, Debug",
    response_derives = "Clone, Debug, PartialEq"
)]
struct ListAlerts;

pub(crate) use list_alerts::ListAlertsAlertsNodes as ListedAlert;
pub(crate) use list_alerts::Severity;

/// The most items that a page has.
const PAGE: i64 = 100;

impl Api {
    /// The latest alerts, at most `limit`; those that are resolved as well when `resolved`.
    pub(crate) async fn list_alerts(
        &self,
        rule: Option<String>,
        workflow: Option<String>,
        resolved: bool,
        limit: u32,
    ) -> Result<Vec<ListedAlert>, ClientError> {
        let filter = list_alerts::AlertFilter {
            rule: rule.map(list_alerts::ReferenceInput::Key),
            workflow: workflow.map(list_alerts::ReferenceInput::Key),
            severities: None,
            resolved: (!resolved).then_some(false),
            silenced: None,
        };
        let (mut alerts, mut after) = (Vec::new(), None);
        loop {
            let missing = i64::from(limit) - i64::try_from(alerts.len()).unwrap_or(i64::MAX);
            let variables = list_alerts::Variables {
                filter: Some(filter.clone()),
                first: missing.min(PAGE),
                after,
            };
            let page = self.ask::<ListAlerts>(variables).await?.alerts;
            alerts.extend(page.nodes);
            if missing <= PAGE || !page.page_info.has_next_page {
                return Ok(alerts);
            }
            after = page.page_info.end_cursor;
        }
    }
}
