//! The one thread that writes: it takes what has gathered and commits it together. A program that writes once does without.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::transport::{ErrorKind, Result, TransportError};

use super::{
    config::Config,
    error::{Outcome, again, closed, refusal},
    retention::Retention,
    session::Session,
    wake::Wake,
    work::{Call, Step, Work, guarded, roll_back, transact},
};

/// The most pieces of work in one commit.
const GATHER: usize = 64;

/// How long nothing was written before the thread cleans up, ...
const IDLE: Duration = Duration::from_secs(2);
/// ... and how long it may be put off by writing.
const BUSY: Duration = Duration::from_secs(10);

enum Command {
    Look(Box<dyn Work>),
    Write(Box<dyn Work>),
    Close(oneshot::Sender<()>),
}

/// The way to the writing thread, which starts with the first piece of work.
#[derive(Debug)]
pub(super) struct Writer {
    config: Config,
    wake: Arc<Wake>,
    thread: Mutex<Option<Thread>>,
    /// Works in place of the thread, where none is wanted.
    inline: Option<Mutex<Worker>>,
}

#[derive(Debug)]
struct Thread {
    commands: mpsc::Sender<Command>,
    handle: JoinHandle<()>,
}

impl Writer {
    /// Prepares for a store, without a thread or a connection yet.
    pub(super) fn new(config: Config, wake: Arc<Wake>) -> Self {
        let worker = || Mutex::new(Worker::new(&config, &wake));
        Self {
            inline: config.inline.then(worker),
            config,
            wake,
            thread: Mutex::new(None),
        }
    }

    /// Sends work to be done in a transaction, in the order of the calls.
    pub(super) fn submit(&self, job: Box<dyn Work>) {
        self.send(Command::Write(job));
    }

    /// Does work in a transaction and returns its value once that is committed.
    pub(super) async fn write<T, F>(&self, step: Step, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    {
        let (job, reply) = Call::boxed(step, work);
        self.submit(job);
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Reads on the writer's connection, outside a transaction.
    pub(super) async fn look<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    {
        let (job, reply) = Call::boxed(Step::Other, work);
        self.send(Command::Look(job));
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends the thread after what was sent.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if let Some(worker) = &self.inline {
            return locked(worker).obey(Command::Close(reply));
        }
        let thread = self.lock().take();
        let Some(thread) = thread else { return };
        if thread.commands.send(Command::Close(reply)).is_ok() {
            let _ = closed.await;
        }
        // It has answered, so this does not wait for work.
        let _ = thread.handle.join();
    }

    fn send(&self, command: Command) {
        if let Some(worker) = &self.inline {
            return locked(worker).obey(command);
        }
        let mut thread = self.lock();
        if thread.is_none() {
            match start(&self.config, &self.wake) {
                Ok(started) => *thread = Some(started),
                Err(error) => return refuse(command, &error),
            }
        }
        if let Some(thread) = thread.as_ref()
            && let Err(mpsc::SendError(command)) = thread.commands.send(command)
        {
            refuse(command, &closed());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Thread>> {
        locked(&self.thread)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(config: &Config, wake: &Arc<Wake>) -> Result<Thread> {
    let (commands, inbox) = mpsc::channel();
    let worker = Worker::new(config, wake);
    let handle = std::thread::Builder::new()
        .name("pf-sqlite-write".to_owned())
        .spawn(move || worker.run(&inbox))
        .map_err(|error| {
            refusal(ErrorKind::Unavailable, "no thread for the store").because(error)
        })?;
    Ok(Thread { commands, handle })
}

fn refuse(command: Command, error: &TransportError) {
    if let Command::Write(job) | Command::Look(job) = command {
        job.end(Err(again(error)));
    }
}

#[derive(Debug)]
struct Worker {
    config: Config,
    wake: Arc<Wake>,
    session: Option<Session>,
    retention: Retention,
}

impl Worker {
    fn new(config: &Config, wake: &Arc<Wake>) -> Self {
        Self {
            config: config.clone(),
            wake: Arc::clone(wake),
            session: None,
            retention: Retention::default(),
        }
    }

    /// Does at once what the thread would do.
    fn obey(&mut self, command: Command) {
        match command {
            Command::Write(job) => self.commit(vec![job]),
            Command::Look(job) => self.look(job),
            Command::Close(reply) => {
                self.session = None;
                let _ = reply.send(());
            }
        }
    }

    fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        let (mut cleaned, mut written) = (Instant::now(), Instant::now());
        loop {
            // Who waits for events looks every second, so that the inbox alone says nothing.
            let patience = (cleaned.max(written) + IDLE).min(cleaned + BUSY);
            if Instant::now() >= patience {
                self.clean_up();
                cleaned = Instant::now();
                continue;
            }
            let patience = patience.saturating_duration_since(Instant::now());
            let first = match inbox.recv_timeout(patience) {
                Ok(command) => command,
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let mut jobs = Vec::new();
            let mut next = Some(first);
            while let Some(command) = next.take() {
                match command {
                    Command::Write(job) => jobs.push(job),
                    Command::Look(job) => self.look(job),
                    Command::Close(reply) => {
                        self.commit(jobs);
                        self.session = None;
                        let _ = reply.send(());
                        return;
                    }
                }
                if jobs.len() < GATHER {
                    next = inbox.try_recv().ok();
                }
            }
            if !jobs.is_empty() {
                written = Instant::now();
            }
            self.commit(jobs);
        }
    }

    fn session(&mut self) -> Result<&mut Session> {
        if self.session.is_none() {
            let opened = Session::open(&self.config);
            self.session = Some(opened.map_err(|fault| fault.into_error(&self.config.path))?);
        }
        self.session.as_mut().ok_or_else(closed)
    }

    fn look(&mut self, mut job: Box<dyn Work>) {
        let path = self.config.path.clone();
        let result = self
            .session()
            .and_then(|session| guarded(job.as_mut(), session).map_err(|f| f.into_error(&path)));
        job.end(result);
    }

    fn clean_up(&mut self) {
        let Some(session) = self.session.as_mut() else {
            return;
        };
        let Some(mut job) = self.retention.job() else {
            return;
        };
        let cleaned: Outcome<()> = (|| {
            session.begin(false)?;
            job.run(session)?;
            session.step("COMMIT")
        })();
        if let Err(fault) = &cleaned {
            tracing::warn!(?fault, "old messages could not be removed");
            roll_back(session);
        }
        self.retention.learn(&job, cleaned.is_ok());
    }

    fn commit(&mut self, jobs: Vec<Box<dyn Work>>) {
        if jobs.is_empty() {
            return;
        }
        let path = self.config.path.clone();
        let session = match self.session() {
            Ok(session) => session,
            Err(error) => return fail(jobs, error),
        };
        match transact(session, jobs) {
            Ok((done, changed)) => {
                if changed {
                    self.wake.ring();
                }
                for (job, result) in done {
                    job.end(result.map_err(|fault| fault.into_error(&path)));
                }
            }
            Err((jobs, fault)) => {
                roll_back(session);
                let error = fault.into_error(&path);
                tracing::warn!(%error, jobs = jobs.len(), "a transaction was undone");
                fail(jobs, error);
            }
        }
    }
}

/// Tells every piece of work the same failure; the last gets the engine's own error with it.
fn fail(mut jobs: Vec<Box<dyn Work>>, error: TransportError) {
    let last = jobs.pop();
    for job in jobs {
        job.end(Err(again(&error)));
    }
    if let Some(job) = last {
        job.end(Err(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::sqlite::{error::Fault, log::topic_id};

    fn topic(name: &'static str, fails: bool) -> (Box<dyn Work>, oneshot::Receiver<Result<()>>) {
        Call::boxed(Step::Other, move |session: &mut Session| {
            topic_id(session, &name.parse().unwrap())?;
            if fails {
                return Err(Fault::refuse(ErrorKind::Other, "no"));
            }
            Ok(())
        })
    }

    #[tokio::test]
    async fn a_failure_in_a_common_commit_undoes_its_own_work_only() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("store.db"));
        let writer = Writer::new(config.clone(), Wake::new(config));
        let (go_on, wait) = mpsc::channel::<()>();
        let (held_up, _) = Call::boxed(Step::Other, move |_: &mut Session| Ok(wait.recv().is_ok()));
        writer.submit(held_up);
        let (jobs, replies): (Vec<_>, Vec<_>) = [("a", false), ("b", true), ("c", false)]
            .map(|(name, fails)| topic(name, fails))
            .into_iter()
            .unzip();
        for job in jobs {
            writer.submit(job);
        }
        go_on.send(()).unwrap();
        let mut told = Vec::new();
        for reply in replies {
            told.push(reply.await.unwrap().is_ok());
        }
        assert_eq!(told, [true, false, true]);
        let names = writer.look(|session| {
            let sql = "SELECT group_concat(name) FROM topics";
            Ok(session
                .connection
                .query_row(sql, [], |row| row.get::<_, String>(0))?)
        });
        assert_eq!(names.await.unwrap(), "a,c");
    }

    #[tokio::test]
    async fn the_same_is_done_without_a_thread() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("store.db"));
        config.inline = true;
        let writer = Writer::new(config.clone(), Wake::new(config));
        let (job, reply) = topic("a", false);
        writer.submit(job);
        assert!(reply.await.unwrap().is_ok());
        let (job, reply) = topic("b", true);
        writer.submit(job);
        assert!(reply.await.unwrap().is_err());
        assert!(writer.lock().is_none(), "no thread");
        writer.close().await;
    }
}
