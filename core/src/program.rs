//! Registered code: a package or command with its entry point and arguments.
//!
//! A caller proposes; what passes the check is a [`ProgramSpec`], which executors take as it is. Only what can be known
//! without a machine is checked here: that the runtime has what it needs, that templates name something, that no file
//! leaves its working directory. Whether `python3` exists is for the executor to find.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::{Faults, Named, check_named, check_range, check_text, check_text_template, quoted};
use crate::id::ProgramId;
use crate::registered::{Registered, Registrable};
use crate::workflow::{Digest, PackageRef, ProgramSpec, Runtime};

/// A registered program.
pub type Program = Registered<ProgramSpec>;

impl Registrable for ProgramSpec {
    type Id = ProgramId;

    const NOUN: &'static str = "program";
    const USERS: &'static str = "task nodes";
}

/// The most words of a command, and the most arguments.
const MOST_ARGUMENTS: usize = 1_000;
/// The most bytes of one argument, and of one variable. Linux takes 128 KiB.
const LONGEST_ARGUMENT: usize = 64 * 1024;
/// The most variables.
const MOST_VARIABLES: usize = 500;
/// The most working files.
const MOST_FILES: usize = 100;
/// The most bytes of one working file.
const LARGEST_FILE: usize = 512 * 1024;
/// The most bytes of a path or name.
const LONGEST_PATH: usize = 1_024;
/// The most bytes of output that an attempt may keep.
const MOST_OUTPUT: i64 = 1024 * 1024 * 1024;
/// The bytes of output that an attempt keeps when the caller names no bound.
const DEFAULT_OUTPUT: i64 = 16 * 1024 * 1024;

/// What a caller wants a program to be.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramProposal {
    /// How the argument vector is made.
    pub runtime: Runtime,
    /// The words before the arguments, or in place of the runtime's own executable.
    pub command: Vec<String>,
    /// The code, where it is not on the executor's machine.
    pub package: Option<PackageProposal>,
    /// The main class, module or path at which the package begins.
    pub entry_point: Option<String>,
    /// Templates; each renders to exactly one argument.
    pub arguments: Vec<String>,
    /// Templates, by variable.
    pub environment: Vec<Named>,
    /// Templates of working files, by relative path.
    pub files: Vec<Named>,
    /// The folder it runs in; a fresh one when absent.
    pub working_directory: Option<String>,
    /// The most memory, in bytes.
    pub memory_limit: Option<i64>,
    /// The most open files.
    pub open_files_limit: Option<i64>,
    /// The most bytes of output that are kept per attempt.
    pub output_limit: Option<i64>,
}

/// The uploaded code that a caller means.
#[derive(Clone, Debug, Serialize)]
pub struct PackageProposal {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// The name it is stored under; the one it was uploaded with when absent.
    pub file_name: Option<String>,
}

impl ProgramProposal {
    /// Checks everything that needs no look at the database and gives the specification, whose package has yet to be found.
    pub fn check(&self, key: &str, faults: &mut Faults) -> ProgramSpec {
        faults.each("command", &self.command, MOST_ARGUMENTS, |faults, word| {
            check_text(faults, word, LONGEST_ARGUMENT);
        });
        if self.command.first().is_some_and(String::is_empty) {
            faults.within("command", |faults| {
                faults.invalid("the first word of a command names what is executed");
            });
        }
        check_arguments(faults, &self.arguments);
        let environment = check_environment(faults, &self.environment);
        let files = self.check_files(faults);
        if let Some(entry) = &self.entry_point {
            faults.within("entryPoint", |faults| self.check_entry_point(faults, entry));
        }
        if let Some(folder) = &self.working_directory {
            faults.within("workingDirectory", |faults| {
                check_text_template(faults, folder, LONGEST_PATH);
                if folder.is_empty() {
                    faults.invalid("the folder is empty; leave the field out for a fresh one");
                }
            });
        }
        self.check_runtime(faults);
        self.check_limits(faults);
        ProgramSpec {
            key: key.to_owned(),
            runtime: self.runtime,
            command: self.command.clone(),
            package: self.package.as_ref().and_then(|package| package.check(faults)),
            entry_point: self.entry_point.clone(),
            arguments: self.arguments.clone(),
            environment,
            files,
            working_directory: self.working_directory.clone(),
            memory_limit: self.memory_limit,
            open_files_limit: self.open_files_limit,
            output_limit: self.output_limit.unwrap_or(DEFAULT_OUTPUT),
        }
    }

    fn check_files(&self, faults: &mut Faults) -> BTreeMap<String, String> {
        check_named(
            faults,
            "files",
            &self.files,
            MOST_FILES,
            str::to_owned,
            |faults, file| {
                faults.within("path", |faults| check_relative_path(faults, &file.name));
                faults.within("content", |faults| {
                    check_text_template(faults, &file.value, LARGEST_FILE);
                });
            },
        )
    }

    /// An entry point is a name or a path; with a package, one that stays within it.
    fn check_entry_point(&self, faults: &mut Faults, entry: &str) {
        if entry.is_empty() {
            faults.invalid("the entry point is empty; leave the field out");
        } else if self.package.is_some() {
            check_relative_path(faults, entry);
        } else {
            check_text(faults, entry, LONGEST_PATH);
        }
    }

    /// What each runtime cannot do without.
    fn check_runtime(&self, faults: &mut Faults) {
        let (has_package, has_entry) = (self.package.is_some(), self.entry_point.is_some());
        let (field, message) = match self.runtime {
            Runtime::Exec if self.command.is_empty() && !has_package => (
                "command",
                "EXEC needs a command, or a package that is executed itself",
            ),
            Runtime::Shell if !has_entry && !has_package => (
                "entryPoint",
                "SHELL needs a script: a package, or an entry point that names a working file",
            ),
            Runtime::Python if !has_entry => (
                "entryPoint",
                "PYTHON needs an entry point, a module (`tool.main`) or the path of a file (`main.py`), or a package",
            ),
            Runtime::Java if !has_entry && !has_package => (
                "package",
                "JAVA needs a package: a jar with a main class, or one named by the entry point",
            ),
            Runtime::Node if !has_entry && !has_package => (
                "entryPoint",
                "NODE needs an entry point: the path of a script in the package or the working files",
            ),
            _ => return,
        };
        faults.within(field, |faults| faults.invalid(message));
    }

    fn check_limits(&self, faults: &mut Faults) {
        let mebibyte = 1024 * 1024;
        let limits = [
            (
                "memoryLimitMib",
                "the limit in bytes",
                self.memory_limit,
                mebibyte..=1024 * 1024 * mebibyte,
            ),
            (
                "openFilesLimit",
                "the limit",
                self.open_files_limit,
                16..=1_048_576,
            ),
            (
                "outputLimitKib",
                "the limit in bytes",
                self.output_limit,
                0..=MOST_OUTPUT,
            ),
        ];
        for (name, what, value, range) in limits {
            if let Some(value) = value {
                faults.within(name, |faults| check_range(faults, what, value, range));
            }
        }
    }
}

impl PackageProposal {
    /// The package, under the name that the caller gives it; an empty name stands for the one it was uploaded with.
    fn check(&self, faults: &mut Faults) -> Option<PackageRef> {
        faults.within("package", |faults| {
            if let Some(name) = &self.file_name {
                faults.within("fileName", |faults| check_file_name(faults, name));
            }
            let digest = self.digest.parse::<Digest>();
            if digest.is_err() {
                let told = quoted(&self.digest);
                faults.within("digest", |faults| {
                    faults.invalid(format!("{told} is not a SHA-256: 64 hexadecimal digits"));
                });
            }
            Some(PackageRef {
                digest: digest.ok()?,
                file_name: self.file_name.clone().unwrap_or_default(),
            })
        })
    }
}

/// Checks a list of arguments.
pub(crate) fn check_arguments(faults: &mut Faults, arguments: &[String]) {
    faults.each("arguments", arguments, MOST_ARGUMENTS, |faults, argument| {
        check_text_template(faults, argument, LONGEST_ARGUMENT);
    });
}

/// Checks variables and makes a map of them.
pub(crate) fn check_environment(faults: &mut Faults, environment: &[Named]) -> BTreeMap<String, String> {
    check_named(
        faults,
        "environment",
        environment,
        MOST_VARIABLES,
        str::to_owned,
        |faults, variable| {
            faults.within("name", |faults| check_variable_name(faults, &variable.name));
            faults.within("value", |faults| {
                check_text_template(faults, &variable.value, LONGEST_ARGUMENT);
            });
        },
    )
}

fn check_variable_name(faults: &mut Faults, name: &str) {
    let begins_well = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !begins_well || name.len() > 255 || !name.bytes().all(allowed) {
        let told = quoted(name);
        faults.invalid(format!(
            "{told} is not a variable's name: letters, digits and `_`, not beginning with a digit"
        ));
    }
}

fn check_relative_path(faults: &mut Faults, path: &str) {
    check_text(faults, path, LONGEST_PATH);
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
    if path.contains('\\') || !path.split('/').all(is_part) {
        let told = quoted(path);
        faults.invalid(format!(
            "{told} is not a path that stays below its folder: names joined by `/`, none of them `.` or `..`"
        ));
    }
}

/// Checks the name that a package is stored under.
pub fn check_file_name(faults: &mut Faults, name: &str) {
    let plain = !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
    if name.is_empty() || name.len() > 255 || !plain || matches!(name, "." | "..") {
        faults.invalid(format!(
            "{} is not a file name: 1 to 255 bytes without `/` and `\\`",
            quoted(name)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;

    fn proposal() -> ProgramProposal {
        ProgramProposal {
            runtime: Runtime::Exec,
            command: vec!["/bin/true".to_owned()],
            package: None,
            entry_point: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            files: Vec::new(),
            working_directory: None,
            memory_limit: None,
            open_files_limit: None,
            output_limit: None,
        }
    }

    fn named(name: &str, value: &str) -> Named {
        Named {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn paths(proposal: &ProgramProposal) -> Vec<String> {
        let mut faults = Faults::default();
        proposal.check("p", &mut faults);
        match faults.into_result() {
            Err(CommandError::Refused(refusals)) => {
                refusals.iter().map(|refusal| refusal.path.join(".")).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_command_alone_is_a_program() {
        assert_eq!(paths(&proposal()), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let faulty = ProgramProposal {
            runtime: Runtime::Python,
            package: Some(PackageProposal {
                digest: "beef".to_owned(),
                file_name: Some("a/b".to_owned()),
            }),
            arguments: vec!["fine ${inputs.x}".to_owned(), "${nothing}".to_owned()],
            environment: vec![named("A", "1"), named("1A", "${open"), named("A", "2")],
            files: vec![
                named("../up", ""),
                named("a//b", ""),
                named("in/side.txt", "$${}"),
            ],
            entry_point: Some("/main.py".to_owned()),
            memory_limit: Some(1),
            ..proposal()
        };
        let told = [
            "arguments.1",
            "environment.1.name",
            "environment.1.value",
            "environment.2.name",
            "files.0.path",
            "files.1.path",
            "entryPoint",
            "memoryLimitMib",
            "package.fileName",
            "package.digest",
        ];
        assert_eq!(paths(&faulty), told);
    }

    #[test]
    fn each_runtime_says_what_it_needs() {
        for (runtime, field) in [
            (Runtime::Exec, "command"),
            (Runtime::Shell, "entryPoint"),
            (Runtime::Python, "entryPoint"),
            (Runtime::Java, "package"),
            (Runtime::Node, "entryPoint"),
        ] {
            assert_eq!(
                paths(&ProgramProposal {
                    runtime,
                    command: Vec::new(),
                    ..proposal()
                }),
                [field],
                "{runtime:?}"
            );
        }
    }
}
