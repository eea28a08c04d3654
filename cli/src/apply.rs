//! `waterclock apply`: makes the tenant match definitions in files.
//!
//! Everything that can be known without the service is checked first, for all files together, and nothing is sent while a
//! fault is left. Then definitions go out in the order in which they depend on each other: kind by kind, and workflows after those
//! that they run.

mod document;
mod foresee;
mod order;
mod plan;
mod settle;
mod shape;
mod source;

pub(crate) use document::Kind;
pub(crate) use settle::{Deed, settle};
pub(crate) use source::Fault;

use std::path::PathBuf;

use futures_util::stream::{self, StreamExt};

use crate::args::ApplyArgs;
use crate::client::{Api, ClientError, Problem, UserError};
use crate::exit::Exit;
use crate::output::{note, out};
use document::Proposal;
use foresee::foresee;
use shape::Shapes;
use source::Step;

/// How many definitions that do not depend on each other are under way at once.
const AT_ONCE: usize = 8;

/// Whether anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plan,
    Apply,
}

/// Applies what `args` name.
pub(crate) async fn run(args: ApplyArgs) -> Result<Exit, ClientError> {
    let mode = if args.dry_run { Mode::Plan } else { Mode::Apply };
    let definitions = match Definitions::read(&args.files) {
        Ok(definitions) => definitions,
        Err(faults) => {
            tell(&faults);
            note!("Nothing was changed: {} to mend.", count(faults.len(), "fault"));
            return Ok(Exit::Usage);
        }
    };
    let api = Api::new(&args.client)?;
    let faults = definitions.go(&api, mode, |line| out!("{line}")).await?;
    tell(&faults);
    if faults.is_empty() {
        return Ok(Exit::Success);
    }
    note!("{} to mend.", count(faults.len(), "fault"));
    Ok(Exit::Usage)
}

/// Definitions that fit the schema, in the order in which they depend on each other.
pub(crate) struct Definitions {
    proposals: Vec<Proposal>,
    shapes: Shapes,
}

impl Definitions {
    /// Reads what the files, and the YAML files in the folders, that `paths` name define.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, Vec<Fault>> {
        let shapes = Shapes::of_schema();
        let mut faults = Vec::new();
        let mut proposals = Vec::new();
        for document in document::read(paths, &mut faults) {
            match document.proposal(&shapes) {
                Ok(proposal) => proposals.push(proposal),
                Err(found) => faults.extend(found),
            }
        }
        order::rank(&mut proposals);
        proposals.sort_by_key(|proposal| (proposal.kind, proposal.rank));
        if faults.is_empty() {
            Ok(Self { proposals, shapes })
        } else {
            Err(faults)
        }
    }

    /// Makes the tenant match, and gives what the service found wrong.
    pub(crate) async fn apply(&self, api: &Api) -> Result<Vec<Fault>, ClientError> {
        self.go(api, Mode::Apply, |_| {}).await
    }

    async fn go(&self, api: &Api, mode: Mode, say: impl Fn(String)) -> Result<Vec<Fault>, ClientError> {
        let mut faults = Vec::new();
        let independent = |one: &Proposal, other: &Proposal| (one.kind, one.rank) == (other.kind, other.rank);
        for proposals in self.proposals.chunk_by(independent) {
            let settling = proposals
                .iter()
                .map(|proposal| async move { (proposal, self.go_one(api, mode, proposal).await) });
            let mut settled = stream::iter(settling).buffered(AT_ONCE);
            while let Some((proposal, outcome)) = settled.next().await {
                let outcome = outcome?;
                let word = match outcome.deed {
                    Some(deed) => word_for(deed, mode),
                    None if mode == Mode::Plan => "would refuse",
                    None => "refused",
                };
                say(format!("{word:<12} {:<12} {}", proposal.kind, proposal.key));
                for remark in &outcome.remarks {
                    say(format!("{:<12} {remark}", "  remark"));
                }
                faults.extend(outcome.faults);
            }
        }
        Ok(faults)
    }

    async fn go_one(&self, api: &Api, mode: Mode, proposal: &Proposal) -> Result<Outcome, ClientError> {
        match mode {
            Mode::Plan => self.plan_one(api, proposal).await,
            Mode::Apply => apply_one(api, proposal).await,
        }
    }

    async fn plan_one(&self, api: &Api, proposal: &Proposal) -> Result<Outcome, ClientError> {
        let Proposal {
            kind, key, fields, ..
        } = proposal;
        let deed = match api.find(*kind, key).await? {
            None => Deed::Created,
            Some(found) if plan::differs(&self.shapes, *kind, fields, &found.fields) => Deed::Changed,
            Some(_) => Deed::Unchanged,
        };
        let problems = foresee(api, proposal, &self.proposals).await?;
        let (remarks, faults): (Vec<_>, Vec<_>) = problems.into_iter().partition(Problem::is_remark);
        let told = |problems: Vec<Problem>| {
            let fault = |problem: &Problem| fault_of(proposal, &problem.error);
            problems.iter().map(fault).collect()
        };
        Ok(Outcome {
            deed: faults.is_empty().then_some(deed),
            faults: told(faults),
            remarks: told(remarks),
        })
    }
}

/// What became of a definition, or would.
struct Outcome {
    /// Absent when it was refused.
    deed: Option<Deed>,
    /// Why it was refused.
    faults: Vec<Fault>,
    /// What its author may want to know all the same.
    remarks: Vec<Fault>,
}

async fn apply_one(api: &Api, proposal: &Proposal) -> Result<Outcome, ClientError> {
    if let Some(package) = &proposal.package
        && !api.has_package(package.digest.clone()).await?
    {
        api.upload(&package.digest, &package.file_name, package.content.clone())
            .await?;
    }
    let settled = settle(api, proposal.kind, &proposal.key, &proposal.fields).await?;
    let (deed, errors) = match settled {
        Ok(deed) => (Some(deed), Vec::new()),
        Err(errors) => (None, errors),
    };
    Ok(Outcome {
        deed,
        faults: errors.iter().map(|error| fault_of(proposal, error)).collect(),
        remarks: Vec::new(),
    })
}

fn word_for(deed: Deed, mode: Mode) -> &'static str {
    match (deed, mode) {
        (Deed::Created, Mode::Apply) => "created",
        (Deed::Created, Mode::Plan) => "would create",
        (Deed::Changed, Mode::Apply) => "changed",
        (Deed::Changed, Mode::Plan) => "would change",
        (Deed::Unchanged, _) => "unchanged",
    }
}

/// The service's fault, at its line. Its path begins with the argument, of which a file knows nothing.
fn fault_of(proposal: &Proposal, error: &UserError) -> Fault {
    let steps: Vec<Step> = error
        .path
        .iter()
        .skip(1)
        .map(|step| match step.parse() {
            Ok(place) => Step::Item(place),
            Err(_) => Step::Key(step.clone()),
        })
        .collect();
    proposal.source.fault(&steps, &error.message)
}

fn tell(faults: &[Fault]) {
    for fault in faults {
        note!("{fault}");
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
