//! Lines of stdin, read in large chunks on a thread of their own.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memrchr};
use tokio::sync::mpsc;

/// Bytes per read: the capacity of a pipe. Larger buffers make the allocator keep much more memory.
const READ_SIZE: usize = 64 * 1024;

/// Chunks read ahead.
const AHEAD: usize = 8;

/// Output of the reader, in order.
#[derive(Debug)]
pub enum Chunk {
    /// Whole lines; only the last line of the input may lack its line break.
    Lines(Bytes),
    /// A line that was too long and was dropped.
    TooLong,
    /// A part of a line that is too long. The next chunk begins with more of the line.
    Part(Bytes),
    /// Reading failed.
    Failed(io::Error),
}

/// What happens to lines that are too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongLines {
    /// They are dropped and reported.
    Drop,
    /// They are passed on in parts.
    Split,
}

/// Starts to read; lines longer than `max` are too long.
pub fn read(
    input: impl Read + Send + 'static,
    max: usize,
    long: LongLines,
) -> mpsc::Receiver<Chunk> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut reader = Reader {
            input,
            max,
            long,
            partial: BytesMut::new(),
            sender,
        };
        if let Err(error) = reader.run() {
            let _ = reader.sender.blocking_send(Chunk::Failed(error));
        }
    });
    receiver
}

struct Reader<R> {
    input: R,
    max: usize,
    long: LongLines,
    /// The start of a line whose end was not read yet.
    partial: BytesMut,
    sender: mpsc::Sender<Chunk>,
}

impl<R: Read> Reader<R> {
    /// Reads to the end, or until the receiver is gone.
    fn run(&mut self) -> io::Result<()> {
        loop {
            let known = self.partial.len();
            if self.fill()? == 0 {
                let rest = self.partial.split().freeze();
                if !rest.is_empty() {
                    self.send(Chunk::Lines(rest));
                }
                return Ok(());
            }
            if let Some(end) = memrchr(b'\n', &self.partial[known..]) {
                let lines = self.partial.split_to(known + end + 1).freeze();
                if !self.send(Chunk::Lines(lines)) {
                    return Ok(());
                }
            }
            if self.partial.len() > self.max && !self.shorten()? {
                return Ok(());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let known = self.partial.len();
        self.partial.resize(known + READ_SIZE, 0);
        let result = loop {
            match self.input.read(&mut self.partial[known..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let count = *result.as_ref().unwrap_or(&0);
        self.partial.truncate(known + count);
        result
    }

    /// Keeps a line that is too long out of memory; returns whether there still is a receiver.
    fn shorten(&mut self) -> io::Result<bool> {
        match self.long {
            LongLines::Drop => self.skip(),
            LongLines::Split => {
                let part = self.partial.split().freeze();
                Ok(self.send(Chunk::Part(part)))
            }
        }
    }

    /// Drops the rest of a line that is too long; returns whether there still is a receiver.
    fn skip(&mut self) -> io::Result<bool> {
        loop {
            self.partial.clear();
            if self.fill()? == 0 {
                break;
            }
            if let Some(end) = memchr(b'\n', &self.partial) {
                let _ = self.partial.split_to(end + 1);
                break;
            }
        }
        if !self.send(Chunk::TooLong) {
            return Ok(false);
        }
        // The rest of the chunk may hold whole lines.
        match memrchr(b'\n', &self.partial) {
            Some(end) => {
                let lines = self.partial.split_to(end + 1).freeze();
                Ok(self.send(Chunk::Lines(lines)))
            }
            None => Ok(true),
        }
    }

    fn send(&mut self, chunk: Chunk) -> bool {
        self.sender.blocking_send(chunk).is_ok()
    }
}

/// Splits a chunk into lines without LF or CRLF.
pub fn lines(chunk: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = chunk.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..length]
            .strip_suffix(b"\r")
            .unwrap_or(&rest[..length]);
        let line = chunk.slice(at..at + line.len());
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
        let mut receiver = read(input, max, LongLines::Drop);
        let mut found = Vec::new();
        while let Some(chunk) = receiver.blocking_recv() {
            match chunk {
                Chunk::Lines(chunk) => {
                    found.extend(lines(&chunk).map(|l| String::from_utf8(l.to_vec()).unwrap()));
                }
                Chunk::Part(_) => panic!("a part"),
                Chunk::TooLong => found.push("<too long>".to_owned()),
                Chunk::Failed(error) => panic!("{error}"),
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
    fn a_long_line_is_split_and_nothing_is_lost() {
        let text = format!("a\n{}\nb", "x".repeat(50));
        for portion in 1..9 {
            let input = Portions(io::Cursor::new(text.clone().into_bytes()), portion);
            let mut receiver = read(input, 10, LongLines::Split);
            let (mut whole, mut parts) = (Vec::new(), 0);
            while let Some(chunk) = receiver.blocking_recv() {
                match chunk {
                    Chunk::Lines(bytes) => whole.extend_from_slice(&bytes),
                    Chunk::Part(bytes) => {
                        assert!(bytes.len() <= 10 + portion);
                        whole.extend_from_slice(&bytes);
                        parts += 1;
                    }
                    Chunk::TooLong | Chunk::Failed(_) => panic!("{chunk:?}"),
                }
            }
            assert_eq!(String::from_utf8(whole).unwrap(), text);
            assert!(parts > 0);
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
