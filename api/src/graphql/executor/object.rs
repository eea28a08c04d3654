//! An executor as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use waterclock_core::executor;
use waterclock_core::id::TenantId;
use waterclock_core::store::executor_lives::Executor as Record;

use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{UsedSlotsOf, load};
use crate::graphql::scalar::DateTime;

/// What an executor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "executor::ExecutorState")]
pub(crate) enum ExecutorState {
    /// It takes work.
    Alive,
    /// It takes nothing more and will stop.
    Draining,
    /// It passed a load threshold and takes nothing until it falls well below.
    Overloaded,
    /// Its lease ended; its work goes to others.
    Lost,
    /// It ended its life.
    Left,
}

/// How busy the machine of an executor is, by the executor's last heartbeat.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ExecutorLoad {
    /// The share of its processors in use, 0 to 1.
    cpu: f32,
    /// The share of its memory in use, 0 to 1.
    memory: f32,
}

/// One life of an executor.
#[derive(Clone)]
pub(crate) struct Executor(pub(crate) Arc<Record>);

/// One life of an executor process, from its start to its end.
#[Object]
impl Executor {
    /// Names this life.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Executor, self.0.id)
    }

    /// Its name among people; no two living executors of one owner share it.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Whether it works for every tenant.
    async fn shared(&self) -> bool {
        self.0.tenant_id == TenantId::PLATFORM
    }

    /// What it is.
    async fn state(&self) -> ExecutorState {
        self.0.state.into()
    }

    /// The cost that it carries at once.
    async fn slots(&self) -> i32 {
        self.0.slots
    }

    /// How many of its slots the caller's tenant uses now.
    async fn used(&self, context: &Context<'_>) -> Result<i32> {
        let used = load(context, UsedSlotsOf(self.0.id)).await?.unwrap_or_default();
        Ok(used.try_into().unwrap_or(i32::MAX))
    }

    /// What it offers.
    async fn labels(&self) -> &[String] {
        &self.0.labels
    }

    /// How busy its machine is.
    async fn load(&self) -> ExecutorLoad {
        ExecutorLoad {
            cpu: self.0.cpu,
            memory: self.0.memory,
        }
    }

    /// Its machine.
    async fn hostname(&self) -> &str {
        &self.0.hostname
    }

    /// How it holds process trees.
    async fn containment(&self) -> &str {
        &self.0.containment
    }

    /// When this life began.
    async fn registered_at(&self) -> DateTime {
        self.0.registered_at.into()
    }

    /// When it last spoke.
    async fn heartbeat_at(&self) -> DateTime {
        self.0.heartbeat_at.into()
    }

    /// When this life ended.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(Into::into)
    }
}
