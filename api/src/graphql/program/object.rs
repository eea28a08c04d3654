//! A program as clients see it.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object, SimpleObject};
use waterclock_core::workflow::{PackageRef, ProgramSpec};
use waterclock_core::{program, workflow};

use crate::graphql::id::{Kind, encode};
use crate::graphql::named::{NamedValue, WorkingFile, named_values, working_files};
use crate::graphql::registration::Registration;

/// How a program's argument vector is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::Runtime")]
pub(crate) enum Runtime {
    /// The command, then the arguments; with a package and no command, the package's file itself is executed.
    Exec,
    /// `/bin/sh`, the script, then the arguments. The script is the package, or the working file that the entry point names.
    Shell,
    /// `python3 -m MODULE` or `python3 PATH`, by the entry point, then the arguments; a package is on `PYTHONPATH`.
    Python,
    /// `java -cp PACKAGE MAIN-CLASS`, or `java -jar PACKAGE` without an entry point, then the arguments.
    Java,
    /// `node PATH`, by the entry point, then the arguments.
    Node,
}

/// Uploaded code that a program runs.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PackageReference {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    digest: String,
    /// The name that it is stored under on the executor's machine.
    file_name: String,
}

impl From<&PackageRef> for PackageReference {
    fn from(package: &PackageRef) -> Self {
        Self {
            digest: package.digest.to_string(),
            file_name: package.file_name.clone(),
        }
    }
}

/// A registered program: a package or command with its entry point and arguments.
#[derive(Clone)]
pub(crate) struct Program(pub Arc<program::Program>);

impl From<program::Program> for Program {
    fn from(program: program::Program) -> Self {
        Self(Arc::new(program))
    }
}

/// A registered program: a package or command with its entry point and arguments.
#[Object]
impl Program {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Program, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// What was registered.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn spec(&self) -> PinnedProgram<'_> {
        PinnedProgram(&self.0.spec)
    }
}

/// A program as a workflow version pinned it.
pub(crate) struct PinnedProgram<'a>(pub &'a ProgramSpec);

/// A program as a workflow version pinned it, with the arguments and variables of its node merged in.
#[Object]
impl PinnedProgram<'_> {
    /// The program's name among people.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// How the argument vector is made.
    async fn runtime(&self) -> Runtime {
        self.0.runtime.into()
    }

    /// The words before the arguments, or in place of the runtime's own executable.
    async fn command(&self) -> &[String] {
        &self.0.command
    }

    /// The code, where it is not on the executor's machine.
    async fn package(&self) -> Option<PackageReference> {
        self.0.package.as_ref().map(Into::into)
    }

    /// The main class, module or path at which the package begins.
    async fn entry_point(&self) -> Option<&str> {
        self.0.entry_point.as_deref()
    }

    /// Templates; each becomes exactly one argument.
    async fn arguments(&self) -> &[String] {
        &self.0.arguments
    }

    /// Templates, by variable.
    async fn environment(&self) -> Vec<NamedValue> {
        named_values(&self.0.environment)
    }

    /// Files that are written into the working directory before the program starts.
    async fn files(&self) -> Vec<WorkingFile> {
        working_files(&self.0.files)
    }

    /// The folder it runs in, on the executor's machine; a fresh one, removed afterwards, when absent.
    async fn working_directory(&self) -> Option<&str> {
        self.0.working_directory.as_deref()
    }

    /// The most memory that its processes may address, in MiB.
    async fn memory_limit_mib(&self) -> Option<i32> {
        self.0
            .memory_limit
            .map(|bytes| (bytes / MEBIBYTE).try_into().unwrap_or(i32::MAX))
    }

    /// The most files that a process may hold open.
    async fn open_files_limit(&self) -> Option<i32> {
        self.0
            .open_files_limit
            .map(|files| files.try_into().unwrap_or(i32::MAX))
    }

    /// The most output that is kept per attempt, in KiB.
    async fn output_limit_kib(&self) -> i32 {
        (self.0.output_limit / KIBIBYTE).try_into().unwrap_or(i32::MAX)
    }
}

/// A MiB in bytes.
pub(super) const MEBIBYTE: i64 = 1024 * 1024;
/// A KiB in bytes.
pub(super) const KIBIBYTE: i64 = 1024;
