//! Pieces of work, and committing several of them together.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tokio::sync::oneshot;

use crate::{
    failpoint,
    transport::{ErrorKind, Result},
};

use crate::backends::sqlite::{
    connection::session::Session,
    error::{Fault, Outcome, closed},
};

/// Sorts of work, each with a fail point on either side of its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Publish,
    Claim,
    Settle,
    Fire,
    Replay,
    Other,
}

/// Where a test can kill the process: `before` the commit nothing has happened, `after` it everything has
/// but nobody was told.
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

impl Step {
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

/// Work that is done inside a transaction, alone or with others.
pub(crate) trait Work: Send {
    /// Returns what sort of work it is.
    fn step(&self) -> Step;
    /// Does it. A failure undoes what this piece did and no other's.
    fn run(&mut self, session: &mut Session) -> Outcome<()>;
    /// Learns whether it is stored.
    fn end(self: Box<Self>, result: Result<()>);
}

/// A closure as a [`Work`].
pub(crate) struct Call<T, F> {
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
    pub(crate) fn boxed(step: Step, work: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T>>) {
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

impl<T, F> Work for Call<T, F>
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

pub(crate) type Done = Vec<(Box<dyn Work>, Outcome<()>)>;
pub(crate) type Undone = (Vec<Box<dyn Work>>, Fault);

/// Does every job in one transaction and commits it; tells whether the store changed.
pub(crate) fn transact(
    session: &mut Session,
    jobs: Vec<Box<dyn Work>>,
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
        let result = if alone {
            guarded(job.as_mut(), session)
        } else {
            apart(job.as_mut(), session)
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
    if session.fired {
        Step::Fire.reach(true);
    }
    Ok((done, changed))
}

fn undone(done: Done, rest: impl Iterator<Item = Box<dyn Work>>) -> Undone {
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
fn apart(job: &mut dyn Work, session: &mut Session) -> Outcome<()> {
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
pub(crate) fn guarded(job: &mut dyn Work, session: &mut Session) -> Outcome<()> {
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

pub(crate) fn roll_back(session: &mut Session) {
    if !session.connection.is_autocommit() {
        // If even that fails, the next BEGIN says so.
        let _ = session.step("ROLLBACK");
    }
    session.forget();
}
