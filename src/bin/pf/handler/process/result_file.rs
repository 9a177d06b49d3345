//! Files of `$PF_RESULT`: one path per run in a private folder. The handler creates the file if it has a verdict.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Longest verdict, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The folder; removed when dropped.
#[derive(Debug)]
pub struct ResultFiles {
    folder: tempfile::TempDir,
    next: AtomicU64,
}

impl ResultFiles {
    /// Creates the folder.
    ///
    /// # Errors
    /// If no temporary folder can be created.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new().prefix("pf-").tempdir()?,
            next: AtomicU64::new(0),
        })
    }

    /// Returns a path that no other run uses. There is no file yet.
    pub fn path(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(number.to_string())
    }
}

/// Reads and removes the file that a handler wrote, if it did.
///
/// # Errors
/// If it cannot be read or is too long.
pub fn take(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(file) => file.take(LONGEST + 1).read_to_end(&mut text)?,
    };
    fs::remove_file(path)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("longer than {LONGEST} bytes")));
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_once() {
        let files = ResultFiles::new().unwrap();
        let (first, second) = (files.path(), files.path());
        assert_ne!(first, second);
        fs::write(&first, "{}").unwrap();
        fs::write(&second, "").unwrap();
        assert_eq!(take(&first).unwrap().as_deref(), Some(&b"{}"[..]));
        assert_eq!(take(&first).unwrap(), None);
        assert_eq!(take(&second).unwrap(), None);
    }
}
