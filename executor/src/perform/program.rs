//! Runs a program: prepares what it needs, starts it, and cleans up after it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;
use waterclock_core::run::Outcome;
use waterclock_core::template::TemplateContext;
use waterclock_core::work::Assignment;
use waterclock_core::workflow::{PackageRef, ProgramSpec};

use crate::config::ExecutorConfig;
use crate::containment::{Containment, ContainmentError, Limits, Order, Running};
use crate::log::{AttemptLog, Log};
use crate::package::{Package, PackageCache};
use crate::progress::Bulletin;

use super::argv::{self, PackagePath};
use super::attend::attend;
use super::bounds::Bounds;
use super::environment::{Environment, path_text};
use super::files::{self, AttemptFolder, FileError};
use super::outputs::{self, Given};
use super::progress::Gauge;
use super::{Finding, Stops};

/// Runs programs as child processes.
pub(super) struct ProgramRunner {
    attempts: PathBuf,
    packages: PackageCache,
    containment: Arc<Containment>,
    log: Log,
    bulletin: Bulletin,
    path: String,
}

/// A program that is ready to be started, and what it needs for as long as it runs.
struct Prepared {
    order: Order,
    folder: AttemptFolder,
    package: Option<Package>,
}

impl ProgramRunner {
    /// Runs programs in folders below `attempts`, which is emptied of what an earlier life left there.
    pub(super) fn new(
        config: &ExecutorConfig,
        attempts: PathBuf,
        packages: PackageCache,
        containment: Arc<Containment>,
        log: Log,
        bulletin: Bulletin,
    ) -> io::Result<Self> {
        if attempts.exists() {
            fs::remove_dir_all(&attempts)?;
        }
        fs::create_dir_all(&attempts)?;
        Ok(Self {
            attempts,
            packages,
            containment,
            log,
            bulletin,
            path: config.path.clone(),
        })
    }

    /// Runs one attempt. When this returns, nothing of it runs and its log is whole.
    pub(super) async fn run(
        &self,
        assignment: &Assignment,
        program: &ProgramSpec,
        mut stops: Stops,
    ) -> Finding {
        let log = self.log.of(assignment.lease(), program.output_limit);
        let finding = self
            .run_logged(assignment, program, stops.clone(), &log)
            .await
            .unwrap_or_else(|not_run| not_run);
        tokio::select! {
            () = log.flushed() => {}
            () = stops.lost() => {}
        }
        finding
    }

    async fn run_logged(
        &self,
        assignment: &Assignment,
        program: &ProgramSpec,
        mut stops: Stops,
        log: &AttemptLog,
    ) -> Result<Finding, Finding> {
        let bounds = Bounds::of(assignment);
        let prepared = tokio::select! {
            biased;
            stop = stops.asked() => return Err(Finding::stopped(stop)),
            () = bounds.passed() => return Err(bounds.timed_out()),
            prepared = self.prepare(assignment, program) => prepared?,
        };
        // Not broken off: from here on there may be a process, which is stopped as processes are.
        let running = self.start(assignment, &prepared.order).await?;
        log.remark(format!(
            "started {} as process {}",
            prepared.order.words[0], running.pid
        ))
        .await;
        let mut gauge = Gauge::new(
            prepared.folder.progress(),
            assignment.lease(),
            &self.bulletin,
            log,
        );
        let finding = tokio::select! {
            finding = attend(running, bounds, stops.clone(), log) => finding,
            never = gauge.follow() => match never {},
            never = bounds.warn(log) => match never {},
        };
        let given = tokio::select! {
            given = given(&prepared.folder, gauge, log) => given,
            // Nobody will hear what it gave.
            () = stops.lost() => Given::default(),
        };
        discard(prepared).await;
        Ok(finding.giving(given))
    }

    async fn prepare(&self, assignment: &Assignment, program: &ProgramSpec) -> Result<Prepared, Finding> {
        let rendered = Rendered::of(assignment, program)?;
        let package = match &program.package {
            Some(package) => Some(self.package(assignment, package).await?),
            None => None,
        };
        let place = package.as_ref().map(PackagePath::of);
        let mut invocation = argv::invocation(program, place, rendered.arguments)
            .map_err(|error| Finding::failed(error.to_string()))?;
        let (folder, directory) = self
            .make_folder(assignment.clone(), rendered.directory, rendered.files)
            .await?;
        let executable = files::find_executable(&invocation.words[0], &directory, &self.path)
            .ok_or_else(|| self.no_executable(&invocation.words[0], &directory))?;
        invocation.words[0] = path_text(&executable);
        let environment = Environment {
            assignment,
            folder: &folder,
            package: place,
            invocation: &invocation,
            path: &self.path,
        };
        let order = Order {
            environment: environment.with(rendered.environment),
            words: invocation.words,
            directory: path_text(&directory),
            limits: Limits {
                address_space: program.memory_limit.and_then(|limit| limit.try_into().ok()),
                open_files: program.open_files_limit.and_then(|limit| limit.try_into().ok()),
            },
        };
        refuse_nul(&order)?;
        Ok(Prepared {
            order,
            folder,
            package,
        })
    }

    async fn package(&self, assignment: &Assignment, package: &PackageRef) -> Result<Package, Finding> {
        let got = self.packages.get(assignment.tenant_id, package).await;
        got.map_err(|error| {
            let outcome = if error.is_fault() {
                Outcome::Fault
            } else {
                Outcome::Failed
            };
            Finding::ended(outcome, error.to_string())
        })
    }

    /// Makes the attempt's folder, and writes the working files into the folder that the program runs in.
    async fn make_folder(
        &self,
        assignment: Assignment,
        directory: Option<String>,
        files: BTreeMap<String, String>,
    ) -> Result<(AttemptFolder, PathBuf), Finding> {
        let attempts = self.attempts.clone();
        let made = spawn_blocking(move || {
            let folder = AttemptFolder::make(&attempts, &assignment).map_err(|error| {
                Finding::fault(format!(
                    "the executor could not make a working directory below {}: {error}; look at its --data-dir",
                    attempts.display()
                ))
            })?;
            let directory = directory.map_or_else(|| folder.work(), PathBuf::from);
            if !directory.is_dir() || !directory.is_absolute() {
                return Err(Finding::fault(format!(
                    "the working directory {} is not a folder on this executor; make it there, give its whole path, or \
                     leave workingDirectory out for a fresh one",
                    directory.display()
                )));
            }
            files::write_files(&directory, &files).map_err(|error| match error {
                FileError::Outside(_) => Finding::failed(error.to_string()),
                FileError::Refused { .. } => Finding::fault(error.to_string()),
            })?;
            Ok((folder, directory))
        });
        made.await
            .unwrap_or_else(|_| Err(Finding::fault("the executor met a defect of its own")))
    }

    fn no_executable(&self, word: &str, directory: &Path) -> Finding {
        Finding::fault(if word.contains('/') {
            format!(
                "there is no executable {} on this executor; install it there, or give the task node a label that only \
                 executors with it offer",
                directory.join(word).display()
            )
        } else {
            format!(
                "there is no executable {word:?} in the PATH of this executor ({}); install it there, or give the task node \
                 a label that only executors with it offer",
                self.path
            )
        })
    }

    async fn start(&self, assignment: &Assignment, order: &Order) -> Result<Running, Finding> {
        let name = format!("{}-{}", assignment.task_run_id, assignment.fence);
        self.containment.start(&name, order).await.map_err(|error| {
            let executable = &order.words[0];
            match &error {
                ContainmentError::Refused(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    Finding::fault(format!(
                        "{executable} could not be started: the interpreter that its first line names, or the loader that \
                         it was linked for, is not on this executor"
                    ))
                }
                ContainmentError::Refused(cause) if cause.kind() == io::ErrorKind::ArgumentListTooLong => {
                    Finding::failed(
                        "its arguments and variables are longer than the system passes on; give large values as files",
                    )
                }
                ContainmentError::Refused(cause) => {
                    Finding::fault(format!("{executable} could not be started: {cause}"))
                }
                ContainmentError::NoKeeper(cause) => {
                    Finding::fault(format!("{executable} could not be started: {error} ({cause})"))
                }
            }
        })
    }
}

/// What a program that has ended gave, after its last progress and what is to be remarked are told.
async fn given(folder: &AttemptFolder, gauge: Gauge<'_>, log: &AttemptLog) -> Given {
    let given = outputs::collect(folder.output()).await;
    for remark in &given.remarks {
        log.remark(remark.as_str()).await;
    }
    gauge.finish().await;
    given
}

/// A program's templates with the values of this attempt.
struct Rendered {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    directory: Option<String>,
}

impl Rendered {
    fn of(assignment: &Assignment, program: &ProgramSpec) -> Result<Self, Finding> {
        let values = TemplateContext::new(assignment);
        let arguments = program.arguments.iter().map(|argument| values.render(argument));
        let directory = program.working_directory.as_ref();
        Ok(Self {
            arguments: arguments.collect::<Result<_, _>>()?,
            environment: values.render_map(&program.environment)?,
            files: values.render_map(&program.files)?,
            directory: directory.map(|directory| values.render(directory)).transpose()?,
        })
    }
}

/// Refuses what the system cannot pass on, naming where it is.
fn refuse_nul(order: &Order) -> Result<(), Finding> {
    if let Some(at) = order.words.iter().position(|word| word.contains('\0')) {
        return Err(Finding::failed(format!(
            "argument {at} contains a NUL character, which no program can be given"
        )));
    }
    for (name, value) in &order.environment {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(Finding::failed(format!(
                "the environment variable {name:?} cannot be passed on: names may not be empty or contain `=`, and neither \
                 names nor values may contain NUL"
            )));
        }
    }
    Ok(())
}

/// Removes the attempt's folder, which may hold a great deal, off the threads that everybody shares.
async fn discard(prepared: Prepared) {
    let Prepared { folder, package, .. } = prepared;
    let _ = spawn_blocking(move || drop(folder)).await;
    drop(package);
}
