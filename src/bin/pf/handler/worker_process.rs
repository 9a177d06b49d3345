//! One long-lived worker: a line in, a line out.

use std::{
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
    /// Whether it has answered before.
    proven: bool,
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
    pub fn start(mut command: Command) -> io::Result<Self> {
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
            proven: false,
        })
    }

    /// Returns what it wrote to stderr since the last question.
    pub fn stderr(&self) -> &StderrTail {
        &self.stderr
    }

    /// Reports whether it is still there and has not said anything unasked.
    pub fn is_well(&mut self) -> bool {
        self.stdout.fill_buf().now_or_never().is_none()
    }

    /// Reports whether it worked well until it left without having read anything of this line: then nobody
    /// has seen the event.
    pub fn left_before(&self, line: &[u8]) -> bool {
        let unread = rustix::io::ioctl_fionread(&self.stdin).unwrap_or_default();
        self.proven && unread == line.len() as u64
    }

    /// Hands over the event `id` as a line and waits for the one answer, of at most `limit` bytes.
    ///
    /// # Errors
    /// Why the worker should not be asked again.
    pub async fn ask(&mut self, line: &[u8], id: &str, limit: u64) -> Result<Reply, Fault> {
        self.stderr.clear();
        let answer = self.exchange(line, limit).await?;
        if answer.last() != Some(&b'\n') {
            return Err(self.why_it_ended(&answer).await);
        }
        let reply = Reply::parse(&answer).map_err(Fault::Malformed)?;
        match &reply.id {
            None => Err(Fault::Malformed("missing field `id`".to_owned())),
            Some(other) if other != id => Err(Fault::Unknown(other.clone())),
            Some(_) if !self.stdout.buffer().is_empty() => Err(Fault::Twice),
            Some(_) => {
                self.proven = true;
                Ok(reply)
            }
        }
    }

    /// Writes and reads at the same time: a worker may talk to its stdin and stdout in any order.
    async fn exchange(&mut self, line: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        let mut answer = Vec::new();
        let mut written = false;
        {
            let mut stdout = (&mut self.stdout).take(limit);
            let read = stdout.read_until(b'\n', &mut answer);
            let write = async {
                written = write_all(&mut self.stdin, line).await.is_ok();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                () = write => {}
                read = read => {
                    read.map_err(|error| Fault::Malformed(error.to_string()))?;
                }
            }
        }
        if answer.len() as u64 == limit {
            return Err(Fault::Malformed(format!("longer than {limit} bytes")));
        }
        if !written && answer.last() == Some(&b'\n') {
            return Err(Fault::Unread);
        }
        Ok(answer)
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

/// Writes a line. As long as it fits into the pipe, the pipe is not watched: the worker would wake us up whenever
/// it takes a line out.
async fn write_all(stdin: &mut ChildStdin, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match stdin.write(line) {
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let watched = ChildStdin::from(stdin.as_fd().try_clone_to_owned()?);
                let mut watched = tokio::process::ChildStdin::from_std(watched)?;
                return watched.write_all(line).await;
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
