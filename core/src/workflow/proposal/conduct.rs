//! How the runs of a workflow go as a whole, as a caller proposes it.

use serde::Serialize;

use super::node_work::check_expressions;
use crate::check::{Faults, Named};
use crate::workflow::{Conduct, Deadline, FailureStrategy};

/// The most outputs that a workflow gives.
const MOST_OUTPUTS: usize = 100;

/// How a caller wants the runs of a workflow to go.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConductProposal {
    /// What a run does when a node has failed for good.
    pub failure_strategy: FailureStrategy,
    /// How long a run may take.
    pub timeout: Option<Deadline>,
    /// Expressions that give what a successful run returns.
    pub outputs: Vec<Named>,
}

impl ConductProposal {
    pub(super) fn check(&self, faults: &mut Faults) -> Conduct {
        if let Some(timeout) = self.timeout {
            faults.within("timeout", |faults| timeout.check("the timeout of a run", faults));
        }
        Conduct {
            failure_strategy: self.failure_strategy,
            timeout: self.timeout,
            outputs: check_expressions("outputs", &self.outputs, MOST_OUTPUTS, faults),
        }
    }
}
