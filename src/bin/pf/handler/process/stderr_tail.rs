//! The end of what a command wrote to stderr, kept within a fixed size while all of it is passed on.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::handler::contract::reply::in_one_line;

/// Bytes kept for the failure's detail.
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
    /// Passes a piece on to our own stderr and keeps its end.
    pub fn pass(&self, piece: &[u8]) {
        // The handler's words are its own affair: nobody listening is no reason to stop.
        let _ = io::stderr().lock().write_all(piece);
        self.keep(piece);
    }

    /// Takes out what was written so far.
    pub fn take(&self) -> Self {
        Self(Arc::new(Mutex::new(std::mem::take(&mut *self.kept()))))
    }

    /// Forgets what was written so far.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn keep(&self, piece: &[u8]) {
        let mut kept = self.kept();
        let excess = (kept.bytes.len() + piece.len()).saturating_sub(KEPT);
        kept.cut |= excess > 0;
        let old = excess.min(kept.bytes.len());
        kept.bytes.drain(..old);
        kept.bytes.extend_from_slice(&piece[excess - old..]);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was kept as text, or nothing if nothing was written.
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

    /// Returns the last line that says something: most often it is the error.
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

    fn tail(pieces: &[&[u8]]) -> StderrTail {
        let tail = StderrTail::default();
        for piece in pieces {
            tail.keep(piece);
        }
        tail
    }

    #[test]
    fn little_is_kept_whole() {
        let tail = tail(&[b"warning\n", b"error: no stock\n\n"]);
        assert_eq!(tail.text().unwrap(), "warning\nerror: no stock");
        assert_eq!(tail.last_line().unwrap(), "error: no stock");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(tail(&[b"\n \n"]).text(), None);
        assert_eq!(tail(&[]).last_line(), None);
    }

    #[test]
    fn of_much_the_end_is_kept() {
        let big = vec![b'a'; 1 << 20];
        for pieces in [&[big.as_slice(), b"end"][..], &[b"start", &big, b"end"]] {
            let tail = tail(pieces);
            assert_eq!(tail.kept().bytes.len(), KEPT);
            let text = tail.text().unwrap();
            assert!(text.starts_with("…a") && text.ends_with("aend"));
        }
    }
}
