//! A real executor, which runs programs and calls endpoints.

use std::sync::Arc;

use tempfile::TempDir;
use waterclock_core::egress::EgressPolicy;
use waterclock_core::source::PostgresSource;
use waterclock_executor::ExecutorConfig;

use crate::world::{Running, World};

/// A real executor, until it is dropped; its folder goes with it.
pub struct RealExecutor {
    running: Running,
    _folder: TempDir,
}

impl World {
    /// An executor that may call endpoints on this machine.
    #[must_use]
    pub fn real_executor(&self, key: &str, slots: u32) -> RealExecutor {
        self.real_executor_as(key, slots, |_| {})
    }

    /// The same, told more.
    #[must_use]
    pub fn real_executor_as(
        &self,
        key: &str,
        slots: u32,
        tell: impl FnOnce(&mut ExecutorConfig),
    ) -> RealExecutor {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = ExecutorConfig {
            egress: EgressPolicy::allowing(["127.0.0.0/8"]).expect("a network"),
            use_cgroups: false,
            ..ExecutorConfig::new(key, slots, folder.path())
        };
        tell(&mut config);
        let source = PostgresSource::new(self.engine.clone(), self.signals.clone(), config.lease);
        let running = Running::spawn(async move |shutdown| {
            waterclock_executor::run(config, Arc::new(source), shutdown)
                .await
                .expect("the executor runs");
        });
        RealExecutor {
            running,
            _folder: folder,
        }
    }
}

impl RealExecutor {
    /// Asks it to stop and waits until it has.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}
