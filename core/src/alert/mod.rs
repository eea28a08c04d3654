//! Tells people what they asked to be told of.
//!
//! # From what happens to an alert
//!
//! A *rule* names a condition: runs that fail for good, a workflow that recovers, an executor that is lost. The event log is
//! where it looks, so what it is told cannot depend on who was listening: a duty of the schedulers ([`Raiser`]) reads on from
//! a cursor that is a row of a table, up to the settled number ([`crate::watch`]), and only the events of tenants that have
//! rules, and of those only the kinds that rules speak of. What takes too long makes no event by itself, so the same duty
//! looks for it among what is live. Whatever it finds becomes a *cause*. The causes, the alerts they raise, their deliveries
//! and the cursor are written by one transaction under one advisory lock: each cause counts once for each rule, whoever dies
//! in between, and whoever takes over.
//!
//! # One alert for what belongs together
//!
//! Causes that are alike (of one workflow, of one executor) fold into the alert that is open for them, for as long as the rule
//! says, and raise its count. A cause that is not reason enough by itself waits for more: the failures within a window, the
//! failures that a success ends. There is never an alert for an attempt: runs and task runs fail for good, or not at all. All
//! of this is decided by the [`ledger`], which knows no database.
//!
//! # Deliveries
//!
//! A delivery is a row, so it survives everybody. Any scheduler may claim it for a while, sends it outside of any transaction,
//! and records what became of it under the claim's fence ([`deliver`]). It arrives at least once, each try under the same id.

pub(crate) mod backoff;
pub mod cause;
pub mod channel;
pub mod condition;
pub mod deliver;
mod journal;
mod ledger;
mod message;
pub(crate) mod payload;
mod raise;
pub mod rule;
mod signature;
pub mod silence;

pub use channel::{ChannelProposal, ChannelSpec, Target, TargetProposal};
pub use condition::{AlertKind, Condition, Severity};
pub use deliver::{Courier, DeliverySettings, Mailer, MailerError};
pub(crate) use ledger::{Entries, Group, GroupKey, OpenAlert};
pub use raise::Raiser;
pub use rule::{AlertRuleProposal, AlertRuleSpec};
