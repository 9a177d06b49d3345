//! Changes of the user's configuration file that keep comments and order.

use std::{
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, fchown},
    path::{Path, PathBuf},
};

use toml_edit::{DocumentMut, Item, Table};
use url::Url;

use crate::{
    config::{Config, Profile, anchor},
    error::{CliError, CliResult, Exit},
};

/// The user's configuration file.
pub struct UserFile {
    path: PathBuf,
    document: DocumentMut,
}

impl UserFile {
    /// Reads the file, which may not exist yet.
    pub fn open() -> CliResult<Self> {
        let path = Config::user_file()?;
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                String::new()
            }
            Ok(text) => text,
            Err(error) => return Err(unusable(&path, error)),
        };
        let document = text
            .parse()
            .map_err(|error| CliError::configuration(format!("{}: {error}", path.display())))?;
        Ok(Self { path, document })
    }

    /// Adds a context, or replaces the one with this name.
    pub fn add(&mut self, name: &str, profile: &Profile) -> CliResult<()> {
        let text =
            toml::to_string(profile).map_err(|error| CliError::configuration(error.to_string()))?;
        let entry: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| CliError::configuration(error.to_string()))?;
        let contexts = self.document.entry("contexts").or_insert_with(|| {
            let mut contexts = Table::new();
            contexts.set_implicit(true);
            Item::Table(contexts)
        });
        contexts[name] = Item::Table(entry.as_table().clone());
        Ok(())
    }

    /// Makes a context the default.
    pub fn select(&mut self, name: &str) {
        self.document["context"] = toml_edit::value(name);
    }

    /// Removes a context; if it was in use, no context is.
    pub fn remove(&mut self, name: &str) {
        if let Some(contexts) = self
            .document
            .get_mut("contexts")
            .and_then(Item::as_table_like_mut)
        {
            contexts.remove(name);
        }
        let used = self.document.get("context").and_then(Item::as_str);
        if used == Some(name) {
            self.document.remove("context");
        }
    }

    /// Replaces the file atomically; only the user may read it.
    pub fn save(self) -> CliResult<()> {
        self.replace().map_err(|error| unusable(&self.path, error))
    }

    fn replace(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        if let Ok(old) = std::fs::metadata(&self.path) {
            // One run by root must not lock out the user. Anybody else may not change the owner, and need not.
            let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        }
        file.write_all(self.document.to_string().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn unusable(path: &Path, error: io::Error) -> CliError {
    CliError::file(Exit::Configuration, path, error)
        .during(format!("{} cannot be used", path.display()))
}

/// Returns the URL with an absolute path, so that it names the same store from every folder.
pub fn absolute(mut url: Url) -> CliResult<Url> {
    anchor(&mut url, &std::env::current_dir()?)?;
    Ok(url)
}
