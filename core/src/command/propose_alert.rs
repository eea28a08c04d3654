//! Proposals of channels and rules, as they meet the database.

use super::Proposal;
use super::proposal::{existing, find_one};
use crate::alert::{AlertRuleProposal, AlertRuleSpec, ChannelProposal, ChannelSpec, rule::MOST_CHANNELS};
use crate::check::Faults;
use crate::id::TenantId;
use crate::store::registry::Registry as _;
use crate::store::{StoreError, Transaction};
use crate::workflow::Draft;

impl Proposal for ChannelProposal {
    type Spec = ChannelSpec;

    const MUTATION: &'static str = "registerAlertChannel";

    async fn check(
        &self,
        key: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<ChannelSpec>, StoreError> {
        let current = ChannelSpec::find(transaction, tenant, &[], &[key]).await?;
        let current = current.into_iter().next().map(|channel| channel.spec);
        Ok(Self::check(self, current.as_ref(), faults))
    }
}

impl Proposal for AlertRuleProposal {
    type Spec = AlertRuleSpec;

    const MUTATION: &'static str = "registerAlertRule";

    async fn check(
        &self,
        _: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<AlertRuleSpec>, StoreError> {
        let condition = Self::check(self, faults);
        let workflow = match &self.workflow {
            None => None,
            Some(workflow) => {
                let found = find_one::<Draft>(transaction, tenant, workflow).await?;
                existing::<Draft>("workflow", workflow, found, faults)
            }
        };
        let mut channels = Vec::new();
        faults.within("channels", |faults| {
            if self.channels.len() > MOST_CHANNELS {
                faults.exceeded(
                    MOST_CHANNELS,
                    format!(
                        "a rule has at most {MOST_CHANNELS} channels, not {}",
                        self.channels.len()
                    ),
                );
            }
        });
        for (place, channel) in self.channels.iter().take(MOST_CHANNELS).enumerate() {
            let found = find_one::<ChannelSpec>(transaction, tenant, channel).await?;
            faults.within("channels", |faults| {
                if let Some(id) = existing::<ChannelSpec>(&place.to_string(), channel, found, faults)
                    && !channels.contains(&id)
                {
                    channels.push(id);
                }
            });
        }
        Ok(condition.map(|condition| AlertRuleSpec {
            workflow,
            condition,
            severity: self.severity,
            channels,
            enabled: self.enabled,
            group_for_ms: self.group_for_ms(),
        }))
    }
}
