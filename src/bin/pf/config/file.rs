//! Configuration files.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use protoflow::event::protobuf::SchemaFiles;
use serde::{Deserialize, Serialize};
use url::Url;

use super::store::anchor;
use crate::{
    error::{CliError, CliResult, Exit},
    output::Format,
};

/// The content of a configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The context in use.
    pub context: Option<String>,
    /// The store, if no context is in use.
    pub url: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// Output format.
    pub output: Option<Format>,
    /// The database of the outbox.
    pub outbox: Option<String>,
    /// Contexts by name.
    #[serde(default)]
    pub contexts: BTreeMap<String, Profile>,
}

/// A context: a store with its settings.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The store.
    pub url: String,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Output format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Format>,
    /// The database of the outbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox: Option<String>,
    /// A file that holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Whether to prompt for the password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_prompt: bool,
    /// Schemas of protobuf, as `--proto` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proto: Vec<PathBuf>,
    /// Folders of schemas, as `--proto-path` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proto_path: Vec<PathBuf>,
    /// Descriptor sets, as `--protoset` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protoset: Vec<PathBuf>,
    /// Messages of topics, as `--message` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<String>,
}

impl Profile {
    /// Returns a context with this URL and no other settings.
    pub fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..Self::default()
        }
    }

    /// Returns its schemas. Relative paths start at the folder of the file; a source that is not there may be named as
    /// imports are.
    pub fn schema_files(&self, folder: &Path) -> CliResult<SchemaFiles> {
        let anchored = |path: &PathBuf| folder.join(path);
        let sources = self.proto.iter().map(|path| {
            let there = Some(anchored(path)).filter(|path| path.exists());
            there.unwrap_or_else(|| path.clone())
        });
        let rules = self.message.iter().map(|text| text.parse());
        Ok(SchemaFiles {
            sources: sources.collect(),
            include: self.proto_path.iter().map(anchored).collect(),
            sets: self.protoset.iter().map(anchored).collect(),
            messages: rules.collect::<Result<_, _>>()?,
        })
    }
}

impl File {
    /// Resolves the files of outboxes against the folder of this one. A URL that is not valid is refused where it is used.
    pub fn anchor_outboxes(&mut self, folder: &Path) {
        let profiles = self
            .contexts
            .values_mut()
            .map(|profile| &mut profile.outbox);
        for text in profiles.chain([&mut self.outbox]).flatten() {
            if let Ok(mut url) = text.parse::<Url>()
                && anchor(&mut url, folder).is_ok()
            {
                *text = url.into();
            }
        }
    }

    /// Reads a file; `None` if it does not exist, or if it is not needed and this user may not read it.
    pub fn read(path: &Path, is_needed: bool) -> CliResult<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if is_absent(path, &error) => return Ok(None),
            Err(error) if !is_needed && error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(None);
            }
            Err(error) => {
                return Err(CliError::file(Exit::Configuration, path, error)
                    .during(format!("{} cannot be read", path.display())));
            }
        };
        toml::from_str(&text).map(Some).map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            CliError::configuration(error.message().to_owned())
                .during(format!("{} is invalid at line {line}", path.display()))
        })
    }
}

/// Reports whether there is no file. A link that leads nowhere is one that the user expects to be read. A home that is
/// not a folder, such as `/dev/null`, has no configuration.
fn is_absent(path: &Path, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound => !path.is_symlink(),
        io::ErrorKind::NotADirectory => true,
        _ => false,
    }
}
