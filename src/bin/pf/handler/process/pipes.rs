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

use super::{exit, stderr_tail::StderrTail};

/// How long pipes that somebody else keeps open are read after the child has ended.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// How long the pipes alone are watched: most children end soon, and their pipes with them.
const SOON: Duration = Duration::from_millis(20);
/// How often to look whether the child has ended, where that cannot be polled.
const TICK: Duration = Duration::from_millis(5);
const PIECE: usize = 16 * 1024;

/// What a new pipe takes at once on Linux, however little room it was given.
const FITS: usize = 4096;

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
    pid: Pid,
    started: Instant,
    end: End,
    /// Set once the child has ended: until then the rest of the pipes is read.
    until: Option<Instant>,
    afterwards: Duration,
    stdin: Option<(ChildStdin, &'a [u8])>,
    stdout: Option<ChildStdout>,
    /// What of its stdout was unread when the child ended. Only what came later may be somebody else's.
    owed: u64,
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
    Pump::of(child, pid, payload, limit, stderr)?.run()
}

/// How the child's end is noticed while its pipes are open.
enum End {
    /// Not yet: it is expected soon.
    Soon,
    /// It is polled.
    Polled(OwnedFd),
    /// It is looked for every now and then.
    LookedFor,
}

/// What a poll can report.
#[derive(Debug, Clone, Copy)]
enum Source {
    Stdin,
    Stdout,
    Stderr,
    End,
}

impl<'a> Pump<'a> {
    fn of(
        child: &mut Child,
        pid: Pid,
        payload: &'a [u8],
        limit: usize,
        stderr: StderrTail,
    ) -> io::Result<Self> {
        let stdin = child.stdin.take();
        let may_block = payload.len() > FITS || !cfg!(target_os = "linux");
        if let Some(stdin) = stdin.as_ref().filter(|_| may_block) {
            rustix::io::ioctl_fionbio(stdin, true)?;
        }
        Ok(Self {
            pid,
            started: Instant::now(),
            end: End::Soon,
            until: None,
            afterwards: AFTERWARDS,
            stdin: stdin.map(|stdin| (stdin, payload)),
            stdout: child.stdout.take(),
            owed: 0,
            stderr: child.stderr.take(),
            limit,
            gathered: Gathered {
                stdout: Collected::default(),
                stderr,
            },
        })
    }

    fn run(mut self) -> io::Result<Gathered> {
        self.feed();
        while !self.is_done() {
            if self.has_no_pipes() {
                exit::wait_for_end(self.pid);
                self.finish();
                continue;
            }
            let ready = self.wait()?;
            match self.end {
                End::Soon if self.started.elapsed() >= SOON => self.look_out(),
                End::LookedFor if exit::has_ended(self.pid) => self.finish(),
                _ => {}
            }
            for source in ready {
                self.step(source);
            }
        }
        Ok(self.gathered)
    }

    fn has_no_pipes(&self) -> bool {
        self.stdin.is_none() && self.stdout.is_none() && self.stderr.is_none()
    }

    /// Looks out for the end of a child that takes its time, or left its pipes to somebody else.
    fn look_out(&mut self) {
        self.end = exit::end_of(self.pid).map_or(End::LookedFor, End::Polled);
    }

    fn is_done(&self) -> bool {
        let drained = self.stdout.is_none() && self.stderr.is_none();
        let is_late = |until| self.owed == 0 && Instant::now() >= until;
        self.until.is_some_and(|until| drained || is_late(until))
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
        let end = match &self.end {
            End::Polled(end) if self.until.is_none() => Some(end.as_fd()),
            _ => None,
        };
        [
            (Source::Stdin, stdin, PollFlags::OUT),
            (Source::Stdout, stdout, PollFlags::IN),
            (Source::Stderr, stderr, PollFlags::IN),
            (Source::End, end, PollFlags::IN),
        ]
        .into_iter()
        .filter_map(|(source, fd, flags)| Some((source, PollFd::from_borrowed_fd(fd?, flags))))
        .collect()
    }

    fn patience(&self) -> Option<Timespec> {
        let pause = match (self.until, &self.end) {
            (Some(until), _) => until.saturating_duration_since(Instant::now()),
            (None, End::Polled(_)) => return None,
            (None, End::Soon) => SOON.saturating_sub(self.started.elapsed()),
            (None, End::LookedFor) => TICK,
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
        if self.until.is_none() {
            self.until = Some(Instant::now() + self.afterwards);
            let unread = self.stdout.as_ref().map(rustix::io::ioctl_fionread);
            self.owed = unread.and_then(Result::ok).unwrap_or_default();
        }
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
            0 => (self.stdout, self.owed) = (None, 0),
            length => {
                self.owed = self.owed.saturating_sub(length as u64);
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn shell(script: &str) -> (Child, Pid) {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn all_that_the_child_wrote_is_read_however_late_we_are() {
        let (mut child, pid) = shell("head -c 50000 /dev/zero; sleep 30 & echo $! >&2");
        while !exit::has_ended(pid) {
            std::thread::yield_now();
        }
        let mut pump = Pump::of(&mut child, pid, &[], 1 << 20, StderrTail::default()).unwrap();
        pump.afterwards = Duration::ZERO;
        let gathered = pump.run().unwrap();
        assert_eq!(gathered.stdout.bytes.len(), 50_000);
        child.wait().unwrap();
        let grandchild = gathered.stderr.text();
        let _ = Command::new("kill").args(grandchild).status();
    }

    #[test]
    fn the_end_is_noticed_while_somebody_else_goes_on_writing() {
        let busy = "for i in $(seq 3000); do echo x >&2; sleep 0.001; done > /dev/null & echo $!";
        let (mut child, pid) = shell(busy);
        let gathered = pump(&mut child, pid, &[], 100, StderrTail::default()).unwrap();
        child.wait().unwrap();
        let grandchild = String::from_utf8(gathered.stdout.bytes).unwrap();
        let killed = Command::new("kill").arg(grandchild.trim()).status();
        assert!(killed.unwrap().success(), "it was still there");
    }
}
