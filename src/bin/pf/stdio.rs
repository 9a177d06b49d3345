//! Stdin, stdout and stderr, without the buffers of the standard library. A process that shares them may have set
//! `O_NONBLOCK`, which is a property of the open file: then `pf` waits until it can go on, and changes nothing.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

/// Reads from stdin.
#[derive(Debug)]
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(io::stdin(), buffer)
    }
}

/// Writes to stdout.
#[derive(Debug)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(io::stdout(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes to stderr. To write without a break, hold the lock of [`io::stderr`].
#[derive(Debug)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(io::stderr(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read(from: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(&from, &mut *buffer) {
            Err(Errno::AGAIN) => wait(&from, PollFlags::IN)?,
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

fn write(to: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(&to, bytes) {
            Err(Errno::AGAIN) => wait(&to, PollFlags::OUT)?,
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

fn wait(on: impl AsFd, flags: PollFlags) -> io::Result<()> {
    loop {
        match poll(&mut [PollFd::new(&on, flags)], None) {
            Err(Errno::INTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::{
        fs::{OFlags, fcntl_setfl},
        pipe::{PipeFlags, pipe_with},
    };

    use super::*;

    #[test]
    fn a_stream_that_does_not_block_is_waited_for() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        fcntl_setfl(&reader, OFlags::NONBLOCK).unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        // More than a pipe holds, so that both sides have to wait.
        let sent = vec![7; 1 << 20];
        let length = sent.len();
        let sender = std::thread::spawn(move || {
            let mut rest = &sent[..];
            while !rest.is_empty() {
                let count = write(&writer, rest).unwrap();
                rest = &rest[count..];
            }
        });
        let (mut received, mut buffer) = (0, vec![0; 4096]);
        loop {
            match read(&reader, &mut buffer).unwrap() {
                0 => break,
                count => received += count,
            }
        }
        sender.join().unwrap();
        assert_eq!(received, length);
    }
}
