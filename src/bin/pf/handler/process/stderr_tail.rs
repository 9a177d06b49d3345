//! The tail of a command's stderr, kept within a fixed size while all of it is passed on to the stderr of `pf`.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{handler::contract::reply::in_one_line, stdio::Stderr};

/// Bytes kept for the detail of a failure.
const KEPT: usize = 2048;

/// The last bytes of a stream. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct StderrTail(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl StderrTail {
    /// Passes a chunk on to the stderr of `pf` and keeps its tail.
    pub fn pass(&self, chunk: &[u8]) {
        // A closed stderr must not fail the run.
        let _lock = io::stderr().lock();
        let _ = Stderr.write_all(chunk);
        self.keep(chunk);
    }

    /// Takes out everything kept so far.
    pub fn take(&self) -> Self {
        Self(Arc::new(Mutex::new(std::mem::take(&mut *self.kept()))))
    }

    /// Discards everything kept so far.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn keep(&self, chunk: &[u8]) {
        let mut kept = self.kept();
        let excess = (kept.bytes.len() + chunk.len()).saturating_sub(KEPT);
        kept.cut |= excess > 0;
        let old = excess.min(kept.bytes.len());
        kept.bytes.drain(..old);
        kept.bytes.extend_from_slice(&chunk[excess - old..]);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the kept text, or `None` if there is none.
    pub fn text(&self) -> Option<String> {
        let kept = self.kept();
        let text = String::from_utf8_lossy(&kept.bytes);
        let text = text.trim();
        match (text.is_empty(), kept.cut) {
            (true, _) => None,
            (false, false) => Some(text.to_owned()),
            (false, true) => Some(format!("…{text}")),
        }
    }

    /// Returns the last line that is not empty: most often it is the error.
    pub fn last_line(&self) -> Option<String> {
        String::from_utf8_lossy(&self.kept().bytes)
            .lines()
            .rev()
            .map(in_one_line)
            .find(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(chunks: &[&[u8]]) -> StderrTail {
        let tail = StderrTail::default();
        for chunk in chunks {
            tail.keep(chunk);
        }
        tail
    }

    #[test]
    fn short_output_is_kept_whole() {
        let tail = tail(&[b"warning\n", b"error: no stock\n\n"]);
        assert_eq!(tail.text().unwrap(), "warning\nerror: no stock");
        assert_eq!(tail.last_line().unwrap(), "error: no stock");
    }

    #[test]
    fn empty_output_is_none() {
        assert_eq!(tail(&[b"\n \n"]).text(), None);
        assert_eq!(tail(&[]).last_line(), None);
    }

    #[test]
    fn the_end_of_long_output_is_kept() {
        let big = vec![b'a'; 1 << 20];
        for chunks in [&[big.as_slice(), b"end"][..], &[b"start", &big, b"end"]] {
            let tail = tail(chunks);
            assert_eq!(tail.kept().bytes.len(), KEPT);
            let text = tail.text().unwrap();
            assert!(text.starts_with("…a") && text.ends_with("aend"));
        }
    }
}
