//! Feeds a child and empties its pipes at the same time, until it has ended; on a thread of its own.
//!
//! Nothing that a child does with its pipes can hang this: stdin may be ignored, stdout and stderr may be
//! endless, and a grandchild may keep them open for ever.

use std::{
    io::{self, Read, Write as _},
    os::fd::{AsFd, OwnedFd},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Pid,
};

use super::{leash, stderr_tail::StderrTail};

/// How long pipes that somebody else keeps open are read after the child has ended.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// How often to look whether the child has ended, where that cannot be polled.
const TICK: Duration = Duration::from_millis(5);
const PIECE: usize = 16 * 1024;

/// What a child wrote to stdout, up to a limit.
#[derive(Debug, Default)]
pub struct Collected {
    pub bytes: Vec<u8>,
    /// Whether there was more than the limit.
    pub overflowed: bool,
}

/// What a child left behind.
#[derive(Debug)]
pub struct Gathered {
    pub stdout: Collected,
    pub stderr: StderrTail,
}

struct Pump<'a> {
    end: Option<OwnedFd>,
    /// Set once the child has ended: until then the rest of the pipes is read.
    until: Option<Instant>,
    stdin: Option<(ChildStdin, &'a [u8])>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    limit: usize,
    gathered: Gathered,
}

/// Writes `payload` to the child's stdin and reads its other pipes until it has ended. At most `limit` bytes
/// of stdout are kept. The child is not reaped.
///
/// # Errors
/// If the pipes cannot be watched.
pub fn pump(
    child: &mut Child,
    pid: Pid,
    payload: &[u8],
    limit: usize,
    stderr: StderrTail,
) -> io::Result<Gathered> {
    let stdin = child.stdin.take();
    if let Some(stdin) = &stdin {
        rustix::io::ioctl_fionbio(stdin, true)?;
    }
    let mut pump = Pump {
        end: leash::end_of(pid),
        until: None,
        stdin: stdin.map(|stdin| (stdin, payload)),
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        limit,
        gathered: Gathered {
            stdout: Collected::default(),
            stderr,
        },
    };
    pump.feed();
    while !pump.is_done() {
        for source in pump.wait()? {
            pump.step(source);
        }
        if pump.end.is_none() && leash::has_ended(pid) {
            pump.finish();
        }
    }
    Ok(pump.gathered)
}

/// What a poll can report.
#[derive(Debug, Clone, Copy)]
enum Source {
    Stdin,
    Stdout,
    Stderr,
    End,
}

impl Pump<'_> {
    fn is_done(&self) -> bool {
        let drained = self.stdout.is_none() && self.stderr.is_none();
        self.until
            .is_some_and(|until| drained || Instant::now() >= until)
    }

    /// Waits until something can be read or written, or the child has ended, and returns what.
    fn wait(&self) -> io::Result<Vec<Source>> {
        let (sources, mut fds): (Vec<_>, Vec<_>) = self.watched().into_iter().unzip();
        match poll(&mut fds, self.patience().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = sources.into_iter().zip(&fds);
        Ok(ready
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|(source, _)| source)
            .collect())
    }

    fn watched(&self) -> Vec<(Source, PollFd<'_>)> {
        let stdin = self.stdin.as_ref().map(|(stdin, _)| stdin.as_fd());
        let stdout = self.stdout.as_ref().map(AsFd::as_fd);
        let stderr = self.stderr.as_ref().map(AsFd::as_fd);
        let end = self.end.as_ref().filter(|_| self.until.is_none());
        [
            (Source::Stdin, stdin, PollFlags::OUT),
            (Source::Stdout, stdout, PollFlags::IN),
            (Source::Stderr, stderr, PollFlags::IN),
            (Source::End, end.map(AsFd::as_fd), PollFlags::IN),
        ]
        .into_iter()
        .filter_map(|(source, fd, flags)| Some((source, PollFd::from_borrowed_fd(fd?, flags))))
        .collect()
    }

    fn patience(&self) -> Option<Timespec> {
        let pause = match (self.until, &self.end) {
            (Some(until), _) => until.saturating_duration_since(Instant::now()),
            (None, Some(_)) => return None,
            (None, None) => TICK,
        };
        Timespec::try_from(pause).ok()
    }

    fn step(&mut self, source: Source) {
        match source {
            Source::Stdin => self.feed(),
            Source::Stdout => self.collect(),
            Source::Stderr => self.pass_on(),
            Source::End => self.finish(),
        }
    }

    fn finish(&mut self) {
        self.until
            .get_or_insert_with(|| Instant::now() + AFTERWARDS);
        self.stdin = None;
    }

    /// Writes what fits; a child that does not read its stdin is left alone.
    fn feed(&mut self) {
        let Some((stdin, payload)) = &mut self.stdin else {
            return;
        };
        while !payload.is_empty() {
            match stdin.write(payload) {
                Ok(written) => *payload = &payload[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.stdin = None;
    }

    fn collect(&mut self) {
        let mut piece = [0; PIECE];
        match read(self.stdout.as_mut(), &mut piece) {
            0 => self.stdout = None,
            length => {
                let kept = &mut self.gathered.stdout;
                let room = self.limit.saturating_sub(kept.bytes.len());
                kept.overflowed |= length > room;
                kept.bytes.extend_from_slice(&piece[..length.min(room)]);
            }
        }
    }

    fn pass_on(&mut self) {
        let mut piece = [0; PIECE];
        match read(self.stderr.as_mut(), &mut piece) {
            0 => self.stderr = None,
            length => self.gathered.stderr.pass(&piece[..length]),
        }
    }
}

/// Returns how much was read; a pipe that cannot be read is at its end.
fn read(pipe: Option<&mut impl Read>, piece: &mut [u8]) -> usize {
    let Some(pipe) = pipe else { return 0 };
    loop {
        match pipe.read(piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.unwrap_or(0),
        }
    }
}
