//! Channels as clients see and propose them.

use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object, OneofObject};
use waterclock_core::alert::channel;
use waterclock_core::alert::{ChannelProposal, Target, TargetProposal};

use crate::graphql::id::{Kind, encode};
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::registration::Registration;

/// How a channel delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AlertChannelKind {
    /// It posts to an address.
    Webhook,
    /// It sends mail.
    Email,
}

/// A registered channel: where alerts are delivered to.
#[derive(Clone)]
pub(crate) struct AlertChannel(pub(crate) Arc<channel::AlertChannel>);

impl From<channel::AlertChannel> for AlertChannel {
    fn from(channel: channel::AlertChannel) -> Self {
        Self(Arc::new(channel))
    }
}

/// A registered channel: where alerts are delivered to.
///
/// A webhook is a POST as Standard Webhooks has it: the headers `webhook-id`, which is the same with every try of a delivery,
/// `webhook-timestamp`, and `webhook-signature`, which is `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`. The body is
/// JSON: `type` (`alert.raised`, or `channel.test`), `timestamp`, and `data` with the `alert` (`id`, `kind`, `severity`, `message`, `count`,
/// `raisedAt`), its `tenant`, its `rule`, and the `workflow`, `run`, `taskRun` and `executor` that it is about, or null.
#[Object]
impl AlertChannel {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::AlertChannel, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// How it delivers.
    async fn kind(&self) -> AlertChannelKind {
        match self.0.spec.target {
            Target::Webhook { .. } => AlertChannelKind::Webhook,
            Target::Email { .. } => AlertChannelKind::Email,
        }
    }

    /// The address of a webhook.
    async fn url(&self) -> Option<&str> {
        match &self.0.spec.target {
            Target::Webhook { url, .. } => Some(url),
            Target::Email { .. } => None,
        }
    }

    /// The beginning of the SHA-256 of a webhook's secret, by which two can be told apart. The secret itself is never shown.
    async fn secret_fingerprint(&self) -> Option<&str> {
        match &self.0.spec.target {
            Target::Webhook { secret, .. } => Some(&secret.fingerprint),
            Target::Email { .. } => None,
        }
    }

    /// To whom mail goes.
    async fn to(&self) -> Option<&[String]> {
        match &self.0.spec.target {
            Target::Email { to, .. } => Some(to),
            Target::Webhook { .. } => None,
        }
    }

    /// From whom mail comes; whoever the service sends as when absent.
    async fn from(&self) -> Option<&str> {
        match &self.0.spec.target {
            Target::Email { from, .. } => from.as_deref(),
            Target::Webhook { .. } => None,
        }
    }

    /// Why nothing is sent any more: the receiver answered 410. Editing the channel tries it again.
    async fn disabled_reason(&self) -> Option<&str> {
        self.0.spec.disabled_reason.as_deref()
    }
}

/// A webhook.
#[derive(Clone, InputObject)]
pub(crate) struct WebhookInput {
    /// The `http` or `https` address that is posted to. One of a private network needs a scheduler that was started with
    /// `--allow-network`. Redirects are not followed.
    url: String,
    /// What deliveries are signed with: `whsec_` and 24 to 64 random bytes in base64. It is never shown again; an edit
    /// without one keeps it.
    secret: Option<String>,
}

/// People who get mail.
#[derive(Clone, InputObject)]
pub(crate) struct EmailInput {
    /// To whom, 1 to 50.
    to: Vec<String>,
    /// From whom; whoever the service sends as when absent.
    from: Option<String>,
}

/// Where a channel delivers to.
#[derive(Clone, OneofObject)]
pub(crate) enum AlertTargetInput {
    /// To an address.
    Webhook(WebhookInput),
    /// By mail. The service must have been started with `--smtp-url` and `--smtp-from`.
    Email(EmailInput),
}

/// What a channel is.
#[derive(Clone, InputObject)]
pub(crate) struct AlertChannelFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// Where it delivers to.
    target: AlertTargetInput,
}

impl std::fmt::Debug for AlertChannelFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlertChannelFields")
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

impl Propose for AlertChannelFields {
    type Proposal = ChannelProposal;

    fn propose(self) -> (String, ChannelProposal) {
        let target = match self.target {
            AlertTargetInput::Webhook(WebhookInput { url, secret }) => {
                TargetProposal::Webhook { url, secret }
            }
            AlertTargetInput::Email(EmailInput { to, from }) => TargetProposal::Email { to, from },
        };
        let proposal = ChannelProposal {
            target,
            sends_mail: false,
        };
        (self.description, proposal)
    }
}

inputs! {
    /// Registers a channel.
    RegisterAlertChannelInput,
    /// Replaces a channel as a whole: what is left out takes its default, but for a webhook's secret, which stays. Its key stays.
    UpdateAlertChannelInput,
    AlertChannelFields, Kind::AlertChannel
}
