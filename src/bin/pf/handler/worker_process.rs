//! One long-lived worker: a line in, a line out.

use std::{
    convert::Infallible,
    io::{self, Write as _},
    os::fd::AsFd as _,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use rustix::process::Signal;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::ChildStdout,
    sync::watch,
    time::timeout,
};

use super::{
    leash::{Held, LAST_MOMENT, Leash},
    pump,
    reply::Reply,
    stderr_tail::StderrTail,
    verdict::{Ended, words},
};
use crate::output::Remarks;

/// How long a worker that closed its stdout has to end.
const ENDING: Duration = Duration::from_millis(200);

/// A worker that waits for its next event.
#[derive(Debug)]
pub struct Worker {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: StderrTail,
    held: Held,
    ended: watch::Receiver<Option<Ended>>,
    remarks: Remarks,
    /// The event that it answered last.
    answered: Option<String>,
    /// Bytes of the question that went into its stdin.
    given: u64,
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
    #[error("the worker answered twice")]
    Twice,
    #[error("the worker answered before it had read the event")]
    Unread,
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command, remarks: Remarks) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let leash = Arc::new(Leash::default());
        let held = Held(Arc::clone(&leash));
        leash.attach(&child);
        let missing = || io::Error::other("no pipe");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        rustix::io::ioctl_fionbio(&stdin, true)?;
        let stderr = StderrTail::default();
        Ok(Self {
            ended: guard(child, leash, stderr.clone())?,
            stdin,
            stdout: BufReader::new(ChildStdout::from_std(stdout)?),
            stderr,
            held,
            remarks,
            answered: None,
            given: 0,
        })
    }

    /// Returns what it wrote to stderr since the last question.
    pub fn stderr(&self) -> &StderrTail {
        &self.stderr
    }

    /// Reports whether it is still there and has not said anything unasked.
    pub fn is_well(&mut self) -> bool {
        let said = match self.stdout.fill_buf().now_or_never() {
            None => return true,
            Some(said) => said.is_ok_and(|said| !said.is_empty()),
        };
        if said {
            let id = self.answered.as_deref().unwrap_or_default();
            let text = format!("the worker wrote more than its answer for `{id}`, and is replaced");
            self.remarks.warning(&text);
        }
        false
    }

    /// Reports whether it worked well until it left without having read anything of its question: then nobody
    /// has seen the event.
    pub fn left_before(&self) -> bool {
        let unread = rustix::io::ioctl_fionread(&self.stdin).unwrap_or_default();
        self.answered.is_some() && unread == self.given
    }

    /// Hands over the event `id` as a line and waits for the one answer, of at most `limit` bytes.
    ///
    /// # Errors
    /// Why the worker should not be asked again.
    pub async fn ask(&mut self, line: &[u8], id: &str, limit: u64) -> Result<Reply, Fault> {
        self.stderr.clear();
        let reply = match self.exchange(line, id, limit).await? {
            Heard::Reply(_) if self.given < line.len() as u64 => return Err(Fault::Unread),
            Heard::Reply(reply) => reply,
            Heard::End(answer) => return Err(self.why_it_ended(&answer).await),
        };
        match &reply.id {
            None => Err(Fault::Malformed("missing field `id`".to_owned())),
            Some(other) if other != id => Err(Fault::Unknown(other.clone())),
            Some(_) if !self.stdout.buffer().is_empty() => Err(Fault::Twice),
            Some(_) => {
                self.answered = Some(id.to_owned());
                Ok(reply)
            }
        }
    }

    /// Writes and reads at the same time: a worker may talk to its stdin and stdout in any order.
    async fn exchange(&mut self, line: &[u8], id: &str, limit: u64) -> Result<Heard, Fault> {
        self.given = 0;
        let Self { stdin, given, .. } = self;
        let write = async {
            // A worker that reads no more says so by how it ends.
            let _ = write_all(stdin, line, given).await;
            std::future::pending::<Infallible>().await
        };
        // An answer to the question before says nothing about this event.
        let before = self.answered.as_deref().filter(|before| *before != id);
        let is_late = |reply: &Reply| {
            let late = before.filter(|before| reply.id.as_deref() == Some(before));
            if let Some(before) = late {
                let text = format!("the worker answered twice for `{before}`; the first counts");
                self.remarks.warning(&text);
            }
            late.is_some()
        };
        tokio::select! {
            biased;
            never = write => match never {},
            heard = hear(&mut self.stdout, limit, is_late) => heard,
        }
    }

    async fn why_it_ended(&mut self, answer: &[u8]) -> Fault {
        match timeout(ENDING, has_ended(&mut self.ended)).await {
            Ok(Some(ended)) => Fault::Ended(ended),
            _ if answer.is_empty() => Fault::Closed,
            _ => Fault::Malformed("it has no line break at its end".to_owned()),
        }
    }

    /// Lets the worker end by itself, then tells it to, then kills it.
    pub async fn close(self) {
        let Self {
            stdin,
            held,
            mut ended,
            ..
        } = self;
        drop(stdin);
        for signal in [Signal::TERM, Signal::KILL] {
            if timeout(LAST_MOMENT, has_ended(&mut ended)).await.is_ok() {
                return;
            }
            held.0.pull(signal);
        }
        has_ended(&mut ended).await;
    }

    /// Tells the worker to end now, and kills it if it does not.
    pub async fn end(mut self) {
        self.held.0.pull(Signal::TERM);
        let ended = has_ended(&mut self.ended);
        if timeout(LAST_MOMENT, ended).await.is_err() {
            self.held.0.pull(Signal::KILL);
            has_ended(&mut self.ended).await;
        }
    }
}

/// Reads answers of at most `limit` bytes until one is to be heeded.
async fn hear(
    stdout: &mut BufReader<ChildStdout>,
    limit: u64,
    is_late: impl Fn(&Reply) -> bool,
) -> Result<Heard, Fault> {
    let mut answer = Vec::new();
    loop {
        answer.clear();
        let read = stdout.take(limit).read_until(b'\n', &mut answer).await;
        read.map_err(|error| Fault::Malformed(error.to_string()))?;
        if answer.len() as u64 == limit {
            return Err(Fault::Malformed(format!("longer than {limit} bytes")));
        }
        if answer.last() != Some(&b'\n') {
            return Ok(Heard::End(answer));
        }
        let reply = Reply::parse(&answer).map_err(Fault::Malformed)?;
        if !is_late(&reply) {
            return Ok(Heard::Reply(reply));
        }
    }
}

/// Writes a line, counting its bytes. As long as it fits into the pipe, the pipe is not watched: the worker would
/// wake us up whenever it takes a line out.
async fn write_all(stdin: &mut ChildStdin, mut line: &[u8], given: &mut u64) -> io::Result<()> {
    let mut watched = None;
    while !line.is_empty() {
        let written = match &mut watched {
            None => stdin.write(line),
            Some(watched) => tokio::process::ChildStdin::write(watched, line).await,
        };
        match written {
            Ok(written) => {
                line = &line[written..];
                *given += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let stdin = ChildStdin::from(stdin.as_fd().try_clone_to_owned()?);
                watched = Some(tokio::process::ChildStdin::from_std(stdin)?);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until the worker was reaped.
async fn has_ended(ended: &mut watch::Receiver<Option<Ended>>) -> Option<Ended> {
    *ended.wait_for(Option::is_some).await.ok()?
}

/// Passes the worker's stderr on and reaps it, on a thread of its own.
fn guard(
    mut child: Child,
    leash: Arc<Leash>,
    stderr: StderrTail,
) -> io::Result<watch::Receiver<Option<Ended>>> {
    let (tell, ended) = watch::channel(None);
    let pid = rustix::process::Pid::from_child(&child);
    std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(move || {
            let _ = pump::pump(&mut child, pid, &[], 0, stderr);
            if let Ok(status) = leash.reap(&mut child) {
                let _ = tell.send(Some(status.into()));
            }
        })?;
    Ok(ended)
}
