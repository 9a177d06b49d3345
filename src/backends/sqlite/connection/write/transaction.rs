//! Write operations, and committing several of them together. A durable commit costs an fsync however much is in it,
//! so that the operations that gathered during the last commit share the next. Each runs in a savepoint: its failure
//! undoes its own work only.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tokio::sync::oneshot;

use crate::{
    backends::sqlite::{
        connection::session::Session,
        error::{StoreError, StoreResult, closed},
    },
    failpoint,
    transport::{ErrorKind, Result},
};

/// Kinds of operations, each with a fail point before and after its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpKind {
    Publish,
    Claim,
    Settle,
    Fire,
    Replay,
    Other,
}

/// Points at which a test can kill the process: at `before`, nothing has happened; at `after`, everything is stored
/// and not confirmed.
pub(crate) const FAIL_POINTS: [&str; 10] = [
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

impl OpKind {
    pub(crate) fn reach(self, committed: bool) {
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

/// An operation in a transaction, alone or with others.
pub(crate) trait WriteOp: Send {
    /// Returns its kind.
    fn kind(&self) -> OpKind;
    /// Runs it. A failure undoes the work of this operation and of no other.
    fn run(&mut self, session: &mut Session) -> StoreResult<()>;
    /// Receives the result of the commit.
    fn end(self: Box<Self>, result: Result<()>);
}

/// A closure as a [`WriteOp`].
pub(crate) struct ClosureOp<T, F> {
    kind: OpKind,
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> ClosureOp<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Session) -> StoreResult<T> + Send + 'static,
{
    pub(crate) fn boxed(kind: OpKind, work: F) -> (Box<dyn WriteOp>, oneshot::Receiver<Result<T>>) {
        let (reply, receiver) = oneshot::channel();
        let call = Self {
            kind,
            work: Some(work),
            value: None,
            reply,
        };
        (Box::new(call), receiver)
    }
}

impl<T, F> WriteOp for ClosureOp<T, F>
where
    T: Send,
    F: FnOnce(&mut Session) -> StoreResult<T> + Send,
{
    fn kind(&self) -> OpKind {
        self.kind
    }

    fn run(&mut self, session: &mut Session) -> StoreResult<()> {
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
        // The caller may have gone.
        let _ = self.reply.send(value);
    }
}

pub(crate) type Committed = Vec<(Box<dyn WriteOp>, StoreResult<()>)>;
pub(crate) type RolledBack = (Vec<Box<dyn WriteOp>>, StoreError);

/// Runs all operations in one transaction and commits it; reports whether the store changed.
pub(crate) fn transact(
    session: &mut Session,
    jobs: Vec<Box<dyn WriteOp>>,
) -> std::result::Result<(Committed, bool), RolledBack> {
    let durable = jobs.iter().any(|job| job.kind() != OpKind::Claim);
    if let Err(fault) = session.begin(durable) {
        return Err((jobs, fault));
    }
    let before = session.connection.total_changes();
    let alone = jobs.len() == 1;
    let mut done: Committed = Vec::with_capacity(jobs.len());
    let mut queue = jobs.into_iter();
    for mut job in queue.by_ref() {
        let result = if alone {
            run_catching(job.as_mut(), session)
        } else {
            run_in_savepoint(job.as_mut(), session)
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
        job.kind().reach(false);
    }
    let changed = session.connection.total_changes() != before;
    let end = if changed { "COMMIT" } else { "ROLLBACK" };
    if let Err(fault) = session.execute(end) {
        return Err((done.into_iter().map(|(job, _)| job).collect(), fault));
    }
    for (job, _) in &done {
        job.kind().reach(true);
    }
    if session.fired {
        OpKind::Fire.reach(true);
    }
    Ok((done, changed))
}

fn undone(done: Committed, rest: impl Iterator<Item = Box<dyn WriteOp>>) -> RolledBack {
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

/// Runs an operation in a savepoint, so that its failure leaves the work of the others in place.
fn run_in_savepoint(job: &mut dyn WriteOp, session: &mut Session) -> StoreResult<()> {
    session.execute("SAVEPOINT job")?;
    let result = run_catching(job, session);
    if session.connection.is_autocommit() {
        return result;
    }
    if result.is_err() {
        session.execute("ROLLBACK TO job")?;
        session.forget();
    }
    session.execute("RELEASE job")?;
    result
}

/// Runs an operation; a panic in it is its own failure, not the end of the writing thread.
pub(crate) fn run_catching(job: &mut dyn WriteOp, session: &mut Session) -> StoreResult<()> {
    catch_unwind(AssertUnwindSafe(|| job.run(session))).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref());
        Err(StoreError::refuse(
            ErrorKind::Other,
            format!("the operation panicked: {text}"),
        ))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

pub(crate) fn roll_back(session: &mut Session) {
    if !session.connection.is_autocommit() {
        // If this fails, the next BEGIN reports it.
        let _ = session.execute("ROLLBACK");
    }
    session.forget();
}
