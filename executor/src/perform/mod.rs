//! Does the work of one attempt, and says what became of it.

mod argv;
mod attend;
mod endpoint;
mod files;
mod output;
mod program;
mod stop;

use std::io;
use std::path::Path;
use std::sync::Arc;

use waterclock_core::run::Outcome;
use waterclock_core::template::TemplateError;
use waterclock_core::work::{Assignment, Report, WorkSource};
use waterclock_core::workflow::Work;

use crate::config::ExecutorConfig;
use crate::containment::Containment;
use crate::log::Log;
use crate::package::PackageCache;

use endpoint::EndpointCaller;
use program::ProgramRunner;

pub(crate) use stop::{Stop, Stops};

/// What an attempt came to: a report that does not yet say whose.
#[derive(Debug)]
pub(crate) struct Finding {
    outcome: Outcome,
    exit_code: Option<i32>,
    http_status: Option<u16>,
    message: Option<String>,
    output: Option<serde_json::Value>,
}

impl Finding {
    fn succeeded() -> Self {
        Self {
            outcome: Outcome::Succeeded,
            exit_code: None,
            http_status: None,
            message: None,
            output: None,
        }
    }

    fn ended(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: Some(message.into()),
            ..Self::succeeded()
        }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::ended(Outcome::Failed, message)
    }

    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::ended(Outcome::Fault, message)
    }

    /// What an attempt came to that was stopped for this reason.
    pub(crate) fn stopped(stop: Stop) -> Self {
        let outcome = match stop {
            Stop::Cancelled => Outcome::Cancelled,
            Stop::Draining | Stop::LeaseEnding | Stop::Lost => Outcome::Fault,
        };
        Self::ended(outcome, stop.reason())
    }

    /// The report of the attempt that this was found of.
    pub(crate) fn report_of(self, assignment: &Assignment) -> Report {
        Report {
            lease: assignment.lease(),
            outcome: self.outcome,
            exit_code: self.exit_code,
            http_status: self.http_status,
            message: self.message.map(|message| message.replace('\0', "")),
            output: self.output,
            retry_after: None,
        }
    }
}

impl From<TemplateError> for Finding {
    fn from(error: TemplateError) -> Self {
        Self::failed(error.to_string())
    }
}

/// Everything that work is done with.
pub(crate) struct Performer {
    programs: ProgramRunner,
    endpoints: EndpointCaller,
}

impl Performer {
    /// Makes ready what work is done with, in the executor's own folder.
    pub(crate) fn new(
        config: &ExecutorConfig,
        folder: &Path,
        source: Arc<dyn WorkSource>,
        containment: Arc<Containment>,
        log: Log,
    ) -> io::Result<Self> {
        let packages = PackageCache::open(folder.join("packages"), config.package_cache_limit, source)?;
        Ok(Self {
            programs: ProgramRunner::new(config, folder.join("attempts"), packages, containment, log)?,
            endpoints: EndpointCaller::new(config.egress.clone())?,
        })
    }

    /// What is known of this attempt without doing anything: that a gate was passed.
    pub(crate) fn perform_at_once(assignment: &Assignment) -> Option<Finding> {
        matches!(assignment.node.work, Work::NoOp).then(Finding::succeeded)
    }

    /// Does the work. Ends soon after it is told to stop.
    pub(crate) async fn perform(&self, assignment: &Assignment, stops: Stops) -> Finding {
        match &assignment.node.work {
            Work::NoOp => Finding::succeeded(),
            Work::Program(program) => self.programs.run(assignment, program, stops).await,
            Work::Endpoint(endpoint) => self.endpoints.call(assignment, endpoint, stops).await,
            Work::Workflow(_) | Work::Branch(_) | Work::Approval(_) | Work::Wait(_) => {
                Finding::fault("the service does this work itself; no executor can")
            }
        }
    }
}
