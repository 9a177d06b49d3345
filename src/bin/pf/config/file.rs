//! The form of a configuration file.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{CliError, CliResult, Exit},
    output::Format,
};

/// What a configuration file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The context in use.
    pub context: Option<String>,
    /// The store, where no context is in use.
    pub url: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// How to write data.
    pub output: Option<Format>,
    /// Contexts by name.
    #[serde(default)]
    pub contexts: BTreeMap<String, Profile>,
}

/// A context: a store and what goes with it.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The store.
    pub url: String,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How to write data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Format>,
    /// A file that holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Ask for the password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_prompt: bool,
}

impl Profile {
    /// Returns a context that has a URL and nothing else.
    pub fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..Self::default()
        }
    }
}

impl File {
    /// Reads a file; none if it is not there.
    pub fn read(path: &Path) -> CliResult<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(CliError::new(Exit::Configuration, error)
                    .during(format!("{} cannot be read", path.display())));
            }
        };
        toml::from_str(&text).map(Some).map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            CliError::configuration(error.message().to_owned())
                .during(format!("{} is wrong at line {line}", path.display()))
        })
    }
}
