//! The pipes of a child: stdin is written and stdout and stderr are read at the same time, until the child has exited.
//!
//! Nothing that a child does with its pipes can hang this. It may ignore its stdin, write without end, or leave a
//! grandchild behind that keeps the pipes open: the exit of the child decides, not the end of its pipes.

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

/// Time for which pipes that another process keeps open are read after the child has exited.
const READ_AFTER_EXIT: Duration = Duration::from_millis(100);
/// Time for which only the pipes are polled. Most children exit sooner and close their pipes; they are spared the system
/// calls of a pidfd.
const PIPES_ONLY: Duration = Duration::from_millis(20);
/// Interval of looking for the exit, where it cannot be polled.
const TICK: Duration = Duration::from_millis(5);
const CHUNK: usize = 16 * 1024;

/// Bytes that a new pipe on Linux takes without blocking, however small its buffer is.
const PIPE_BUFFER: usize = 4096;

/// The stdout of a child, up to a limit.
#[derive(Debug, Default)]
pub struct CapturedStdout {
    pub bytes: Vec<u8>,
    /// Whether the child wrote more than the limit.
    pub overflowed: bool,
}

/// Output of a child that exited.
#[derive(Debug)]
pub struct Drained {
    pub stdout: CapturedStdout,
    pub stderr: StderrTail,
}

struct PipeLoop<'a> {
    pid: Pid,
    started: Instant,
    exit: ExitWatch,
    /// Set once the child has exited: the pipes are read until then.
    read_until: Option<Instant>,
    read_after_exit: Duration,
    stdin: Option<(ChildStdin, &'a [u8])>,
    stdout: Option<ChildStdout>,
    /// Bytes of stdout that were unread when the child exited. They are its own and must be read, however late it is;
    /// later ones may be those of a grandchild.
    unread_at_exit: u64,
    stderr: Option<ChildStderr>,
    limit: usize,
    drained: Drained,
}

/// Writes `payload` to the child's stdin and reads its other pipes until it has exited. Keeps at most `limit` bytes
/// of stdout. Does not reap the child. Blocks.
///
/// # Errors
/// If the pipes cannot be polled.
pub fn drive(
    child: &mut Child,
    pid: Pid,
    payload: &[u8],
    limit: usize,
    stderr: StderrTail,
) -> io::Result<Drained> {
    PipeLoop::of(child, pid, payload, limit, stderr)?.run()
}

/// How the exit of the child is noticed while its pipes are open.
enum ExitWatch {
    /// Not watched yet: it is expected soon.
    NotYet,
    /// By polling this descriptor.
    Polled(OwnedFd),
    /// By looking for it in intervals.
    Periodic,
}

/// Sources that a poll can report.
#[derive(Debug, Clone, Copy)]
enum Source {
    Stdin,
    Stdout,
    Stderr,
    Exit,
}

impl<'a> PipeLoop<'a> {
    fn of(
        child: &mut Child,
        pid: Pid,
        payload: &'a [u8],
        limit: usize,
        stderr: StderrTail,
    ) -> io::Result<Self> {
        let stdin = child.stdin.take();
        let may_block = payload.len() > PIPE_BUFFER || !cfg!(target_os = "linux");
        if let Some(stdin) = stdin.as_ref().filter(|_| may_block) {
            rustix::io::ioctl_fionbio(stdin, true)?;
        }
        Ok(Self {
            pid,
            started: Instant::now(),
            exit: ExitWatch::NotYet,
            read_until: None,
            read_after_exit: READ_AFTER_EXIT,
            stdin: stdin.map(|stdin| (stdin, payload)),
            stdout: child.stdout.take(),
            unread_at_exit: 0,
            stderr: child.stderr.take(),
            limit,
            drained: Drained {
                stdout: CapturedStdout::default(),
                stderr,
            },
        })
    }

    fn run(mut self) -> io::Result<Drained> {
        self.write_stdin();
        while !self.is_done() {
            if self.has_no_pipes() {
                exit::wait(self.pid);
                self.note_exit();
                continue;
            }
            let ready = self.wait()?;
            match self.exit {
                ExitWatch::NotYet if self.started.elapsed() >= PIPES_ONLY => self.watch_exit(),
                ExitWatch::Periodic if exit::has_exited(self.pid) => self.note_exit(),
                _ => {}
            }
            for source in ready {
                self.step(source);
            }
        }
        Ok(self.drained)
    }

    fn has_no_pipes(&self) -> bool {
        self.stdin.is_none() && self.stdout.is_none() && self.stderr.is_none()
    }

    /// Starts to watch for the exit of a child that runs for longer, or whose pipes stay open.
    fn watch_exit(&mut self) {
        self.exit = exit::descriptor(self.pid).map_or(ExitWatch::Periodic, ExitWatch::Polled);
    }

    fn is_done(&self) -> bool {
        let is_closed = self.stdout.is_none() && self.stderr.is_none();
        let is_overdue = |until| self.unread_at_exit == 0 && Instant::now() >= until;
        self.read_until
            .is_some_and(|until| is_closed || is_overdue(until))
    }

    /// Waits until something can be read or written, or the child has exited; returns the sources that are ready.
    fn wait(&self) -> io::Result<Vec<Source>> {
        let (sources, mut fds): (Vec<_>, Vec<_>) = self.poll_fds().into_iter().unzip();
        match poll(&mut fds, self.poll_timeout().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = sources.into_iter().zip(&fds);
        Ok(ready
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|(source, _)| source)
            .collect())
    }

    fn poll_fds(&self) -> Vec<(Source, PollFd<'_>)> {
        let stdin = self.stdin.as_ref().map(|(stdin, _)| stdin.as_fd());
        let stdout = self.stdout.as_ref().map(AsFd::as_fd);
        let stderr = self.stderr.as_ref().map(AsFd::as_fd);
        let exit = match &self.exit {
            ExitWatch::Polled(exit) if self.read_until.is_none() => Some(exit.as_fd()),
            _ => None,
        };
        [
            (Source::Stdin, stdin, PollFlags::OUT),
            (Source::Stdout, stdout, PollFlags::IN),
            (Source::Stderr, stderr, PollFlags::IN),
            (Source::Exit, exit, PollFlags::IN),
        ]
        .into_iter()
        .filter_map(|(source, fd, flags)| Some((source, PollFd::from_borrowed_fd(fd?, flags))))
        .collect()
    }

    fn poll_timeout(&self) -> Option<Timespec> {
        let pause = match (self.read_until, &self.exit) {
            (Some(until), _) => until.saturating_duration_since(Instant::now()),
            (None, ExitWatch::Polled(_)) => return None,
            (None, ExitWatch::NotYet) => PIPES_ONLY.saturating_sub(self.started.elapsed()),
            (None, ExitWatch::Periodic) => TICK,
        };
        Timespec::try_from(pause).ok()
    }

    fn step(&mut self, source: Source) {
        match source {
            Source::Stdin => self.write_stdin(),
            Source::Stdout => self.read_stdout(),
            Source::Stderr => self.pass_stderr(),
            Source::Exit => self.note_exit(),
        }
    }

    fn note_exit(&mut self) {
        if self.read_until.is_none() {
            self.read_until = Some(Instant::now() + self.read_after_exit);
            let unread = self.stdout.as_ref().map(rustix::io::ioctl_fionread);
            self.unread_at_exit = unread.and_then(Result::ok).unwrap_or_default();
        }
        self.stdin = None;
    }

    /// Writes as much as fits. A child may ignore its stdin: that is not an error.
    fn write_stdin(&mut self) {
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

    fn read_stdout(&mut self) {
        let mut chunk = [0; CHUNK];
        match read(self.stdout.as_mut(), &mut chunk) {
            0 => (self.stdout, self.unread_at_exit) = (None, 0),
            length => {
                self.unread_at_exit = self.unread_at_exit.saturating_sub(length as u64);
                let kept = &mut self.drained.stdout;
                let room = self.limit.saturating_sub(kept.bytes.len());
                kept.overflowed |= length > room;
                kept.bytes.extend_from_slice(&chunk[..length.min(room)]);
            }
        }
    }

    fn pass_stderr(&mut self) {
        let mut chunk = [0; CHUNK];
        match read(self.stderr.as_mut(), &mut chunk) {
            0 => self.stderr = None,
            length => self.drained.stderr.pass(&chunk[..length]),
        }
    }
}

/// Returns the number of bytes read; a pipe that cannot be read counts as closed.
fn read(pipe: Option<&mut impl Read>, chunk: &mut [u8]) -> usize {
    let Some(pipe) = pipe else { return 0 };
    loop {
        match pipe.read(chunk) {
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
    fn all_that_the_child_wrote_is_read_after_its_exit() {
        let (mut child, pid) = shell("head -c 50000 /dev/zero; sleep 30 & echo $! >&2");
        while !exit::has_exited(pid) {
            std::thread::yield_now();
        }
        let mut pipes = PipeLoop::of(&mut child, pid, &[], 1 << 20, StderrTail::default()).unwrap();
        pipes.read_after_exit = Duration::ZERO;
        let drained = pipes.run().unwrap();
        assert_eq!(drained.stdout.bytes.len(), 50_000);
        child.wait().unwrap();
        let grandchild = drained.stderr.text();
        let _ = Command::new("kill").args(grandchild).status();
    }

    #[test]
    fn the_exit_is_noticed_while_another_process_keeps_writing() {
        let busy = "for i in $(seq 3000); do echo x >&2; sleep 0.001; done > /dev/null & echo $!";
        let (mut child, pid) = shell(busy);
        let drained = drive(&mut child, pid, &[], 100, StderrTail::default()).unwrap();
        child.wait().unwrap();
        let grandchild = String::from_utf8(drained.stdout.bytes).unwrap();
        let killed = Command::new("kill").arg(grandchild.trim()).status();
        assert!(killed.unwrap().success(), "it was still there");
    }
}
