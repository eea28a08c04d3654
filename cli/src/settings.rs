//! Options, variables and the settings file become one checked [`CommandLine`].
//!
//! There is one way by which a value is checked, whichever of the three it comes from: what the file says is offered to
//! the command line's own parser as a default, so that the same type refuses it with the same words. What is added here
//! is where a refused value came from, since it is nowhere in what the user just typed.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use crate::args::CommandLine;
use crate::data_dir::SETTINGS_FILE;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// What the command line's parser says; also its help, which is no error.
    #[error(transparent)]
    Refused(#[from] clap::Error),
    #[error("the settings file {path} cannot be read")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the settings file {path} is not TOML: {reason}")]
    NotToml { path: PathBuf, reason: String },
    #[error("the settings file {path} sets `{key}`, which means nothing; there are {known}")]
    UnknownKey {
        path: PathBuf,
        key: String,
        known: String,
    },
    #[error("the settings file {path} gives `{key}` a {kind}; it takes {takes}")]
    WrongKind {
        path: PathBuf,
        key: String,
        kind: &'static str,
        takes: &'static str,
    },
}

/// Reads the command line `words`, with the variables and the settings file behind it.
pub(crate) fn read(words: &[OsString]) -> Result<CommandLine, SettingsError> {
    let command = CommandLine::command();
    let file = SettingsFile::find(words, &command)?;
    let mut command = file.offer_to(command);
    let matches = command
        .clone()
        .try_get_matches_from(words)
        .map_err(|error| name_origin(error, &command, words, &file))?;
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command).into())
}

/// What a settings file says: one or several values for each key.
#[derive(Debug, Default)]
struct SettingsFile {
    path: PathBuf,
    values: BTreeMap<String, Vec<String>>,
}

impl SettingsFile {
    /// The file that is named, or else the one in the data directory; an empty one where there is none.
    fn find(words: &[OsString], command: &Command) -> Result<Self, SettingsError> {
        let chosen = |option: &str, variable: &str| {
            value_of(words, option)
                .or_else(|| env::var_os(variable))
                .map(PathBuf::from)
        };
        if let Some(path) = chosen("--config", "WATERCLOCK_CONFIG") {
            return Self::read(&path, command);
        }
        let data_dir = chosen("--data-dir", "WATERCLOCK_DATA_DIR").unwrap_or_else(|| ".waterclock".into());
        match Self::read(&data_dir.join(SETTINGS_FILE), command) {
            Err(SettingsError::Unreadable { source, .. }) if is_absence(&source) => Ok(Self::default()),
            read => read,
        }
    }

    fn read(path: &Path, command: &Command) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text, command)
    }

    fn parse(path: &Path, text: &str, command: &Command) -> Result<Self, SettingsError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| SettingsError::NotToml {
                path: path.to_owned(),
                reason: error.to_string().trim_end().to_owned(),
            })?;
        let known = keys(command);
        let mut values = BTreeMap::new();
        for (key, value) in table {
            if !known.contains(&key) {
                return Err(SettingsError::UnknownKey {
                    path: path.to_owned(),
                    key,
                    known: known.into_iter().collect::<Vec<_>>().join(", "),
                });
            }
            let texts = texts_of(&value).ok_or_else(|| SettingsError::WrongKind {
                path: path.to_owned(),
                key: key.clone(),
                kind: value.type_str(),
                takes: "text, a number, or a list of them",
            })?;
            values.insert(key, texts);
        }
        Ok(Self {
            path: path.to_owned(),
            values,
        })
    }

    /// Puts the file's values where the parser looks last.
    fn offer_to(&self, command: Command) -> Command {
        command
            .mut_args(|argument| self.offer_to_argument(argument))
            .mut_subcommands(|subcommand| self.offer_to(subcommand))
    }

    fn offer_to_argument(&self, argument: Arg) -> Arg {
        let Some(values) = key_of(&argument).and_then(|key| self.values.get(&key)) else {
            return argument;
        };
        let hidden = argument.is_hide_env_values_set();
        argument
            .required(false)
            .default_values(values)
            .hide_default_value(hidden)
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The key that an option has in the settings file: its variable's name without the product's.
fn key_of(argument: &Arg) -> Option<String> {
    let variable = argument.get_env()?.to_str()?;
    let name = variable.strip_prefix("WATERCLOCK_").unwrap_or(variable);
    (name != "CONFIG").then(|| name.to_lowercase())
}

fn keys(command: &Command) -> BTreeSet<String> {
    every_argument(command).filter_map(key_of).collect()
}

fn every_argument(command: &Command) -> Box<dyn Iterator<Item = &Arg> + '_> {
    Box::new(
        command
            .get_arguments()
            .chain(command.get_subcommands().flat_map(every_argument)),
    )
}

fn texts_of(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::Array(items) => items.iter().map(text_of).collect(),
        value => text_of(value).map(|text| vec![text]),
    }
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The value that the command line gives to `option`, read before the command line is.
fn value_of(words: &[OsString], option: &str) -> Option<OsString> {
    words.iter().enumerate().find_map(|(place, word)| {
        if word == option {
            return words.get(place + 1).cloned();
        }
        let rest = word.to_str()?.strip_prefix(option)?;
        rest.strip_prefix('=').map(OsString::from)
    })
}

/// Says where a refused or missing value came from or could come from, and keeps secrets out of what is said.
fn name_origin(
    mut error: clap::Error,
    command: &Command,
    words: &[OsString],
    file: &SettingsFile,
) -> clap::Error {
    let Some(argument) = refused_option(&error).and_then(|option| {
        every_argument(command)
            .find(|argument| argument.get_env().is_some() && argument.get_long() == Some(option.as_str()))
    }) else {
        return error;
    };
    let option = format!("--{}", argument.get_long().unwrap_or_default());
    let variable = argument
        .get_env()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let key = key_of(argument).unwrap_or_default();
    if argument.is_hide_env_values_set() && error.get(ContextKind::InvalidValue).is_some() {
        error.insert(
            ContextKind::InvalidValue,
            ContextValue::String("(hidden)".to_owned()),
        );
    }
    let origin = if error.kind() == ErrorKind::MissingRequiredArgument {
        format!("set it with {option}, the variable {variable}, or `{key}` in a settings file")
    } else if value_of(words, &option).is_some() {
        return error;
    } else if env::var_os(&variable).is_some() {
        format!("the value comes from the variable {variable}")
    } else {
        format!(
            "the value comes from `{key}` in the settings file {}",
            file.path.display()
        )
    };
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![StyledStr::from(origin)]),
    );
    error
}

/// The long name of the option that `error` is about.
fn refused_option(error: &clap::Error) -> Option<String> {
    let shown = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(shown) => shown,
        ContextValue::Strings(several) => several.first()?,
        _ => return None,
    };
    let name = shown.strip_prefix("--")?;
    name.split([' ', '=']).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn parse(settings: &str, line: &str) -> Result<CommandLine, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, settings).unwrap();
        let mut words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        words.insert(1, "--config".into());
        words.insert(2, path.into());
        read(&words).map_err(|error| error.to_string())
    }

    fn executor(settings: &str, line: &str) -> args::ExecutorRoleArgs {
        match parse(settings, line).unwrap().command {
            args::Command::Executor(executor) => executor,
            other => panic!("{other:?}"),
        }
    }

    const FILE: &str = r#"
        database_url = "postgres://file@db/waterclock"
        executor_slots = 7
        executor_labels = ["gpu", "zone=a"]
    "#;

    #[test]
    fn the_file_stands_behind_the_command_line() {
        let read = executor(FILE, "waterclock executor");
        assert_eq!(read.database.database_url.to_string(), "file@db:5432/waterclock");
        assert_eq!(read.executor.slots, 7);
        assert_eq!(read.executor.labels, ["gpu", "zone=a"]);

        let read = executor(FILE, "waterclock executor --slots 9 --label cpu");
        assert_eq!(read.executor.slots, 9);
        assert_eq!(read.executor.labels, ["cpu"]);
    }

    #[test]
    fn a_wrong_value_of_the_file_is_named_with_its_key() {
        let told = parse("listen = \"nowhere\"", "waterclock up").unwrap_err();
        assert!(told.contains("'nowhere' for '--listen"), "{told}");
        assert!(told.contains("`listen` in the settings file"), "{told}");
    }

    #[test]
    fn an_unknown_key_or_a_table_is_refused() {
        let told = parse("lisen = 1", "waterclock schema").unwrap_err();
        assert!(told.contains("`lisen`") && told.contains("listen"), "{told}");
        let told = parse("[listen]", "waterclock schema").unwrap_err();
        assert!(told.contains("`listen` a table"), "{told}");
        let told = parse("listen =", "waterclock schema").unwrap_err();
        assert!(told.contains("not TOML"), "{told}");
    }

    #[test]
    fn a_missing_setting_says_the_three_ways_to_give_it() {
        let told = parse("", "waterclock scheduler").unwrap_err();
        for way in ["--database-url", "DATABASE_URL", "`database_url`"] {
            assert!(told.contains(way), "{told}");
        }
    }

    #[test]
    fn a_refused_secret_is_not_repeated() {
        let told = parse("database_url = \"postgres://u:hunter2@[\"", "waterclock migrate").unwrap_err();
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("`database_url`"), "{told}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let words = ["waterclock", "schema", "--config=/nonexistent/settings.toml"];
        let error = read(&words.map(OsString::from)).unwrap_err();
        assert!(matches!(error, SettingsError::Unreadable { .. }), "{error}");
    }
}
