//! A program as clients propose it.

use async_graphql::InputObject;
use waterclock_core::program::{PackageProposal, ProgramProposal};

use super::object::{KIBIBYTE, MEBIBYTE, Runtime};
use crate::graphql::id::Kind;
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::named::{NamedValueInput, WorkingFileInput, named};

/// What a program is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ProgramFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// How the argument vector is made.
    runtime: Runtime,
    /// The words before the arguments (`EXEC`), or in place of the runtime's own executable (`["python3.12", "-u"]`).
    command: Option<Vec<String>>,
    /// The code, where it is not on the executor's machine. Upload it first: `PUT /packages/{sha256}?fileName=…`.
    package: Option<PackageInput>,
    /// The main class, module or path at which the package begins.
    entry_point: Option<String>,
    /// Templates; each becomes exactly one argument.
    arguments: Option<Vec<String>>,
    /// Templates, by variable. A program inherits nothing else of the executor's environment.
    environment: Option<Vec<NamedValueInput>>,
    /// Files that are written into the working directory before the program starts.
    files: Option<Vec<WorkingFileInput>>,
    /// The folder it runs in, on the executor's machine; a fresh one, removed afterwards, when absent. A template.
    working_directory: Option<String>,
    /// The most memory that its processes may address, in MiB.
    memory_limit_mib: Option<i32>,
    /// The most files that a process may hold open.
    open_files_limit: Option<i32>,
    /// The most output that is kept per attempt, in KiB; 16,384 when absent.
    output_limit_kib: Option<i32>,
}

/// Uploaded code.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PackageInput {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    digest: String,
    /// The name that it is stored under on the executor's machine, which says what it is: `app.jar`, `job.tar.gz`. The name
    /// that it was uploaded with when absent.
    file_name: Option<String>,
}

impl Propose for ProgramFields {
    type Proposal = ProgramProposal;

    fn propose(self) -> (String, ProgramProposal) {
        let package = self.package.map(|package| PackageProposal {
            digest: package.digest,
            file_name: package.file_name,
        });
        let proposal = ProgramProposal {
            runtime: self.runtime.into(),
            command: self.command.unwrap_or_default(),
            package,
            entry_point: self.entry_point,
            arguments: self.arguments.unwrap_or_default(),
            environment: named(self.environment),
            files: named(self.files),
            working_directory: self.working_directory,
            memory_limit: self.memory_limit_mib.map(|limit| i64::from(limit) * MEBIBYTE),
            open_files_limit: self.open_files_limit.map(i64::from),
            output_limit: self.output_limit_kib.map(|limit| i64::from(limit) * KIBIBYTE),
        };
        (self.description, proposal)
    }
}

inputs! {
    /// Registers a program.
    RegisterProgramInput,
    /// Replaces a program as a whole: what is left out takes its default. Its key stays.
    UpdateProgramInput,
    ProgramFields, Kind::Program
}
