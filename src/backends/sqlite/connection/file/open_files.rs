//! The files of an open connection, and whether the store's path still leads to them. A store may be moved, restored
//! from a backup or replaced while it is open. SQLite goes on with the old inode; what is written then is in no file
//! that anybody finds.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rusqlite::Connection;

/// A file that changed within this time may still be incomplete, for example a copy in progress.
const FRESH: Duration = Duration::from_secs(2);

/// The identity of a file. File systems reuse inode numbers, so that the creation time is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    number: u64,
    born: Option<SystemTime>,
}

impl FileId {
    /// Returns the identity of the file at a path, symlinks followed; none if there is no file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|found| Self::from(&found))
    }
}

impl From<&Metadata> for FileId {
    fn from(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            number: found.ino(),
            born: found.created().ok(),
        }
    }
}

/// The files of an open connection.
#[derive(Debug, Clone)]
pub(crate) struct OpenFiles {
    path: PathBuf,
    /// The path with symlinks resolved.
    place: PathBuf,
    store: FileId,
    /// SQLite's write-ahead log and its index, which processes share through memory.
    log: Option<Side>,
    index: Option<Side>,
    /// The number of hard links to the store.
    names: u64,
}

#[derive(Debug, Clone)]
struct Side {
    path: PathBuf,
    identity: FileId,
}

/// A change of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileChange {
    /// There is no file at the path.
    Missing,
    /// Another file is at the path.
    Replaced,
    /// The store is the same file, but its log or index is not the open one: other processes do not see what is
    /// written.
    LogRemoved,
}

impl OpenFiles {
    /// Records the files of a connection that has read; none if there is no file at the path.
    pub(crate) fn of(path: &Path, connection: &Connection) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let side = |suffix: &str| {
            let path = PathBuf::from(format!("{}{suffix}", connection.path()?));
            let identity = FileId::of(&path)?;
            Some(Side { path, identity })
        };
        Some(Self {
            path: path.to_owned(),
            place: connection
                .path()
                .map_or_else(|| path.to_owned(), PathBuf::from),
            store: FileId::from(&found),
            log: side("-wal"),
            index: side("-shm"),
            names: found.nlink(),
        })
    }

    /// Returns the identity of the store's file.
    pub(crate) fn store(&self) -> FileId {
        self.store
    }

    /// Returns the path by which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the identity of the log.
    pub(crate) fn log(&self) -> Option<FileId> {
        self.log.as_ref().map(|log| log.identity)
    }

    /// Reports whether the store has hard links. SQLite names the log after the path, so that each link has a log of
    /// its own.
    pub(crate) fn has_hard_links(&self) -> bool {
        self.names > 1
    }

    /// Returns the warning about hard links.
    pub(crate) fn warning(&self) -> String {
        warning_of(&self.path, self.names)
    }

    /// Reports whether the index of the log has no name: it was removed, and this process still has it open through
    /// another connection.
    pub(crate) fn lacks_index(&self) -> bool {
        self.log.is_some() && self.index.is_none()
    }

    /// Returns the change of the files, if there is one.
    pub(crate) fn change(&self) -> Option<FileChange> {
        match FileId::of(&self.path) {
            None => Some(FileChange::Missing),
            Some(now) if now != self.store => Some(FileChange::Replaced),
            Some(_) => {
                let sides = [&self.log, &self.index];
                let lost = |side: &Side| FileId::of(&side.path) != Some(side.identity);
                let is_log_removed = sides.into_iter().flatten().any(lost);
                is_log_removed.then_some(FileChange::LogRemoved)
            }
        }
    }

    /// Reports whether another process has started a new log, or another index, in the place of the open one.
    pub(crate) fn has_another_log(&self) -> bool {
        let is_other = |side: &Option<Side>, least: u64| {
            let Some(side) = side else { return false };
            let found = fs::metadata(&side.path);
            found.is_ok_and(|found| FileId::from(&found) != side.identity && found.len() >= least)
        };
        is_other(&self.log, 1) || is_other(&self.index, 0)
    }

    /// Reports whether the store has left the place where it was opened.
    pub(crate) fn has_moved(&self) -> bool {
        FileId::of(&self.place) != Some(self.store)
    }

    /// Removes the open log from its path: another store there would take its pages for its own.
    pub(crate) fn remove_log(&self) {
        for side in [&self.log, &self.index].into_iter().flatten() {
            if FileId::of(&side.path) == Some(side.identity) {
                // If this fails, the next to open the store finds it damaged.
                let _ = fs::remove_file(&side.path);
            }
        }
    }
}

/// Returns the warning about hard links.
pub(crate) fn warning_of(path: &Path, names: u64) -> String {
    format!(
        "`{}` has {names} names (hard links), and each has its own write-ahead log: writes under one name are missing under the \
         others and may damage the store; keep one name",
        path.display(),
    )
}

/// Reports whether a file may still be incomplete.
pub(crate) fn is_fresh(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|found| found.modified());
    written.is_ok_and(|written| {
        let age = SystemTime::now().duration_since(written);
        age.map_or(true, |age| age < FRESH)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(path: &Path) -> (Connection, OpenFiles) {
        let connection = Connection::open(path).unwrap();
        let sql = "PRAGMA journal_mode=WAL; CREATE TABLE a(b);";
        connection.execute_batch(sql).unwrap();
        let files = OpenFiles::of(path, &connection).unwrap();
        (connection, files)
    }

    #[test]
    fn what_becomes_of_the_files_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (_open, files) = store(&at("a"));
        assert_eq!(files.change(), None);
        assert!(!files.has_hard_links());
        fs::rename(at("a"), at("b")).unwrap();
        assert_eq!(files.change(), Some(FileChange::Missing));
        fs::write(at("a"), "").unwrap();
        assert_eq!(files.change(), Some(FileChange::Replaced));
        fs::rename(at("b"), at("a")).unwrap();
        assert_eq!(files.change(), None);
        fs::rename(at("a-wal"), at("c")).unwrap();
        assert_eq!(files.change(), Some(FileChange::LogRemoved));
        assert!(!files.has_another_log());
        fs::write(at("a-wal"), "").unwrap();
        assert!(!files.has_another_log(), "nothing is in it");
        fs::write(at("a-wal"), "x").unwrap();
        assert!(files.has_another_log());
        fs::rename(at("c"), at("a-wal")).unwrap();
        fs::remove_file(at("a-shm")).unwrap();
        assert_eq!(files.change(), Some(FileChange::LogRemoved));
    }

    #[test]
    fn a_symlink_is_followed_and_a_hard_link_counted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (_first, _) = store(&at("a"));
        let (_second, other) = store(&at("b"));
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        let (linked, files) = {
            let connection = Connection::open(at("link")).unwrap();
            connection.execute_batch("SELECT * FROM a").unwrap();
            let files = OpenFiles::of(&at("link"), &connection).unwrap();
            (connection, files)
        };
        assert!(
            linked.path().unwrap().ends_with("/a"),
            "one log for both names"
        );
        fs::remove_file(at("link")).unwrap();
        std::os::unix::fs::symlink(at("b"), at("link")).unwrap();
        assert_eq!(files.change(), Some(FileChange::Replaced));
        assert!(!other.has_hard_links());
        fs::hard_link(at("b"), at("second")).unwrap();
        let connection = Connection::open(at("second")).unwrap();
        assert!(
            OpenFiles::of(&at("second"), &connection)
                .unwrap()
                .has_hard_links()
        );
    }
}
