//! The table of running commands, in memory shared with the watchdog.
//!
//! Shared memory instead of messages: an entry costs two short system calls and does not wake the watchdog, which matters
//! at thousands of runs per second.

use std::{
    fs::File,
    io,
    os::{
        fd::AsFd,
        unix::fs::{FileExt as _, MetadataExt as _},
    },
    process::Child,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::{
    fs::{MemfdFlags, fstat, memfd_create},
    process::Pid,
};

/// Bytes of a record: a process id and the inode of a pipe.
const RECORD: usize = 16;

/// A command in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// It is being started with this pipe as its stdin; its process id is not known yet.
    Expected(u64),
    /// It is running and leads a process group.
    Running(Pid),
}

impl Record {
    fn bytes(self) -> [u8; RECORD] {
        let (pid, pipe) = match self {
            Self::Expected(pipe) => (0, pipe),
            Self::Running(pid) => (u64::from(pid.as_raw_nonzero().get().unsigned_abs()), 0),
        };
        let mut bytes = [0; RECORD];
        bytes[..8].copy_from_slice(&pid.to_ne_bytes());
        bytes[8..].copy_from_slice(&pipe.to_ne_bytes());
        bytes
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_ne_bytes);
        let (pid, pipe) = (number(&bytes[..8])?, number(&bytes[8..])?);
        match i32::try_from(pid).ok().and_then(Pid::from_raw) {
            Some(pid) => Some(Self::Running(pid)),
            None => (pipe != 0).then_some(Self::Expected(pipe)),
        }
    }
}

/// The table, on the side of its owner.
#[derive(Debug)]
pub struct Table {
    memory: File,
    slots: Mutex<Slots>,
}

/// Slots of the table.
#[derive(Debug, Default)]
struct Slots {
    free: Vec<u64>,
    count: u64,
}

/// The slot of a command, until dropped.
#[derive(Debug)]
pub struct Entry {
    table: Arc<Table>,
    slot: u64,
}

impl Table {
    pub fn new() -> io::Result<Self> {
        let memory = memfd_create("handlers", MemfdFlags::CLOEXEC)?;
        Ok(Self {
            memory: memory.into(),
            slots: Mutex::default(),
        })
    }

    /// Returns the memory that the watchdog is given.
    pub fn memory(&self) -> &File {
        &self.memory
    }

    /// Adds an entry for a command that is about to be started with this pipe as its stdin.
    pub fn expect(self: &Arc<Self>, stdin: &impl AsFd) -> io::Result<Entry> {
        let entry = Entry {
            slot: self.slots(|slots| {
                slots.free.pop().unwrap_or_else(|| {
                    slots.count += 1;
                    slots.count - 1
                })
            }),
            table: Arc::clone(self),
        };
        entry.write(Record::Expected(fstat(stdin)?.st_ino).bytes())?;
        Ok(entry)
    }

    fn slots<T>(&self, work: impl FnOnce(&mut Slots) -> T) -> T {
        work(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    /// Notes the process id of the command, which was started.
    pub fn confirm(&self, child: &Child) -> io::Result<()> {
        self.write(Record::Running(Pid::from_child(child)).bytes())
    }

    fn write(&self, bytes: [u8; RECORD]) -> io::Result<()> {
        let at = self.slot * RECORD as u64;
        self.table.memory.write_all_at(&bytes, at)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let _ = self.write([0; RECORD]);
        self.table.slots(|slots| slots.free.push(self.slot));
    }
}

/// Reads the records of a table, on the side of the watchdog.
pub fn records(memory: &File) -> io::Result<Vec<Record>> {
    let mut bytes = vec![0; usize::try_from(memory.metadata()?.size()).unwrap_or(0)];
    memory.read_exact_at(&mut bytes, 0)?;
    Ok(bytes.chunks_exact(RECORD).filter_map(Record::of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_seen_until_they_are_dropped() {
        let table = Arc::new(Table::new().unwrap());
        let seen = || records(table.memory()).unwrap();
        assert_eq!(seen(), []);
        let (stdin, _writer) = io::pipe().unwrap();
        let [first, second] = [(); 2].map(|()| table.expect(&stdin).unwrap());
        let pipe = fstat(&stdin).unwrap().st_ino;
        assert_eq!(seen(), [Record::Expected(pipe); 2]);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        second.confirm(&child).unwrap();
        let pid = Pid::from_child(&child);
        assert_eq!(seen(), [Record::Expected(pipe), Record::Running(pid)]);
        drop(first);
        assert_eq!(seen(), [Record::Running(pid)]);
        let _third = table.expect(&stdin).unwrap();
        assert_eq!(seen(), [Record::Expected(pipe), Record::Running(pid)]);
        child.wait().unwrap();
    }
}
