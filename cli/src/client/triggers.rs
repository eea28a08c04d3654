//! Triggers: listed, steered, and what became of their firings.

use graphql_client::GraphQLQuery;

use super::operation::{Told, mutate, operations};
use super::{Api, ClientError, UserError};

type DateTime = chrono::DateTime<chrono::Utc>;
type Duration = String;

operations! {
    variables "Clone";
    ListTriggers in "src/client/operations/list_triggers.graphql";
    IdOfTrigger in "src/client/operations/id_of_trigger.graphql";
    PauseTrigger in "src/client/operations/pause_trigger.graphql";
    ResumeTrigger in "src/client/operations/resume_trigger.graphql";
    FiringsOfTrigger in "src/client/operations/firings_of_trigger.graphql";
    RotateWebhookSecret in "src/client/operations/rotate_webhook_secret.graphql";
}

pub(crate) use firings_of_trigger::{FiringOutcome, FiringsOfTriggerTriggerFiringsNodes as ListedFiring};
pub(crate) use list_triggers::{
    ListTriggersTriggersNodes as ListedTrigger, ListTriggersTriggersNodesOn as ListedSource,
    RunState as EndState, TriggerState, WebhookScheme,
};

impl Api {
    /// The triggers whose keys or descriptions contain `search`, by key.
    pub(crate) async fn list_triggers(
        &self,
        search: Option<String>,
    ) -> Result<Vec<ListedTrigger>, ClientError> {
        let filter = search.map(|search| list_triggers::KeyFilter {
            key_prefix: None,
            search: Some(search),
        });
        let (mut triggers, mut after) = (Vec::new(), None);
        loop {
            let variables = list_triggers::Variables {
                filter: filter.clone(),
                after,
            };
            let page = self.ask::<ListTriggers>(variables).await?.triggers;
            triggers.extend(page.nodes);
            if !page.page_info.has_next_page {
                return Ok(triggers);
            }
            after = page.page_info.end_cursor;
        }
    }

    /// The id of the trigger that `key` names.
    pub(crate) async fn id_of_trigger(&self, key: String) -> Result<Option<String>, ClientError> {
        let found = self.ask::<IdOfTrigger>(id_of_trigger::Variables { key }).await?;
        Ok(found.trigger.map(|trigger| trigger.id))
    }

    /// Keeps a trigger from starting anything.
    pub(crate) async fn pause_trigger(&self, id: String, reason: Option<String>) -> Told {
        let input = pause_trigger::PauseTriggerInput { id, reason };
        let done = mutate!(self, PauseTrigger, pause_trigger, pause_trigger, trigger, input);
        Ok(done.map(drop))
    }

    /// Lets a paused trigger go on.
    pub(crate) async fn resume_trigger(&self, id: String) -> Told {
        let input = resume_trigger::ResumeTriggerInput { id };
        let done = mutate!(
            self,
            ResumeTrigger,
            resume_trigger,
            resume_trigger,
            trigger,
            input
        );
        Ok(done.map(drop))
    }

    /// The latest firings of the trigger that `key` names, the latest first; `None` when there is no such trigger.
    pub(crate) async fn firings_of_trigger(
        &self,
        key: String,
        first: u32,
    ) -> Result<Option<Vec<ListedFiring>>, ClientError> {
        let variables = firings_of_trigger::Variables {
            key,
            first: first.into(),
        };
        let found = self.ask::<FiringsOfTrigger>(variables).await?.trigger;
        Ok(found.map(|trigger| trigger.firings.nodes))
    }

    /// Gives a webhook another secret, and tells it.
    pub(crate) async fn rotate_webhook_secret(
        &self,
        id: String,
        secret: Option<String>,
        overlap: String,
    ) -> Result<Result<String, Vec<UserError>>, ClientError> {
        let input = rotate_webhook_secret::RotateWebhookSecretInput { id, secret, overlap };
        Ok(mutate!(
            self,
            RotateWebhookSecret,
            rotate_webhook_secret,
            rotate_webhook_secret,
            webhook_secret,
            input
        ))
    }
}
