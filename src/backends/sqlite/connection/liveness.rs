//! Liveness of consumers and jobs. Each holds the lock of a file of its own, which the kernel releases when the
//! process dies, however it dies. A crash is noticed within a second; a lease alone would take half a minute, and a
//! heartbeat would be a write.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{config::Config, file::access};
use crate::{
    backends::sqlite::error::store_error,
    transport::{ErrorKind, Result},
};

/// A lock that is held until this is dropped or the process dies.
#[derive(Debug)]
pub(crate) struct LivenessLock {
    name: String,
    path: PathBuf,
    _lock: File,
}

/// The liveness of a lock's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Liveness {
    /// The lock is held.
    Alive,
    /// The lock was released without its file being removed.
    Dead,
    /// The file does not exist or cannot be opened.
    Unknown,
}

impl LivenessLock {
    /// Acquires a lock under a new name.
    pub(crate) fn acquire(config: &Config) -> Result<Self> {
        let folder = config.liveness_folder();
        let name = ulid::Ulid::generate().to_string();
        let path = folder.join(&name);
        let lock = create(config, &folder, &path).map_err(|error| {
            let kept_out = || access::denied_by(config, [folder.clone()]);
            let denied = (error.kind() == io::ErrorKind::PermissionDenied)
                .then(kept_out)
                .flatten();
            let message = format!("cannot create a lock file in `{}`", folder.display());
            let general = || {
                store_error(ErrorKind::Denied, message)
                    .hint("consuming needs write access to the store's folder")
            };
            denied.unwrap_or_else(general).because(error)
        })?;
        Ok(Self {
            name,
            path,
            _lock: lock,
        })
    }

    /// Returns the name by which others can check it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Removes the file. Otherwise, the next check reports a crash.
    pub(crate) fn release(self) {
        remove(&self.path);
    }
}

/// Checks whether the owner of a lock is alive.
pub(crate) fn check(config: &Config, name: &str) -> Liveness {
    let path = config.liveness_folder().join(name);
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Liveness::Dead,
            Err(TryLockError::WouldBlock) => Liveness::Alive,
            Err(TryLockError::Error(_)) => Liveness::Unknown,
        },
        Err(_) => Liveness::Unknown,
    }
}

/// Removes the file of a dead owner.
pub(crate) fn clear(config: &Config, name: &str) {
    remove(&config.liveness_folder().join(name));
}

/// Creates and locks a file. It and its folder belong to the users of the store, not to the one who consumes first.
fn create(config: &Config, folder: &Path, path: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    access::follow(config, folder);
    let file = File::create_new(path)?;
    file.try_lock()?;
    access::follow(config, path);
    Ok(file)
}

fn remove(path: &Path) {
    // If this fails, the next check finds the file again.
    let _ = fs::remove_file(path);
}
