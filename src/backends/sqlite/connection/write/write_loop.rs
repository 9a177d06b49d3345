//! What the writing thread does: it keeps the store open, commits, and confirms only what is in the file that has the
//! store's name.

use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::transport::{Result, TransportError};

use super::{
    transaction::{Work, guarded, roll_back, transact},
    writer::Standing,
};
use crate::backends::sqlite::{
    connection::change_notifier::Wake,
    connection::config::Config,
    connection::file::detach::{self as parting, Parted},
    connection::file::open_files::Change,
    connection::retention::Retention,
    connection::session::Session,
    error::{Outcome, closed, missed},
};

/// The most pieces of work in one commit.
const GATHER: usize = 64;

/// How long nothing was written before the thread cleans up, ...
const IDLE: Duration = Duration::from_secs(2);
/// ... and how long it may be put off by writing.
const BUSY: Duration = Duration::from_secs(10);

/// What is asked of the thread.
pub(crate) enum Command {
    Look(Box<dyn Work>),
    Write(Box<dyn Work>),
    Close(oneshot::Sender<()>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Config,
    wake: Arc<Wake>,
    standing: Arc<Standing>,
    session: Option<Session>,
    /// Another store may have the name since the last one was let go of.
    has_parted: bool,
    retention: Retention,
}

impl Worker {
    /// Prepares for a store, without a connection yet.
    pub(crate) fn new(config: &Config, wake: &Arc<Wake>, standing: &Arc<Standing>) -> Self {
        Self {
            config: config.clone(),
            wake: Arc::clone(wake),
            standing: Arc::clone(standing),
            session: None,
            has_parted: false,
            retention: Retention::default(),
        }
    }

    /// Does at once what the thread would do.
    pub(crate) fn obey(&mut self, command: Command) {
        match command {
            Command::Write(job) => self.commit(vec![job]),
            Command::Look(job) => self.look(job),
            Command::Close(reply) => {
                self.session = None;
                let _ = reply.send(());
            }
        }
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self, inbox: &mpsc::Receiver<Command>) {
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

    /// Returns the open store; opens what has the name now.
    fn session(&mut self) -> Result<&mut Session> {
        self.look_around();
        if self.session.is_none() {
            let generation = self.standing.generation.load(Ordering::Relaxed);
            let opened = Session::open(&self.config, generation, &self.standing.connections);
            let session = opened.map_err(|fault| fault.into_error(&self.config.path))?;
            self.opened(&session);
            self.session = Some(session);
        }
        self.session.as_mut().ok_or_else(closed)
    }

    fn opened(&mut self, session: &Session) {
        let path = self.config.path.display();
        let connections = &self.standing.connections;
        if std::mem::take(&mut self.has_parted) {
            connections.say(format!(
                "`{path}` was replaced while it was in use; going on with the file that is there now"
            ));
        }
        if session.files.has_other_names() {
            connections.say_once(session.files.warning());
        }
        self.config.again = true;
    }

    fn look(&mut self, mut job: Box<dyn Work>) {
        let path = self.config.path.clone();
        let result = self
            .session()
            .and_then(|session| guarded(job.as_mut(), session).map_err(|f| f.into_error(&path)));
        job.end(result);
    }

    fn clean_up(&mut self) {
        self.look_around();
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
                // After the commit, so that nothing is confirmed that went to a file without the name.
                let missed = self.miss();
                if changed {
                    self.wake.ring();
                }
                for (job, result) in done {
                    job.end(match &missed {
                        Some(missed) if result.is_ok() => Err(missed.clone()),
                        _ => result.map_err(|fault| fault.into_error(&path)),
                    });
                }
            }
            Err((jobs, fault)) => {
                roll_back(session);
                let error = self.miss().unwrap_or_else(|| fault.into_error(&path));
                tracing::warn!(%error, jobs = jobs.len(), "a transaction was undone");
                fail(jobs, error);
            }
        }
    }

    /// Lets go of files that changed while nothing was under way.
    fn look_around(&mut self) {
        if let Some((change, Parted::Lost)) = self.part()
            && change == Change::Bared
        {
            self.mourn();
        }
    }

    /// Lets go of files that changed; returns what to tell those whose work is not in the store that has the name.
    fn miss(&mut self) -> Option<TransportError> {
        let (change, parted) = self.part()?;
        if parted == Parted::Saved {
            return None;
        }
        if change == Change::Bared {
            self.mourn();
        }
        Some(missed(change, &self.config.path))
    }

    fn part(&mut self) -> Option<(Change, Parted)> {
        let change = self.session.as_ref()?.files.change()?;
        let session = self.session.take()?;
        let path = self.config.path.display();
        tracing::warn!(%path, ?change, "the files that were open are not the store's any more");
        let connections = &self.standing.connections;
        let parted = parting::part(&session.connection, &session.files, change, connections);
        drop(session);
        if change != Change::Bared {
            self.has_parted = true;
            self.standing.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.wake.ring();
        Some((change, parted))
    }

    fn mourn(&self) {
        let path = self.config.path.display();
        self.standing.connections.say(format!(
            "the log of `{path}` was removed while it was in use: what was stored lately may be missing; leave the \
             files `-wal` and `-shm` to `pf`"
        ));
    }
}

/// Tells every piece of work the same failure; the last gets the engine's own error with it.
fn fail(mut jobs: Vec<Box<dyn Work>>, error: TransportError) {
    let last = jobs.pop();
    for job in jobs {
        job.end(Err(error.clone()));
    }
    if let Some(job) = last {
        job.end(Err(error));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::{
        backends::sqlite::{
            connection::log::{end_of, topic_id},
            connection::write::transaction::{Call, Step},
        },
        transport::ErrorKind,
    };

    struct Bench {
        folder: tempfile::TempDir,
        worker: Worker,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let config = Config::new(folder.path().join("store.db"));
            let wake = Wake::new(config.clone(), Arc::default());
            let worker = Worker::new(&config, &wake, &Arc::default());
            let mut bench = Self { folder, worker };
            bench.commit(|_| {}).unwrap();
            bench
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Commits something, and does something between the look at the files and the commit.
        fn commit(&mut self, meanwhile: impl FnOnce(&Session) + Send + 'static) -> Result<()> {
            let (job, mut reply) = Call::boxed(Step::Other, move |session: &mut Session| {
                meanwhile(session);
                let name = format!("t{}", session.connection.total_changes());
                topic_id(session, &name.parse().unwrap()).map(drop)
            });
            self.worker.obey(Command::Write(job));
            reply.try_recv().unwrap()
        }
    }

    #[test]
    fn what_is_moved_or_replaced_before_the_commit_is_not_confirmed() {
        let mut bench = Bench::new();
        let (store, moved) = (bench.at("store.db"), bench.at("moved.db"));
        fs::copy(&store, bench.at("other.db")).unwrap();
        let other = bench.at("other.db");
        let (from, to) = (store.clone(), moved.clone());
        let gone = bench.commit(move |_| fs::rename(from, to).unwrap());
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::Ambiguous);
        let absent = bench.commit(|_| {});
        assert_eq!(absent.unwrap_err().kind(), ErrorKind::Unavailable);
        fs::rename(&moved, &store).unwrap();
        bench.commit(|_| {}).unwrap();
        let replaced = bench.commit(move |_| fs::rename(other, store).unwrap());
        assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Ambiguous);
        assert_eq!(bench.worker.standing.generation.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_is_in_a_log_that_is_removed_before_the_commit_is_saved_or_not_confirmed() {
        for (is_taken, side) in [
            (false, "store.db-wal"),
            (false, "store.db-shm"),
            (true, "store.db-wal"),
        ] {
            let mut bench = Bench::new();
            let side = bench.at(side);
            let committed = bench.commit(move |session| {
                assert_eq!(end_of(&session.connection).unwrap(), 0);
                fs::remove_file(&side).unwrap();
                if is_taken {
                    fs::write(&side, "x").unwrap();
                }
            });
            let kind = committed.map_err(|error| error.kind());
            if is_taken {
                assert_eq!(kind, Err(ErrorKind::Ambiguous));
            } else {
                assert_eq!(kind, Ok(()));
                let raw = rusqlite::Connection::open(bench.at("store.db")).unwrap();
                let sql = "SELECT count(*) FROM topics";
                let topics: i64 = raw.query_row(sql, [], |row| row.get(0)).unwrap();
                assert_eq!(topics, 2, "others see all of it");
            }
            assert_eq!(bench.worker.standing.connections.take().len(), 1);
            assert_eq!(bench.worker.standing.generation.load(Ordering::Relaxed), 0);
        }
    }
}
