//! What would be wrong with a workflow.

use async_graphql::{Enum, Result, SimpleObject};
use waterclock_core::check::{Findings, Severity};
use waterclock_core::error::{CommandError, Refusal, RefusalCode};

use crate::graphql::error::{UserErrorCode, outcome, path_in_input};

/// What a problem means for the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Severity")]
pub(crate) enum ProblemSeverity {
    /// The workflow would be refused.
    Error,
    /// The workflow would be saved; something else may have been meant.
    Remark,
}

/// Something in a workflow that is wrong, or worth a remark.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkflowProblem {
    /// Whether the workflow would be refused for it.
    severity: ProblemSeverity,
    /// What it is, for programs.
    code: UserErrorCode,
    /// What it is and what to do about it, in a sentence.
    message: String,
    /// Where it is mended: names and places, beginning with the argument.
    path: Vec<String>,
    /// The keys of nodes that wait for each other, in order, the first repeated at the end; absent for other problems.
    cycle: Option<Vec<String>>,
}

/// What would be wrong with a workflow if it were saved.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkflowValidation {
    /// Whether the workflow would be saved.
    is_valid: bool,
    /// Everything at once: first what it would be refused for, of that the cycles the shortest first, then the remarks.
    problems: Vec<WorkflowProblem>,
}

impl WorkflowValidation {
    /// The answer from what was found.
    pub(super) fn of(findings: std::result::Result<Findings, CommandError>) -> Result<Self> {
        let (findings, _) = outcome(findings)?;
        let Findings { faults, remarks } = findings.unwrap_or_default();
        let is_valid = faults.is_empty();
        let faults = faults
            .into_iter()
            .map(|fault| WorkflowProblem::of(fault, Severity::Error));
        let remarks = remarks
            .into_iter()
            .map(|remark| WorkflowProblem::of(remark, Severity::Remark));
        Ok(Self {
            is_valid,
            problems: faults.chain(remarks).collect(),
        })
    }
}

impl WorkflowProblem {
    fn of(found: Refusal, severity: Severity) -> Self {
        Self {
            severity: severity.into(),
            code: (&found.code).into(),
            message: found.message,
            path: path_in_input(found.path),
            cycle: match found.code {
                RefusalCode::Cycle { cycle } => Some(cycle),
                _ => None,
            },
        }
    }
}
