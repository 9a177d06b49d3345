//! Who is alive: each consumer and each running job holds the lock of a file of its own, which the kernel
//! lets go of when the process dies, however it dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use crate::transport::{ErrorKind, Result};

use super::config::Config;
use crate::backends::sqlite::error::refusal;

/// A lock that is held until this is dropped or the process dies.
#[derive(Debug)]
pub(crate) struct Presence {
    name: String,
    path: PathBuf,
    _lock: File,
}

/// Whether a name's owner lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// The lock is held.
    Alive,
    /// The lock was let go of without a word.
    Dead,
    /// There is no such file, or it cannot be looked at.
    Unknown,
}

impl Presence {
    /// Takes a lock under a new name.
    pub(crate) fn take(config: &Config) -> Result<Self> {
        let folder = config.presence_folder();
        let name = ulid::Ulid::generate().to_string();
        let path = folder.join(&name);
        let lock = fs::create_dir_all(&folder)
            .and_then(|()| File::create_new(&path))
            .and_then(|file| {
                file.try_lock()?;
                Ok(file)
            })
            .map_err(|error| {
                refusal(
                    ErrorKind::Denied,
                    format!("no lock can be made in `{}`", folder.display()),
                )
                .hint("consuming needs to write beside the store")
                .because(error)
            })?;
        Ok(Self {
            name,
            path,
            _lock: lock,
        })
    }

    /// Returns the name under which others can look.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Leaves no trace. Without this, whoever looks next takes us for dead.
    pub(crate) fn leave(self) {
        remove(&self.path);
    }
}

/// Looks whether the owner of a name lives.
pub(crate) fn look(config: &Config, name: &str) -> Life {
    let path = config.presence_folder().join(name);
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Life::Dead,
            Err(TryLockError::WouldBlock) => Life::Alive,
            Err(TryLockError::Error(_)) => Life::Unknown,
        },
        Err(_) => Life::Unknown,
    }
}

/// Removes what a dead owner left.
pub(crate) fn clear(config: &Config, name: &str) {
    remove(&config.presence_folder().join(name));
}

fn remove(path: &Path) {
    // A file that stays is found and removed by the next look.
    let _ = fs::remove_file(path);
}
