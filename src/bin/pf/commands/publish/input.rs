//! Lines from stdin in big pieces, read on a thread of their own.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd as _,
};

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memrchr};
use tokio::sync::mpsc;

/// Read at once: what a pipe holds. The allocator keeps much more for larger ones.
const CHUNK: usize = 64 * 1024;

/// Pieces that wait to be parsed.
const AHEAD: usize = 8;

/// What the reader hands over, in order.
#[derive(Debug)]
pub enum Piece {
    /// Whole lines; only the last of the input may lack its line break.
    Lines(Bytes),
    /// A line that is too long; its bytes are gone.
    TooLong,
    /// Reading failed.
    Failed(io::Error),
}

/// Opens stdin without the buffer of the standard library.
pub fn stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Starts reading; lines longer than `max` are dropped and told.
pub fn read(input: impl Read + Send + 'static, max: usize) -> mpsc::Receiver<Piece> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut reader = Reader {
            input,
            max,
            waiting: BytesMut::new(),
            sender,
        };
        if let Err(error) = reader.run() {
            let _ = reader.sender.blocking_send(Piece::Failed(error));
        }
    });
    receiver
}

struct Reader<R> {
    input: R,
    max: usize,
    /// The beginning of a line whose end was not read yet.
    waiting: BytesMut,
    sender: mpsc::Sender<Piece>,
}

impl<R: Read> Reader<R> {
    /// Reads to the end, or until nobody listens.
    fn run(&mut self) -> io::Result<()> {
        loop {
            let known = self.waiting.len();
            if self.fill()? == 0 {
                let rest = self.waiting.split().freeze();
                if !rest.is_empty() {
                    self.send(Piece::Lines(rest));
                }
                return Ok(());
            }
            if let Some(end) = memrchr(b'\n', &self.waiting[known..]) {
                let lines = self.waiting.split_to(known + end + 1).freeze();
                if !self.send(Piece::Lines(lines)) {
                    return Ok(());
                }
            }
            if self.waiting.len() > self.max && !self.skip()? {
                return Ok(());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let known = self.waiting.len();
        self.waiting.resize(known + CHUNK, 0);
        let result = loop {
            match self.input.read(&mut self.waiting[known..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let count = *result.as_ref().unwrap_or(&0);
        self.waiting.truncate(known + count);
        result
    }

    /// Drops the line that is too long, to its end; returns whether anybody listens.
    fn skip(&mut self) -> io::Result<bool> {
        loop {
            self.waiting.clear();
            if self.fill()? == 0 {
                break;
            }
            if let Some(end) = memchr(b'\n', &self.waiting) {
                let _ = self.waiting.split_to(end + 1);
                break;
            }
        }
        if !self.send(Piece::TooLong) {
            return Ok(false);
        }
        // What was read with the end of the long line may hold whole lines.
        match memrchr(b'\n', &self.waiting) {
            Some(end) => {
                let lines = self.waiting.split_to(end + 1).freeze();
                Ok(self.send(Piece::Lines(lines)))
            }
            None => Ok(true),
        }
    }

    fn send(&mut self, piece: Piece) -> bool {
        self.sender.blocking_send(piece).is_ok()
    }
}

/// Cuts a piece into lines, line breaks (and carriage returns before them) taken off.
pub fn lines(piece: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = piece.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..length]
            .strip_suffix(b"\r")
            .unwrap_or(&rest[..length]);
        let line = piece.slice(at..at + line.len());
        at += length + 1;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in portions of one size.
    struct Portions(io::Cursor<Vec<u8>>, usize);

    impl Read for Portions {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(buffer.len());
            self.0.read(&mut buffer[..size])
        }
    }

    fn all(input: &str, portion: usize, max: usize) -> Vec<String> {
        let input = Portions(io::Cursor::new(input.as_bytes().to_vec()), portion);
        let mut receiver = read(input, max);
        let mut found = Vec::new();
        while let Some(piece) = receiver.blocking_recv() {
            match piece {
                Piece::Lines(piece) => {
                    found.extend(lines(&piece).map(|l| String::from_utf8(l.to_vec()).unwrap()));
                }
                Piece::TooLong => found.push("<too long>".to_owned()),
                Piece::Failed(error) => panic!("{error}"),
            }
        }
        found
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        for portion in 1..12 {
            assert_eq!(
                all("a\n\nbcd\r\nlast", portion, 100),
                ["a", "", "bcd", "last"]
            );
            assert_eq!(all("", portion, 100), [""; 0]);
        }
    }

    #[test]
    fn a_long_line_is_dropped_alone() {
        let input = format!("a\n{}\nb\nc", "x".repeat(50));
        for portion in 1..9 {
            assert_eq!(all(&input, portion, 10), ["a", "<too long>", "b", "c"]);
        }
        let end = format!("a\n{}", "x".repeat(50));
        assert_eq!(all(&end, 7, 10), ["a", "<too long>"]);
    }
}
