//! Whoever raises alerts and delivers them, in a test.

use waterclock_core::alert::{Courier, DeliverySettings, Mailer, Raiser};
use waterclock_core::egress::EgressPolicy;

use crate::world::{Running, World};

/// Raises alerts and delivers them, until it is dropped.
pub struct Alerting {
    _raising: Running,
    _delivering: Running,
}

impl World {
    /// Raises alerts and delivers them as a scheduler does, to webhooks on this machine.
    #[must_use]
    pub fn alerting(&self) -> Alerting {
        self.alerting_with(None)
    }

    /// The same, and sends mail.
    #[must_use]
    pub fn alerting_with(&self, mailer: Option<Mailer>) -> Alerting {
        Alerting {
            _raising: self.raiser(),
            _delivering: self.courier(DeliverySettings {
                egress: EgressPolicy::allowing(["127.0.0.0/8"]).expect("a network"),
                mailer,
            }),
        }
    }

    /// Ends the lives of all executors, so that others may join under their keys.
    pub async fn let_executors_leave(&self) {
        self.execute(
            "UPDATE executors SET ended_at = present(), end_reason = 'LEFT' WHERE ended_at IS NULL",
            &[],
        )
        .await;
    }

    /// Raises alerts and delivers none.
    #[must_use]
    pub fn raiser(&self) -> Running {
        let raiser = Raiser::new(self.engine.clone(), self.signals.clone());
        Running::spawn(|shutdown| raiser.run(shutdown))
    }

    /// Delivers what was raised.
    #[must_use]
    pub fn courier(&self, settings: DeliverySettings) -> Running {
        let courier = Courier::new(self.engine.clone(), self.signals.clone(), settings).expect("a courier");
        Running::spawn(|shutdown| courier.run(shutdown))
    }
}
