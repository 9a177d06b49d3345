//! One long-lived worker: a line in, a line out.

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
        verdict::{Ended, words},
    },
    launcher::Started,
    process::{
        exit, pipes as pump,
        process_group::{Held, LAST_MOMENT, Leash},
        stderr_tail::StderrTail,
    },
};
use crate::output::Remarks;

/// How long a worker that closed its stdout has to end.
const ENDING: Duration = Duration::from_millis(200);
/// How often to look whether the worker has ended, where that cannot be polled.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
const PIECE: usize = 8 * 1024;

/// A worker that waits for its next event.
#[derive(Debug)]
pub struct Worker {
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// What it said and nobody has taken yet.
    heard: Vec<u8>,
    stderr: StderrTail,
    held: Held,
    end: Option<OwnedFd>,
    fate: Fate,
    remarks: Remarks,
    /// The event that it answered last.
    answered: Option<String>,
    /// Whether it said something else beside.
    is_unruly: bool,
    /// Bytes of the question that went into its stdin.
    given: u64,
}

/// How it ended, once it has.
#[derive(Debug)]
struct Fate {
    told: mpsc::Receiver<Ended>,
    known: Option<Ended>,
}

/// What a worker said.
enum Heard {
    Reply(Reply),
    /// This, and then no more.
    End(Vec<u8>),
}

/// Why a worker gave no usable answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the worker ended before it answered: {}", words(*.0))]
    Ended(Ended),
    #[error("the worker closed its stdout before it answered")]
    Closed,
    #[error("the worker's answer is malformed: {0}")]
    Malformed(String),
    #[error("the worker answered for `{0}`, an event that it was not given")]
    Unknown(String),
    #[error("the worker answered before it had read the event")]
    Unread,
    #[error("the worker's answer has `emit`, which is for `pf consume --emit`")]
    Emits,
}

impl Worker {
    /// Takes charge of a worker that was started with pipes.
    ///
    /// # Errors
    /// If it cannot be taken care of.
    pub fn new(mut started: Started, remarks: Remarks) -> io::Result<Self> {
        let child = &mut started.child;
        let leash = Arc::new(Leash::default());
        let held = Held(Arc::clone(&leash));
        let pid = leash.attach(child);
        let missing = || io::Error::other("no pipe");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        rustix::io::ioctl_fionbio(&stdin, true)?;
        let stderr = StderrTail::default();
        let end = exit::end_of(pid);
        Ok(Self {
            fate: Fate {
                told: guard(started, pid, leash, stderr.clone())?,
                known: None,
            },
            stdin,
            stdout,
            heard: Vec::new(),
            stderr,
            held,
            end,
            remarks,
            answered: None,
            is_unruly: false,
            given: 0,
        })
    }

    /// Returns what it wrote to stderr since the last question.
    pub fn stderr(&self) -> &StderrTail {
        &self.stderr
    }

    /// Returns what it is signalled by.
    pub fn leash(&self) -> &Arc<Leash> {
        &self.held.0
    }

    /// Reports whether it is still there and has not said anything unasked, but for an answer that it gave before.
    pub fn is_well(&mut self, limit: usize) -> bool {
        let mut stdout = [PollFd::new(&self.stdout, PollFlags::IN)];
        let is_silent = matches!(poll(&mut stdout, Some(&AT_ONCE)), Ok(0));
        if !is_silent && !self.read().is_ok_and(|is_more| is_more) {
            return false;
        }
        self.look_over(limit);
        self.is_unruly |= !self.heard.is_empty();
        if self.is_unruly {
            let id = self.answered.as_deref().unwrap_or_default();
            let text = format!("the worker wrote more than its answer for `{id}`, and is replaced");
            self.remarks.warning(&text);
        }
        !self.is_unruly
    }

    /// Looks at what it said beside its answer.
    fn look_over(&mut self, limit: usize) {
        while !self.is_unruly {
            match self.take_line(limit) {
                Ok(None) => return,
                Ok(Some(line)) => {
                    if Reply::parse(&line).is_ok_and(|reply| self.is_old(&reply, None)) {
                        self.tell_of_old();
                    } else {
                        self.is_unruly = true;
                    }
                }
                Err(_) => self.is_unruly = true,
            }
        }
    }

    /// Reports whether it worked well until it left without having read anything of its question: then nobody
    /// has seen the event.
    pub fn left_before(&self) -> bool {
        self.answered.is_some() && self.has_read_nothing()
    }

    fn has_read_nothing(&self) -> bool {
        rustix::io::ioctl_fionread(&self.stdin).is_ok_and(|unread| unread == self.given)
    }

    /// Hands over the event `id` as a line and waits for the one answer, of less than `limit` bytes. Blocks.
    ///
    /// # Errors
    /// Why the worker should not be asked again.
    pub fn ask(&mut self, line: &[u8], id: &str, limit: usize) -> Result<Reply, Fault> {
        self.stderr.clear();
        let reply = match self.exchange(line, id, limit)? {
            Heard::Reply(_) if self.given < line.len() as u64 => return Err(Fault::Unread),
            Heard::Reply(reply) => reply,
            Heard::End(answer) => return Err(self.why_it_ended(&answer)),
        };
        match &reply.id {
            None => Err(Fault::Malformed("missing field `id`".to_owned())),
            Some(other) if other != id => Err(Fault::Unknown(other.clone())),
            Some(_) => {
                self.answered = Some(id.to_owned());
                self.look_over(limit);
                Ok(reply)
            }
        }
    }

    /// Writes and reads at the same time: a worker may talk to its stdin and stdout in any order.
    fn exchange(&mut self, line: &[u8], id: &str, limit: usize) -> Result<Heard, Fault> {
        self.given = 0;
        let mut rest = line;
        loop {
            rest = self.give(rest);
            while let Some(answer) = self.take_line(limit)? {
                let reply = Reply::parse(&answer).map_err(Fault::Malformed)?;
                if !self.is_old(&reply, Some(id)) {
                    return Ok(Heard::Reply(reply));
                }
                self.tell_of_old();
            }
            let more = self.listen(!rest.is_empty());
            if !more.map_err(|error| Fault::Malformed(error.to_string()))? {
                return Ok(Heard::End(std::mem::take(&mut self.heard)));
            }
        }
    }

    /// Writes what fits into its stdin, and returns the rest. A worker that reads no more says so by how it ends.
    fn give<'l>(&mut self, mut line: &'l [u8]) -> &'l [u8] {
        while !line.is_empty() {
            match self.stdin.write(line) {
                Ok(written) => {
                    line = &line[written..];
                    self.given += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return &[],
            }
        }
        line
    }

    /// Takes a line out of what it said. An empty one says nothing.
    fn take_line(&mut self, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            let end = memchr::memchr(b'\n', &self.heard).map(|at| at + 1);
            if end.unwrap_or(self.heard.len()) >= limit {
                return Err(Fault::Malformed(format!("longer than {limit} bytes")));
            }
            let Some(end) = end else {
                return Ok(None);
            };
            let line: Vec<u8> = self.heard.drain(..end).collect();
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Reports whether this is a second answer to the question before, which says nothing about the one that is asked. If
    /// both have one id, only what comes before the worker has read the second can be told from an answer to it.
    fn is_old(&self, reply: &Reply, asked: Option<&str>) -> bool {
        let before = self.answered.as_deref();
        before.is_some()
            && reply.id.as_deref() == before
            && (asked != before || self.has_read_nothing())
    }

    fn tell_of_old(&self) {
        let before = self.answered.as_deref().unwrap_or_default();
        let text = format!("the worker answered twice for `{before}`; the first counts");
        self.remarks.warning(&text);
    }

    /// Waits until it says something, or takes in what is to be written; reports whether it may say more.
    fn listen(&mut self, writing: bool) -> io::Result<bool> {
        let mut watched = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        let end = self.end.as_ref();
        watched.extend(end.map(|end| PollFd::new(end, PollFlags::IN)));
        if writing {
            watched.push(PollFd::new(&self.stdin, PollFlags::OUT));
        }
        match poll(&mut watched, end.is_none().then_some(&TICK)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        let ready = |at: usize| !watched[at].revents().is_empty();
        let (said, ended) = (ready(0), end.is_some() && ready(1));
        if said {
            return self.read();
        }
        Ok(!ended && !self.fate.is_known())
    }

    /// Takes in what it said; reports whether there may be more.
    fn read(&mut self) -> io::Result<bool> {
        let mut piece = [0; PIECE];
        loop {
            match self.stdout.read(&mut piece) {
                Ok(length) => {
                    self.heard.extend_from_slice(&piece[..length]);
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn why_it_ended(&mut self, answer: &[u8]) -> Fault {
        match self.fate.within(ENDING) {
            Some(ended) => Fault::Ended(ended),
            None if answer.is_empty() => Fault::Closed,
            None => Fault::Malformed("it has no line break at its end".to_owned()),
        }
    }

    /// Lets the worker end by itself, then tells it to, then kills it. Blocks.
    pub fn close(self) {
        let Self {
            stdin,
            held,
            mut fate,
            ..
        } = self;
        drop(stdin);
        for signal in [Signal::TERM, Signal::KILL] {
            if fate.within(LAST_MOMENT).is_some() {
                return;
            }
            held.0.pull(signal);
        }
        let _ = fate.within(LAST_MOMENT);
    }

    /// Tells the worker to end now, and kills it if it does not. Blocks.
    pub fn end(mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            self.held.0.pull(signal);
            if self.fate.within(LAST_MOMENT).is_some() {
                return;
            }
        }
    }
}

impl Fate {
    /// Waits for so long for how it ended.
    fn within(&mut self, patience: Duration) -> Option<Ended> {
        if self.known.is_none() {
            self.known = self.told.recv_timeout(patience).ok();
        }
        self.known
    }

    fn is_known(&mut self) -> bool {
        self.within(Duration::ZERO).is_some()
    }
}

/// Passes the worker's stderr on and reaps it, on a thread of its own.
fn guard(
    mut started: Started,
    pid: Pid,
    leash: Arc<Leash>,
    stderr: StderrTail,
) -> io::Result<mpsc::Receiver<Ended>> {
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(move || {
            let _ = pump::pump(&mut started.child, pid, &[], 0, stderr);
            if let Ok(status) = leash.reap(started) {
                let _ = tell.send(status.into());
            }
        })?;
    Ok(told)
}
