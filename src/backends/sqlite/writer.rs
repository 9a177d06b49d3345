//! The one thread that writes: it takes what has gathered and commits it together.

use std::{
    any::Any,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

use super::{
    config::{Config, Synchronous},
    connection,
    error::{Fault, Outcome, again, closed, refusal},
    retention::Retention,
    wake::Wake,
};

/// The most pieces of work in one commit.
const GATHER: usize = 64;

/// How long the thread is idle before it cleans up.
const IDLE: Duration = Duration::from_secs(5);

/// Sorts of work, each with a fail point on either side of its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Publish,
    Claim,
    Settle,
    Fire,
    Replay,
    Other,
}

/// Where a test can kill the process: `before` the commit nothing has happened, `after` it everything has
/// but nobody was told.
pub(super) const FAIL_POINTS: [&str; 10] = [
    "sqlite.publish.before",
    "sqlite.publish.after",
    "sqlite.claim.before",
    "sqlite.claim.after",
    "sqlite.settle.before",
    "sqlite.settle.after",
    "sqlite.fire.before",
    "sqlite.fire.after",
    "sqlite.replay.before",
    "sqlite.replay.after",
];

impl Step {
    fn reach(self, committed: bool) {
        let pair = match self {
            Self::Publish => 0,
            Self::Claim => 2,
            Self::Settle => 4,
            Self::Fire => 6,
            Self::Replay => 8,
            Self::Other => return,
        };
        failpoint::reach(FAIL_POINTS[pair + usize::from(committed)]);
    }
}

/// Work that is done inside a transaction, alone or with others.
pub(super) trait Job: Send {
    /// Returns what sort of work it is.
    fn step(&self) -> Step;
    /// Does it. A failure undoes what this piece did and no other's.
    fn run(&mut self, session: &mut Session) -> Outcome<()>;
    /// Learns whether it is stored.
    fn end(self: Box<Self>, result: Result<()>);
}

enum Command {
    Look(Box<dyn Job>),
    Write(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

/// The way to the writing thread, which starts with the first piece of work.
#[derive(Debug)]
pub(super) struct Writer {
    config: Config,
    wake: Arc<Wake>,
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    commands: mpsc::Sender<Command>,
    handle: JoinHandle<()>,
}

impl Writer {
    /// Prepares for a store, without a thread or a connection yet.
    pub(super) fn new(config: Config, wake: Arc<Wake>) -> Self {
        Self {
            config,
            wake,
            thread: Mutex::new(None),
        }
    }

    /// Sends work to be done in a transaction, in the order of the calls.
    pub(super) fn submit(&self, job: Box<dyn Job>) {
        self.send(Command::Write(job));
    }

    /// Does work in a transaction and returns its value once that is committed.
    pub(super) async fn write<T, F>(&self, step: Step, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    {
        let (job, reply) = Call::new(step, work);
        self.submit(job);
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Reads on the writer's connection, outside a transaction.
    pub(super) async fn look<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    {
        let (job, reply) = Call::new(Step::Other, work);
        self.send(Command::Look(job));
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends the thread after what was sent.
    pub(super) async fn close(&self) {
        let thread = self.lock().take();
        let Some(thread) = thread else { return };
        let (reply, closed) = oneshot::channel();
        if thread.commands.send(Command::Close(reply)).is_ok() {
            let _ = closed.await;
        }
        // It has answered, so this does not wait for work.
        let _ = thread.handle.join();
    }

    fn send(&self, command: Command) {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Thread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(config: &Config, wake: &Arc<Wake>) -> Result<Thread> {
    let (commands, inbox) = mpsc::channel();
    let worker = Worker {
        config: config.clone(),
        wake: Arc::clone(wake),
        session: None,
        retention: Retention::default(),
    };
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

/// A closure as a [`Job`].
struct Call<T, F> {
    step: Step,
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Call<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
{
    fn new(step: Step, work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>) {
        let (reply, receiver) = oneshot::channel();
        let call = Self {
            step,
            work: Some(work),
            value: None,
            reply,
        };
        (Box::new(call), receiver)
    }
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut Session) -> Outcome<T> + Send,
{
    fn step(&self) -> Step {
        self.step
    }

    fn run(&mut self, session: &mut Session) -> Outcome<()> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(session)?);
        }
        Ok(())
    }

    fn end(self: Box<Self>, result: Result<()>) {
        let value = match (result, self.value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(closed()),
            (Err(error), _) => Err(error),
        };
        // Who asked may have gone.
        let _ = self.reply.send(value);
    }
}

/// The open store, as work sees it.
#[derive(Debug)]
pub(super) struct Session {
    /// The connection, inside a transaction for [`Writer::write`].
    pub(super) connection: Connection,
    /// What the URL says.
    pub(super) config: Config,
    /// The store's own name.
    pub(super) store: Arc<str>,
    /// The last position given out in this transaction.
    pub(super) last_seq: Option<i64>,
    /// Topics known to exist.
    pub(super) topics: HashMap<crate::event::Topic, i64>,
    level: Synchronous,
}

impl Session {
    fn open(config: &Config) -> Outcome<Self> {
        let connection = connection::open_writer(config)?;
        let store = store_name(&connection)?;
        Ok(Self {
            connection,
            config: config.clone(),
            store: store.into(),
            last_seq: None,
            topics: HashMap::new(),
            level: config.synchronous,
        })
    }

    fn begin(&mut self, durable: bool) -> Outcome<()> {
        self.last_seq = None;
        let level = match self.config.synchronous {
            Synchronous::Full if !durable => Synchronous::Normal,
            level => level,
        };
        if level != self.level {
            self.connection
                .pragma_update(None, "synchronous", level.word())?;
            self.level = level;
        }
        self.step("BEGIN IMMEDIATE")
    }

    fn step(&self, sql: &str) -> Outcome<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn forget(&mut self) {
        self.topics.clear();
        self.last_seq = None;
    }
}

/// Reads the store's own name.
pub(super) fn store_name(connection: &Connection) -> Outcome<String> {
    let sql = "SELECT value FROM meta WHERE name = 'store'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

struct Worker {
    config: Config,
    wake: Arc<Wake>,
    session: Option<Session>,
    retention: Retention,
}

impl Worker {
    fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        loop {
            let first = match inbox.recv_timeout(IDLE) {
                Ok(command) => command,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.clean_up();
                    continue;
                }
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

    fn look(&mut self, mut job: Box<dyn Job>) {
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
        let cleaned = (|| {
            session.begin(false)?;
            job.run(session)?;
            session.step("COMMIT")
        })();
        if cleaned.is_err() {
            roll_back(session);
        }
        self.retention.learn(&job, cleaned.is_ok());
    }

    fn commit(&mut self, jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let path = self.config.path.clone();
        let session = match self.session() {
            Ok(session) => session,
            Err(error) => return fail(jobs, &error),
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
                fail(jobs, &fault.into_error(&path));
            }
        }
    }
}

type Done = Vec<(Box<dyn Job>, Outcome<()>)>;
type Undone = (Vec<Box<dyn Job>>, Fault);

/// Does every job in one transaction and commits it; tells whether the store changed.
fn transact(
    session: &mut Session,
    jobs: Vec<Box<dyn Job>>,
) -> std::result::Result<(Done, bool), Undone> {
    let durable = jobs.iter().any(|job| job.step() != Step::Claim);
    if let Err(fault) = session.begin(durable) {
        return Err((jobs, fault));
    }
    let before = session.connection.total_changes();
    let alone = jobs.len() == 1;
    let mut done: Done = Vec::with_capacity(jobs.len());
    let mut queue = jobs.into_iter();
    for mut job in queue.by_ref() {
        let result = match alone {
            true => guarded(job.as_mut(), session),
            false => apart(job.as_mut(), session),
        };
        // Some failures (a full disk) end the whole transaction.
        let over = session.connection.is_autocommit() || (alone && result.is_err());
        done.push((job, result));
        if over {
            break;
        }
    }
    if session.connection.is_autocommit() || (alone && done[0].1.is_err()) {
        return Err(undone(done, queue));
    }
    for (job, _) in &done {
        job.step().reach(false);
    }
    let changed = session.connection.total_changes() != before;
    let end = if changed { "COMMIT" } else { "ROLLBACK" };
    if let Err(fault) = session.step(end) {
        return Err((done.into_iter().map(|(job, _)| job).collect(), fault));
    }
    for (job, _) in &done {
        job.step().reach(true);
    }
    Ok((done, changed))
}

fn undone(done: Done, rest: impl Iterator<Item = Box<dyn Job>>) -> Undone {
    let mut cause = None;
    let mut jobs: Vec<_> = rest.collect();
    for (job, result) in done {
        if let Err(fault) = result {
            cause = Some(fault);
        }
        jobs.push(job);
    }
    (jobs, cause.unwrap_or_else(|| closed().into()))
}

/// Does a job so that its failure leaves the others' work in place.
fn apart(job: &mut dyn Job, session: &mut Session) -> Outcome<()> {
    session.step("SAVEPOINT job")?;
    let result = guarded(job, session);
    if session.connection.is_autocommit() {
        return result;
    }
    if result.is_err() {
        session.step("ROLLBACK TO job")?;
        session.forget();
    }
    session.step("RELEASE job")?;
    result
}

/// Does a job; a panic in it is its own failure, not the end of the store.
fn guarded(job: &mut dyn Job, session: &mut Session) -> Outcome<()> {
    catch_unwind(AssertUnwindSafe(|| job.run(session))).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref());
        Err(Fault::refuse(
            ErrorKind::Other,
            format!("the work panicked: {text}"),
        ))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

fn roll_back(session: &mut Session) {
    if !session.connection.is_autocommit() {
        // If even that fails, the next BEGIN says so.
        let _ = session.step("ROLLBACK");
    }
    session.forget();
}

fn fail(jobs: Vec<Box<dyn Job>>, error: &TransportError) {
    for job in jobs {
        job.end(Err(again(error)));
    }
}
