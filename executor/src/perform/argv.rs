//! From a program's runtime, package and entry point to the words that are executed.
//!
//! Every rendered argument stays one word. No shell reads any of them, except the script that a `SHELL` program is, and
//! that gets them as `$1`, `$2`, ….

use std::path::{Component, Path, PathBuf};

use waterclock_core::workflow::{ProgramSpec, Runtime};

use crate::package::Package;

/// What is executed, and what its runtime wants in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invocation {
    /// The executable, as a path or a name to be looked up, then its arguments.
    pub(super) words: Vec<String>,
    /// Set unless the program sets them itself.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// A program that does not say what is to be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArgvError {
    /// `EXEC` with neither command nor package.
    #[error("the program {0:?} has neither a command nor a package; give it one of them")]
    NothingToExecute(String),
    /// The runtime cannot know where to begin.
    #[error("the program {program:?} has no entryPoint; {wanted}")]
    NoEntryPoint {
        /// The program's key.
        program: String,
        /// What the entry point would be.
        wanted: &'static str,
    },
    /// The entry point leads elsewhere.
    #[error(
        "the entryPoint {0:?} is not a path within the package; name a file in it, without `..` and leading `/`"
    )]
    OutsidePackage(String),
}

/// Where a program's package lies on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) enum PackagePath<'a> {
    /// A file, used as it is.
    File(&'a Path),
    /// The folder of an unpacked archive.
    Folder(&'a Path),
}

impl<'a> PackagePath<'a> {
    pub(super) fn of(package: &'a Package) -> Self {
        if package.is_folder() {
            Self::Folder(package.path())
        } else {
            Self::File(package.path())
        }
    }

    pub(super) fn as_path(self) -> &'a Path {
        match self {
            Self::File(path) | Self::Folder(path) => path,
        }
    }
}

/// The words that `program` is executed by, with its arguments rendered.
pub(super) fn invocation(
    program: &ProgramSpec,
    package: Option<PackagePath<'_>>,
    arguments: Vec<String>,
) -> Result<Invocation, ArgvError> {
    let mapping = Mapping { program, package };
    let mut invocation = match program.runtime {
        Runtime::Exec => mapping.exec(),
        Runtime::Shell => mapping.shell(),
        Runtime::Python => mapping.python(),
        Runtime::Java => mapping.java(),
        Runtime::Node => mapping.node(),
    }?;
    invocation.words.extend(arguments);
    Ok(invocation)
}

struct Mapping<'a> {
    program: &'a ProgramSpec,
    package: Option<PackagePath<'a>>,
}

impl Mapping<'_> {
    fn exec(&self) -> Result<Invocation, ArgvError> {
        let words = match self.package {
            _ if !self.program.command.is_empty() => self.program.command.clone(),
            Some(PackagePath::File(file)) => vec![text(file)],
            Some(PackagePath::Folder(_)) => {
                vec![self.file("name the file in the package that is executed")?]
            }
            None => return Err(ArgvError::NothingToExecute(self.program.key.clone())),
        };
        Ok(Invocation {
            words,
            ..Invocation::default()
        })
    }

    fn shell(&self) -> Result<Invocation, ArgvError> {
        let script = self.file("name the script, in the package or among the working files")?;
        Ok(self.by("/bin/sh", [script]))
    }

    fn node(&self) -> Result<Invocation, ArgvError> {
        let script = match (self.package, &self.program.entry_point) {
            // A folder says in its package.json where it begins.
            (Some(PackagePath::Folder(folder)), None) => text(folder),
            _ => self.file("name the script, in the package or among the working files")?,
        };
        Ok(self.by("node", [script]))
    }

    fn python(&self) -> Result<Invocation, ArgvError> {
        let mut invocation = match (&self.program.entry_point, self.package) {
            (Some(module), _) if is_module(module) => self.by("python3", ["-m".to_owned(), module.clone()]),
            (Some(_), Some(PackagePath::File(_))) => self.by("python3", [self.package_file_or_entry()?]),
            // A folder or an archive begins at its __main__.py.
            (None, Some(package)) => self.by("python3", [text(package.as_path())]),
            _ => self.by("python3", [self.file("name a module or a .py file")?]),
        };
        if let Some(package) = self.package {
            let importable = match package {
                PackagePath::File(file) if has_extension(file, "py") => file.parent().unwrap_or(file),
                package => package.as_path(),
            };
            invocation.environment.push(("PYTHONPATH", text(importable)));
        }
        // Output is followed live, and the package's folder is shared and stays as it was verified.
        invocation.environment.push(("PYTHONUNBUFFERED", "1".to_owned()));
        invocation
            .environment
            .push(("PYTHONDONTWRITEBYTECODE", "1".to_owned()));
        Ok(invocation)
    }

    fn java(&self) -> Result<Invocation, ArgvError> {
        let wanted = "name the main class";
        match (self.package, &self.program.entry_point) {
            (Some(PackagePath::File(jar)), None) => Ok(self.by("java", ["-jar".to_owned(), text(jar)])),
            (_, None) => Err(self.no_entry_point(wanted)),
            (package, Some(class)) => {
                let class_path = match package {
                    Some(PackagePath::File(jar)) => text(jar),
                    // Classes and jars of an archive alike.
                    Some(PackagePath::Folder(folder)) => format!("{0}:{0}/*", text(folder)),
                    None => ".".to_owned(),
                };
                Ok(self.by("java", ["-cp".to_owned(), class_path, class.clone()]))
            }
        }
    }

    /// The runtime's own executable, or what the program gives in its place, and then `words`.
    fn by<const N: usize>(&self, executable: &str, words: [String; N]) -> Invocation {
        let mut all = self.program.command.clone();
        if all.is_empty() {
            all.push(executable.to_owned());
        }
        all.extend(words);
        Invocation {
            words: all,
            ..Invocation::default()
        }
    }

    /// The file at which the program begins: the package, a file in it, or a working file.
    fn file(&self, wanted: &'static str) -> Result<String, ArgvError> {
        match (self.package, &self.program.entry_point) {
            (Some(PackagePath::File(file)), _) => Ok(text(file)),
            (Some(PackagePath::Folder(folder)), Some(entry)) => Ok(text(&within(folder, entry)?)),
            (None, Some(entry)) => Ok(entry.clone()),
            (_, None) => Err(self.no_entry_point(wanted)),
        }
    }

    /// A single Python file is itself the entry; an archive that Python reads as it is, a wheel or a zipapp, has its
    /// entry among the working files.
    fn package_file_or_entry(&self) -> Result<String, ArgvError> {
        match (self.package, &self.program.entry_point) {
            (Some(PackagePath::File(file)), Some(entry)) if !has_extension(file, "py") => Ok(entry.clone()),
            _ => self.file("name a module or a .py file"),
        }
    }

    fn no_entry_point(&self, wanted: &'static str) -> ArgvError {
        ArgvError::NoEntryPoint {
            program: self.program.key.clone(),
            wanted,
        }
    }
}

/// Whether a Python entry point is a module rather than a path.
fn is_module(entry: &str) -> bool {
    !entry.contains('/') && !has_extension(Path::new(entry), "py")
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn within(folder: &Path, entry: &str) -> Result<PathBuf, ArgvError> {
    let inside = Path::new(entry)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if inside {
        Ok(folder.join(entry))
    } else {
        Err(ArgvError::OutsidePackage(entry.to_owned()))
    }
}

/// A path below the executor's folder as text; the folder was checked to be text when the executor started.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/cache/d/app";
    const FOLDER: &str = "/cache/d/app.zip";

    fn program(runtime: Runtime) -> ProgramSpec {
        ProgramSpec {
            key: "p".into(),
            runtime,
            command: Vec::new(),
            package: None,
            entry_point: None,
            arguments: Vec::new(),
            environment: std::collections::BTreeMap::new(),
            files: std::collections::BTreeMap::new(),
            working_directory: None,
            memory_limit: None,
            open_files_limit: None,
            output_limit: 1,
        }
    }

    fn words<'a>(program: &ProgramSpec, package: impl Into<Option<PackagePath<'a>>>) -> Vec<String> {
        let arguments = vec!["a b; rm".to_owned(), String::new()];
        let mut words = invocation(program, package.into(), arguments.clone())
            .unwrap()
            .words;
        assert_eq!(
            words.split_off(words.len() - 2),
            arguments,
            "arguments stay single words"
        );
        words
    }

    fn with_entry(runtime: Runtime, entry: &str) -> ProgramSpec {
        ProgramSpec {
            entry_point: Some(entry.into()),
            ..program(runtime)
        }
    }

    fn with_command(runtime: Runtime, command: &[&str]) -> ProgramSpec {
        ProgramSpec {
            command: command.iter().map(ToString::to_string).collect(),
            ..program(runtime)
        }
    }

    fn file(name: &str) -> PackagePath<'_> {
        PackagePath::File(Path::new(name))
    }

    fn folder() -> PackagePath<'static> {
        PackagePath::Folder(Path::new(FOLDER))
    }

    #[test]
    fn exec_runs_its_command_or_its_package() {
        assert_eq!(
            words(&with_command(Runtime::Exec, &["env", "-i"]), None),
            ["env", "-i"]
        );
        assert_eq!(words(&program(Runtime::Exec), file(FILE)), [FILE]);
        assert_eq!(
            words(&with_entry(Runtime::Exec, "bin/run"), folder()),
            ["/cache/d/app.zip/bin/run"]
        );
        assert!(matches!(
            invocation(&program(Runtime::Exec), None, Vec::new()),
            Err(ArgvError::NothingToExecute(_))
        ));
    }

    #[test]
    fn shell_runs_a_script_that_gets_the_arguments() {
        assert_eq!(words(&program(Runtime::Shell), file(FILE)), ["/bin/sh", FILE]);
        assert_eq!(
            words(&with_entry(Runtime::Shell, "go.sh"), None),
            ["/bin/sh", "go.sh"]
        );
        assert_eq!(
            words(&with_entry(Runtime::Shell, "go.sh"), folder()),
            ["/bin/sh", "/cache/d/app.zip/go.sh"]
        );
    }

    #[test]
    fn python_runs_modules_and_paths_with_the_package_importable() {
        let wheel = file("/cache/d/tool.whl");
        let module = with_entry(Runtime::Python, "tool.cli");
        assert_eq!(words(&module, wheel), ["python3", "-m", "tool.cli"]);
        let made = invocation(&module, Some(wheel), Vec::new()).unwrap();
        assert!(
            made.environment
                .contains(&("PYTHONPATH", "/cache/d/tool.whl".into()))
        );
        assert_eq!(
            words(&program(Runtime::Python), file("/cache/d/a.py")),
            ["python3", "/cache/d/a.py"]
        );
        assert_eq!(
            words(&with_entry(Runtime::Python, "src/a.py"), folder()),
            ["python3", "/cache/d/app.zip/src/a.py"]
        );
        assert_eq!(
            words(&with_entry(Runtime::Python, "a.py"), None),
            ["python3", "a.py"]
        );
        let own = ProgramSpec {
            command: vec!["python3.12".into(), "-u".into()],
            ..module
        };
        assert_eq!(words(&own, None), ["python3.12", "-u", "-m", "tool.cli"]);
    }

    #[test]
    fn java_runs_a_class_of_the_package_or_the_jar_itself() {
        let jar = file("/cache/d/app.jar");
        assert_eq!(
            words(&with_entry(Runtime::Java, "com.example.Main"), jar),
            ["java", "-cp", "/cache/d/app.jar", "com.example.Main"]
        );
        assert_eq!(
            words(&program(Runtime::Java), jar),
            ["java", "-jar", "/cache/d/app.jar"]
        );
        assert_eq!(
            words(&with_entry(Runtime::Java, "Main"), folder()),
            ["java", "-cp", "/cache/d/app.zip:/cache/d/app.zip/*", "Main"]
        );
        assert!(invocation(&program(Runtime::Java), Some(folder()), Vec::new()).is_err());
    }

    #[test]
    fn node_runs_a_script_or_a_folder() {
        assert_eq!(
            words(&program(Runtime::Node), file("/cache/d/a.js")),
            ["node", "/cache/d/a.js"]
        );
        assert_eq!(words(&program(Runtime::Node), folder()), ["node", FOLDER]);
        assert_eq!(words(&with_entry(Runtime::Node, "a.js"), None), ["node", "a.js"]);
    }

    #[test]
    fn an_entry_point_stays_within_its_package() {
        for entry in ["../a", "/etc/passwd", "a/../../b"] {
            let program = with_entry(Runtime::Shell, entry);
            assert_eq!(
                invocation(&program, Some(folder()), Vec::new()),
                Err(ArgvError::OutsidePackage(entry.into()))
            );
        }
    }
}
