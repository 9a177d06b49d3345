//! Whether the files that are open are still those that the store's name means: it may be moved, restored or replaced
//! under us, and what is written then is in no file of that name.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rusqlite::Connection;

/// A file that changed within this time may still be in the making, by a copy for instance.
const FRESH: Duration = Duration::from_secs(2);

/// What tells one file from another; numbers alone are given to new files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
    born: Option<SystemTime>,
}

impl Identity {
    /// Returns what a path means, symlinks followed; none if that is nothing.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|found| Self::from(&found))
    }
}

impl From<&Metadata> for Identity {
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
pub(crate) struct Files {
    path: PathBuf,
    /// The name without links.
    place: PathBuf,
    store: Identity,
    /// The engine's write-ahead log and the index of it, which processes share.
    log: Option<Side>,
    index: Option<Side>,
    /// How many names the store has.
    names: u64,
}

#[derive(Debug, Clone)]
struct Side {
    path: PathBuf,
    identity: Identity,
}

/// What became of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The name means nothing.
    Gone,
    /// The name means another file.
    Replaced,
    /// The store is the same, but others cannot see its log, or what is written there.
    Bared,
}

impl Files {
    /// Notes the files of a connection that has read, as its name means them now; none if that is nothing.
    pub(crate) fn of(path: &Path, connection: &Connection) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let side = |suffix: &str| {
            let path = PathBuf::from(format!("{}{suffix}", connection.path()?));
            let identity = Identity::of(&path)?;
            Some(Side { path, identity })
        };
        Some(Self {
            path: path.to_owned(),
            place: connection
                .path()
                .map_or_else(|| path.to_owned(), PathBuf::from),
            store: Identity::from(&found),
            log: side("-wal"),
            index: side("-shm"),
            names: found.nlink(),
        })
    }

    /// Returns which file is open.
    pub(crate) fn store(&self) -> Identity {
        self.store
    }

    /// Returns the name by which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns which log is open.
    pub(crate) fn log(&self) -> Option<Identity> {
        self.log.as_ref().map(|log| log.identity)
    }

    /// Reports whether the store has other names: the log of each is another one.
    pub(crate) fn has_other_names(&self) -> bool {
        self.names > 1
    }

    /// Says what comes of other names.
    pub(crate) fn warning(&self) -> String {
        warning_of(&self.path, self.names)
    }

    /// Reports whether the index of the log is one that others do not find: one that was removed, and that this process
    /// still has by another connection.
    pub(crate) fn lack_an_index(&self) -> bool {
        self.log.is_some() && self.index.is_none()
    }

    /// Returns what became of the files, if anything did.
    pub(crate) fn change(&self) -> Option<Change> {
        match Identity::of(&self.path) {
            None => Some(Change::Gone),
            Some(now) if now != self.store => Some(Change::Replaced),
            Some(_) => {
                let sides = [&self.log, &self.index];
                let lost = |side: &Side| Identity::of(&side.path) != Some(side.identity);
                let is_bared = sides.into_iter().flatten().any(lost);
                is_bared.then_some(Change::Bared)
            }
        }
    }

    /// Reports whether somebody has written to another log in the place of ours, or begun another index.
    pub(crate) fn has_another_log(&self) -> bool {
        let is_other = |side: &Option<Side>, least: u64| {
            let Some(side) = side else { return false };
            let found = fs::metadata(&side.path);
            found.is_ok_and(|found| Identity::from(&found) != side.identity && found.len() >= least)
        };
        is_other(&self.log, 1) || is_other(&self.index, 0)
    }

    /// Reports whether the store is not where it was opened.
    pub(crate) fn have_left_their_place(&self) -> bool {
        Identity::of(&self.place) != Some(self.store)
    }

    /// Takes our log out of the way of what has its place now: to another store it would be pages of its own.
    pub(crate) fn remove_log(&self) {
        for side in [&self.log, &self.index].into_iter().flatten() {
            if Identity::of(&side.path) == Some(side.identity) {
                // If it stays, the next to open the store finds it damaged.
                let _ = fs::remove_file(&side.path);
            }
        }
    }
}

/// Says what comes of so many names of a file.
pub(crate) fn warning_of(path: &Path, names: u64) -> String {
    format!(
        "`{}` has {names} names (hard links), and each has a log of its own: what is written under one is missing under the \
         others, and may damage the store; keep one name",
        path.display(),
    )
}

/// Reports whether a file may still be in the making.
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

    fn store(path: &Path) -> (Connection, Files) {
        let connection = Connection::open(path).unwrap();
        let sql = "PRAGMA journal_mode=WAL; CREATE TABLE a(b);";
        connection.execute_batch(sql).unwrap();
        let files = Files::of(path, &connection).unwrap();
        (connection, files)
    }

    #[test]
    fn what_becomes_of_the_files_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (_open, files) = store(&at("a"));
        assert_eq!(files.change(), None);
        assert!(!files.has_other_names());
        fs::rename(at("a"), at("b")).unwrap();
        assert_eq!(files.change(), Some(Change::Gone));
        fs::write(at("a"), "").unwrap();
        assert_eq!(files.change(), Some(Change::Replaced));
        fs::rename(at("b"), at("a")).unwrap();
        assert_eq!(files.change(), None);
        fs::rename(at("a-wal"), at("c")).unwrap();
        assert_eq!(files.change(), Some(Change::Bared));
        assert!(!files.has_another_log());
        fs::write(at("a-wal"), "").unwrap();
        assert!(!files.has_another_log(), "nothing is in it");
        fs::write(at("a-wal"), "x").unwrap();
        assert!(files.has_another_log());
        fs::rename(at("c"), at("a-wal")).unwrap();
        fs::remove_file(at("a-shm")).unwrap();
        assert_eq!(files.change(), Some(Change::Bared));
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
            let files = Files::of(&at("link"), &connection).unwrap();
            (connection, files)
        };
        assert!(
            linked.path().unwrap().ends_with("/a"),
            "one log for both names"
        );
        fs::remove_file(at("link")).unwrap();
        std::os::unix::fs::symlink(at("b"), at("link")).unwrap();
        assert_eq!(files.change(), Some(Change::Replaced));
        assert!(!other.has_other_names());
        fs::hard_link(at("b"), at("second")).unwrap();
        let connection = Connection::open(at("second")).unwrap();
        assert!(
            Files::of(&at("second"), &connection)
                .unwrap()
                .has_other_names()
        );
    }
}
