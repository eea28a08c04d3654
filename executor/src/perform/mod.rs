//! Does the work of one attempt, and says what became of it.

mod answer;
mod argv;
mod attend;
mod bounds;
mod endpoint;
mod environment;
mod files;
mod outputs;
mod printed;
mod program;
mod progress;
mod stop;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use waterclock_core::run::Outcome;
use waterclock_core::template::TemplateError;
use waterclock_core::work::{Assignment, Report, WorkSource};
use waterclock_core::workflow::Work;

use crate::config::ExecutorConfig;
use crate::containment::Containment;
use crate::log::Log;
use crate::package::PackageCache;
use crate::progress::Bulletin;

use endpoint::EndpointCaller;
use outputs::Given;
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
    retry_after: Option<Duration>,
}

/// How the executor's part in an attempt ended.
#[derive(Debug)]
pub(crate) enum Performed {
    /// With the attempt.
    Ended(Finding),
    /// An endpoint will finish it, and call the service back.
    Deferred,
}

impl Finding {
    fn succeeded() -> Self {
        Self {
            outcome: Outcome::Succeeded,
            exit_code: None,
            http_status: None,
            message: None,
            output: None,
            retry_after: None,
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
            Stop::Cancelled | Stop::Terminated => Outcome::Cancelled,
            Stop::Draining | Stop::LeaseEnding | Stop::Lost => Outcome::Fault,
        };
        Self::ended(outcome, stop.reason())
    }

    /// This, with what the program gave. A success whose outputs are lost is none.
    fn giving(self, given: Given) -> Self {
        let found = match given.lost {
            Some(lost) if self.outcome == Outcome::Succeeded => Self {
                exit_code: self.exit_code,
                ..Self::failed(lost)
            },
            _ => self,
        };
        Self {
            message: found.message.or(given.cut),
            output: given.output,
            ..found
        }
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
            retry_after: self.retry_after,
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
        bulletin: Bulletin,
    ) -> io::Result<Self> {
        let packages = PackageCache::open(folder.join("packages"), config.package_cache_limit, source)?;
        Ok(Self {
            endpoints: EndpointCaller::new(config.egress.clone(), log.clone())?,
            programs: ProgramRunner::new(
                config,
                folder.join("attempts"),
                packages,
                containment,
                log,
                bulletin,
            )?,
        })
    }

    /// What is known of this attempt without doing anything: that a gate was passed.
    pub(crate) fn perform_at_once(assignment: &Assignment) -> Option<Finding> {
        matches!(assignment.node.work, Work::NoOp).then(Finding::succeeded)
    }

    /// Does the work. Ends soon after it is told to stop.
    pub(crate) async fn perform(&self, assignment: &Assignment, stops: Stops) -> Performed {
        let finding = match &assignment.node.work {
            Work::NoOp => Finding::succeeded(),
            Work::Program(program) => self.programs.run(assignment, program, stops).await,
            Work::Endpoint(endpoint) => return self.endpoints.call(assignment, endpoint, stops).await,
            Work::Workflow(_) | Work::Branch(_) | Work::Approval(_) | Work::Wait(_) => {
                Finding::fault("the service does this work itself; no executor can")
            }
        };
        Performed::Ended(finding)
    }
}
