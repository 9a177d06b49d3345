//! One long-lived worker process: a line with an event in, a line with the answer out.
//!
//! Everything that a misbehaving worker can do must end in a fault of *one* event and never hang the thread: it may
//! answer twice, answer for another event, answer before it has read the event, write half a line, close its stdout but
//! stay alive, or exit at any moment. That is why stdin is non-blocking, why stdout, stdin and the exit are polled
//! together, and why the bytes that the worker has not read yet (`FIONREAD`) decide whether it can have seen the event.

use std::{
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    process::{ChildStdin, ChildStdout},
    sync::{Arc, mpsc},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal},
};

use super::{
    contract::{
        reply::Reply,
        verdict::{ExitKind, describe},
    },
    launcher::Started,
    process::{
        exit, pipes,
        process_group::{KILL_AFTER, KillOnDrop, ProcessGroup},
        stderr_tail::StderrTail,
    },
};
use crate::output::Remarks;

/// Time that a worker has to exit after it closed its stdout.
const EXIT_AFTER_CLOSE: Duration = Duration::from_millis(200);
/// Interval of looking for the exit, where it cannot be polled.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
const CHUNK: usize = 8 * 1024;

/// A worker that waits for its next event.
#[derive(Debug)]
pub struct Worker {
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Bytes of its stdout that were read and not parsed yet.
    received: Vec<u8>,
    stderr: StderrTail,
    process: KillOnDrop,
    exit_descriptor: Option<OwnedFd>,
    exit: Exit,
    remarks: Remarks,
    /// Id of the event that it answered last.
    last_answered: Option<String>,
    /// Set when it wrote something that is not an answer.
    broke_protocol: bool,
    /// Bytes of the current event that were written to its stdin.
    written: u64,
}

/// The exit of a worker, once it is known.
#[derive(Debug)]
struct Exit {
    receiver: mpsc::Receiver<ExitKind>,
    known: Option<ExitKind>,
}

/// Result of waiting for an answer.
enum Answer {
    Reply(Reply),
    /// The end of its stdout, with the unfinished line before it.
    End(Vec<u8>),
}

/// Reason why a worker gave no usable answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerFault {
    #[error("the worker exited before it answered: {}", describe(*.0))]
    Exited(ExitKind),
    #[error("the worker closed its stdout before it answered")]
    StdoutClosed,
    #[error("the worker's answer is malformed: {0}")]
    Malformed(String),
    #[error("the worker answered for `{0}`, an event that it was not given")]
    UnknownEvent(String),
    #[error("the worker answered before it had read the event")]
    EventNotRead,
    #[error("the worker's answer has `emit`, which needs `pf consume --emit`")]
    EmitNotEnabled,
    #[error("the worker's answer has `reply`, which needs `pf consume --reply`")]
    ReplyNotEnabled,
}

impl Worker {
    /// Takes over a worker that was started with pipes.
    ///
    /// # Errors
    /// If its pipes or the thread that reaps it cannot be set up.
    pub fn new(mut started: Started, remarks: Remarks) -> io::Result<Self> {
        let child = &mut started.child;
        let group = Arc::new(ProcessGroup::default());
        let process = KillOnDrop(Arc::clone(&group));
        let pid = group.attach(child);
        let missing = || io::Error::other("no pipe");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        rustix::io::ioctl_fionbio(&stdin, true)?;
        let stderr = StderrTail::default();
        let exit_descriptor = exit::descriptor(pid);
        Ok(Self {
            exit: Exit {
                receiver: spawn_reaper(started, pid, group, stderr.clone())?,
                known: None,
            },
            stdin,
            stdout,
            received: Vec::new(),
            stderr,
            process,
            exit_descriptor,
            remarks,
            last_answered: None,
            broke_protocol: false,
            written: 0,
        })
    }

    /// Returns its stderr since the last event.
    pub fn stderr(&self) -> &StderrTail {
        &self.stderr
    }

    /// Returns its process group.
    pub fn group(&self) -> &Arc<ProcessGroup> {
        &self.process.0
    }

    /// Reports whether it is alive and has written nothing since its last answer, except for a duplicate of that.
    pub fn is_usable(&mut self, limit: usize) -> bool {
        let mut stdout = [PollFd::new(&self.stdout, PollFlags::IN)];
        let is_silent = matches!(poll(&mut stdout, Some(&AT_ONCE)), Ok(0));
        if !is_silent && !self.read().is_ok_and(|is_more| is_more) {
            return false;
        }
        self.check_leftovers(limit);
        self.broke_protocol |= !self.received.is_empty();
        if self.broke_protocol {
            let id = self.last_answered.as_deref().unwrap_or_default();
            let text = format!("the worker wrote more than its answer for `{id}`; replacing it");
            self.remarks.warning(&text);
        }
        !self.broke_protocol
    }

    /// Checks the lines that follow an answer.
    fn check_leftovers(&mut self, limit: usize) {
        while !self.broke_protocol {
            match self.take_line(limit) {
                Ok(None) => return,
                Ok(Some(line)) => {
                    if Reply::parse(&line).is_ok_and(|reply| self.is_duplicate(&reply, None)) {
                        self.warn_duplicate();
                    } else {
                        self.broke_protocol = true;
                    }
                }
                Err(_) => self.broke_protocol = true,
            }
        }
    }

    /// Reports whether it answered before and then exited without reading a byte of the current event. No
    /// worker has seen the event then, so another one may have it without a failed run.
    pub fn exited_before_reading(&self) -> bool {
        self.last_answered.is_some() && self.has_read_nothing()
    }

    fn has_read_nothing(&self) -> bool {
        rustix::io::ioctl_fionread(&self.stdin).is_ok_and(|unread| unread == self.written)
    }

    /// Writes the event `id` as a line and waits for one answer of less than `limit` bytes. Blocks.
    ///
    /// # Errors
    /// If the worker gave no usable answer; it must be replaced then.
    pub fn ask(&mut self, line: &[u8], id: &str, limit: usize) -> Result<Reply, WorkerFault> {
        self.stderr.clear();
        let reply = match self.exchange(line, id, limit)? {
            Answer::Reply(_) if self.written < line.len() as u64 => {
                return Err(WorkerFault::EventNotRead);
            }
            Answer::Reply(reply) => reply,
            Answer::End(rest) => return Err(self.fault_at_end(&rest)),
        };
        match &reply.id {
            None => Err(WorkerFault::Malformed("missing field `id`".to_owned())),
            Some(other) if other != id => Err(WorkerFault::UnknownEvent(other.clone())),
            Some(_) => {
                self.last_answered = Some(id.to_owned());
                self.check_leftovers(limit);
                Ok(reply)
            }
        }
    }

    /// Writes and reads at the same time: a worker may use its stdin and stdout in any order, and either pipe may be
    /// full while it waits for the other.
    fn exchange(&mut self, line: &[u8], id: &str, limit: usize) -> Result<Answer, WorkerFault> {
        self.written = 0;
        let mut rest = line;
        loop {
            rest = self.write(rest);
            while let Some(answer) = self.take_line(limit)? {
                let reply = Reply::parse(&answer).map_err(WorkerFault::Malformed)?;
                if !self.is_duplicate(&reply, Some(id)) {
                    return Ok(Answer::Reply(reply));
                }
                self.warn_duplicate();
            }
            let more = self.wait(!rest.is_empty());
            if !more.map_err(|error| WorkerFault::Malformed(error.to_string()))? {
                return Ok(Answer::End(std::mem::take(&mut self.received)));
            }
        }
    }

    /// Writes as much as fits into its stdin and returns the rest. If the worker closed its stdin, nothing is left to
    /// write: its answer, or its exit, shows what that means.
    fn write<'l>(&mut self, mut line: &'l [u8]) -> &'l [u8] {
        while !line.is_empty() {
            match self.stdin.write(line) {
                Ok(written) => {
                    line = &line[written..];
                    self.written += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return &[],
            }
        }
        line
    }

    /// Takes the next line that is not empty out of the received bytes.
    fn take_line(&mut self, limit: usize) -> Result<Option<Vec<u8>>, WorkerFault> {
        loop {
            let end = memchr::memchr(b'\n', &self.received).map(|at| at + 1);
            if end.unwrap_or(self.received.len()) >= limit {
                return Err(WorkerFault::Malformed(format!("longer than {limit} bytes")));
            }
            let Some(end) = end else {
                return Ok(None);
            };
            let line: Vec<u8> = self.received.drain(..end).collect();
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Reports whether this is a second answer for the previous event. If the previous and the current event have the
    /// same id (a redelivery), it can only be one as long as the worker has read nothing of the current event.
    fn is_duplicate(&self, reply: &Reply, current: Option<&str>) -> bool {
        let previous = self.last_answered.as_deref();
        previous.is_some()
            && reply.id.as_deref() == previous
            && (current != previous || self.has_read_nothing())
    }

    fn warn_duplicate(&self) {
        let id = self.last_answered.as_deref().unwrap_or_default();
        let text = format!("the worker answered twice for `{id}`; the second answer is ignored");
        self.remarks.warning(&text);
    }

    /// Waits until it writes something, takes more input, or exits; reports whether more output may follow.
    fn wait(&mut self, writing: bool) -> io::Result<bool> {
        let mut watched = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        let exit = self.exit_descriptor.as_ref();
        watched.extend(exit.map(|exit| PollFd::new(exit, PollFlags::IN)));
        if writing {
            watched.push(PollFd::new(&self.stdin, PollFlags::OUT));
        }
        match poll(&mut watched, exit.is_none().then_some(&TICK)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        let ready = |at: usize| !watched[at].revents().is_empty();
        let (has_output, has_exited) = (ready(0), exit.is_some() && ready(1));
        if has_output {
            return self.read();
        }
        Ok(!has_exited && !self.exit.is_known())
    }

    /// Reads from its stdout; reports whether more may follow.
    fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; CHUNK];
        loop {
            match self.stdout.read(&mut chunk) {
                Ok(length) => {
                    self.received.extend_from_slice(&chunk[..length]);
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn fault_at_end(&mut self, rest: &[u8]) -> WorkerFault {
        match self.exit.within(EXIT_AFTER_CLOSE) {
            Some(exit) => WorkerFault::Exited(exit),
            None if rest.is_empty() => WorkerFault::StdoutClosed,
            None => WorkerFault::Malformed("it does not end with a line break".to_owned()),
        }
    }

    /// Closes its stdin and lets it exit by itself; then sends SIGTERM, then SIGKILL. Blocks.
    pub fn close(self) {
        let Self {
            stdin,
            process,
            mut exit,
            ..
        } = self;
        drop(stdin);
        for signal in [Signal::TERM, Signal::KILL] {
            if exit.within(KILL_AFTER).is_some() {
                return;
            }
            process.0.signal(signal);
        }
        let _ = exit.within(KILL_AFTER);
    }

    /// Sends SIGTERM, then SIGKILL. Blocks.
    pub fn end(mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            self.process.0.signal(signal);
            if self.exit.within(KILL_AFTER).is_some() {
                return;
            }
        }
    }
}

impl Exit {
    /// Waits for the exit, at most this long.
    fn within(&mut self, patience: Duration) -> Option<ExitKind> {
        if self.known.is_none() {
            self.known = self.receiver.recv_timeout(patience).ok();
        }
        self.known
    }

    fn is_known(&mut self) -> bool {
        self.within(Duration::ZERO).is_some()
    }
}

/// Starts a thread that passes the worker's stderr on and reaps it.
fn spawn_reaper(
    mut started: Started,
    pid: Pid,
    group: Arc<ProcessGroup>,
    stderr: StderrTail,
) -> io::Result<mpsc::Receiver<ExitKind>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(move || {
            let _ = pipes::drive(&mut started.child, pid, &[], 0, stderr);
            if let Ok(status) = group.reap(started) {
                let _ = sender.send(status.into());
            }
        })?;
    Ok(receiver)
}
