//! What triggers wait for, as clients see and propose it.

use async_graphql::{Context, Enum, InputObject, Object, OneofObject, Result, SimpleObject};
use waterclock_core::id::{TenantId, WorkflowId};
use waterclock_core::trigger::address::WebhookAddress;
use waterclock_core::trigger::source::{Source, SourceProposal};
use waterclock_core::trigger::{self, signature};

use crate::graphql::id::Kind;
use crate::graphql::loader::load;
use crate::graphql::reference::ReferenceInput;
use crate::graphql::run::RunState;
use crate::graphql::scalar::Duration;
use crate::graphql::workflow::Workflow;

/// How calls of a webhook are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "signature::Scheme")]
pub(crate) enum WebhookScheme {
    /// As Standard Webhooks has it: id, instant and body, in `webhook-id`, `webhook-timestamp` and `webhook-signature`. A call is known by
    /// its id.
    Standard,
    /// As GitHub does: the body, in `x-hub-signature-256`. A call is known by its body, since its id is not signed.
    #[graphql(name = "GITHUB")]
    GitHub,
    /// As Stripe does: instant and body, in `stripe-signature`. A call is known by both.
    Stripe,
    /// As Slack does: instant and body, in `x-slack-request-timestamp` and `x-slack-signature`. A call is known by both.
    Slack,
}

/// What a trigger waits for: one of these.
#[derive(SimpleObject)]
pub(crate) struct TriggerSource {
    /// The end of a run.
    run_ended: Option<RunEndedSource>,
    /// An event that is published.
    event: Option<EventSource>,
    /// A request to an address of its own.
    webhook: Option<WebhookSource>,
}

/// The end of a run.
pub(crate) struct RunEndedSource {
    workflow: WorkflowId,
    states: Vec<RunState>,
    same_period: bool,
}

/// The end of a run. A run within another belongs to that one, and is none of these.
#[Object]
impl RunEndedSource {
    /// The workflow whose runs are waited for.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        Ok(load(context, self.workflow).await?.map(Workflow))
    }

    /// The states in which they end.
    async fn states(&self) -> &[RunState] {
        &self.states
    }

    /// Whether the run that is started is for the same occurrence as the one that ended: the same date, the same data interval.
    async fn same_period(&self) -> bool {
        self.same_period
    }
}

/// An event that is published.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct EventSource {
    /// Its name.
    name: String,
    /// What it is about; anything when absent.
    key: Option<String>,
}

/// A request to an address of its own.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WebhookSource {
    /// How it is signed.
    scheme: WebhookScheme,
    /// How far the signed instant may lie from the present, where one is signed.
    tolerance: Duration,
    /// Where it is sent, below the address of this service, with `POST`.
    path: String,
}

impl TriggerSource {
    /// What the trigger waits for.
    pub(super) fn of(tenant: TenantId, trigger: &trigger::Trigger) -> Self {
        let mut source = Self {
            run_ended: None,
            event: None,
            webhook: None,
        };
        match &trigger.spec.on {
            Source::RunEnded {
                workflow,
                states,
                same_period,
            } => {
                source.run_ended = Some(RunEndedSource {
                    workflow: *workflow,
                    states: states.iter().map(|&state| state.into()).collect(),
                    same_period: *same_period,
                });
            }
            Source::Event { name, key } => {
                source.event = Some(EventSource {
                    name: name.clone(),
                    key: key.clone(),
                });
            }
            Source::Webhook { scheme, tolerance_ms } => {
                let address = WebhookAddress {
                    tenant,
                    trigger: trigger.id,
                };
                source.webhook = Some(WebhookSource {
                    scheme: (*scheme).into(),
                    tolerance: Duration(*tolerance_ms),
                    path: format!("/webhooks/{address}"),
                });
            }
        }
        source
    }
}

/// What a trigger waits for. It stays of the kind that it was made with.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum TriggerSourceInput {
    /// The end of a run. Expressions read the run as `upstream` (`id`, `workflow`, `state`, `reason`, `inputs`, `outputs`, `startedAt`,
    /// `finishedAt`), and the `occurrence` that it was for.
    RunEnded(RunEndedSourceInput),
    /// An event that is published. Expressions read it as `event`: `id`, `name`, `key`, `payload`, `publishedBy`.
    Event(EventSourceInput),
    /// A request to an address of its own. Expressions read it as `request`: `id`, `receivedAt`, `headers` by their names in lower case,
    /// `body`.
    Webhook(WebhookSourceInput),
}

/// The end of a run. A run within another belongs to that one, and is none of these.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RunEndedSourceInput {
    /// The workflow whose runs are waited for.
    workflow: ReferenceInput,
    /// The states in which they end.
    #[graphql(default_with = "vec![RunState::Succeeded]")]
    states: Vec<RunState>,
    /// Whether the run that is started is for the same occurrence as the one that ended. Without an occurrence nothing starts.
    #[graphql(default)]
    same_period: bool,
}

/// An event that is published.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct EventSourceInput {
    /// Its name.
    name: String,
    /// What it must be about; anything when absent.
    key: Option<String>,
}

/// A request to an address of its own.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct WebhookSourceInput {
    /// How it is signed. It stays as it was made with.
    scheme: WebhookScheme,
    /// How far the signed instant may lie from the present, where one is signed: a second to a day.
    #[graphql(default_with = "Duration(300_000)")]
    tolerance: Duration,
}

impl From<TriggerSourceInput> for SourceProposal {
    fn from(input: TriggerSourceInput) -> Self {
        match input {
            TriggerSourceInput::RunEnded(input) => Self::RunEnded {
                workflow: input.workflow.resolve(Kind::Workflow),
                states: input.states.into_iter().map(Into::into).collect(),
                same_period: input.same_period,
            },
            TriggerSourceInput::Event(input) => Self::Event {
                name: input.name,
                key: input.key,
            },
            TriggerSourceInput::Webhook(input) => Self::Webhook {
                scheme: input.scheme.into(),
                tolerance_ms: input.tolerance.0,
            },
        }
    }
}
