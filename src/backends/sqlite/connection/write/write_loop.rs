//! The loop of the writing thread: it keeps the store open, commits, and cleans up while it is idle. A commit is
//! confirmed only after a check that the file is still at the store's path. The check comes after the commit: one
//! before it would miss a file that is moved during the commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::transaction::{WriteOp, roll_back, run_catching, transact};
use crate::{
    backends::sqlite::{
        connection::{
            change_notifier::ChangeNotifier,
            config::Config,
            file::{
                detach::{self, Detached, missed},
                open_connections::OpenConnections,
                open_files::FileChange,
            },
            retention::Retention,
            session::Session,
        },
        error::{StoreResult, closed},
    },
    transport::{Result, TransportError},
};

/// The most operations in one commit: a bound on the latency of the first.
const GATHER: usize = 64;

/// The idle time before a clean-up, ...
const IDLE: Duration = Duration::from_secs(2);
/// ... and the longest that writing may delay one.
const BUSY: Duration = Duration::from_secs(10);

/// A command to the thread.
pub(crate) enum Command {
    Read(Box<dyn WriteOp>),
    Write(Box<dyn WriteOp>),
    Close(oneshot::Sender<()>),
}

/// What callers see of the writing thread besides its replies.
#[derive(Debug, Default)]
pub(crate) struct WriterStatus {
    /// Grows when another file takes the store's path.
    pub(crate) generation: AtomicU64,
    pub(crate) connections: Arc<OpenConnections>,
}

/// The writing thread's state.
#[derive(Debug)]
pub(crate) struct WriteLoop {
    config: Config,
    notifier: Arc<ChangeNotifier>,
    status: Arc<WriterStatus>,
    session: Option<Session>,
    /// Another file may be at the path since the last one was closed.
    was_replaced: bool,
    retention: Retention,
}

impl WriteLoop {
    /// Creates a loop without a connection.
    pub(crate) fn new(
        config: &Config,
        notifier: &Arc<ChangeNotifier>,
        status: &Arc<WriterStatus>,
    ) -> Self {
        Self {
            config: config.clone(),
            notifier: Arc::clone(notifier),
            status: Arc::clone(status),
            session: None,
            was_replaced: false,
            retention: Retention::default(),
        }
    }

    /// Handles a command at once, on the caller's thread.
    pub(crate) fn handle(&mut self, command: Command) {
        match command {
            Command::Write(job) => self.commit(vec![job]),
            Command::Read(job) => self.read(job),
            Command::Close(reply) => {
                self.session = None;
                let _ = reply.send(());
            }
        }
    }

    /// Handles commands until it is closed.
    pub(crate) fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        let (mut cleaned, mut written) = (Instant::now(), Instant::now());
        loop {
            // Waiting consumers look every second, so that an inbox is never silent: idle means that nothing was
            // written.
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
                    Command::Read(job) => self.read(job),
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

    /// Returns the open store; opens the file that is at the path now.
    fn session(&mut self) -> Result<&mut Session> {
        self.check_files();
        if self.session.is_none() {
            let generation = self.status.generation.load(Ordering::Relaxed);
            let opened = Session::open(&self.config, generation, &self.status.connections);
            let session = opened.map_err(|fault| fault.into_error(&self.config.path))?;
            self.opened(&session);
            self.session = Some(session);
        }
        self.session.as_mut().ok_or_else(closed)
    }

    fn opened(&mut self, session: &Session) {
        let path = self.config.path.display();
        let connections = &self.status.connections;
        if std::mem::take(&mut self.was_replaced) {
            connections.add_notice(format!(
                "`{path}` was replaced while it was in use; continuing with the new file"
            ));
        }
        if session.files.has_hard_links() {
            connections.add_notice_once(session.files.warning());
        }
        self.config.reopen = true;
    }

    fn read(&mut self, mut job: Box<dyn WriteOp>) {
        let path = self.config.path.clone();
        let result = self.session().and_then(|session| {
            run_catching(job.as_mut(), session).map_err(|f| f.into_error(&path))
        });
        job.end(result);
    }

    fn clean_up(&mut self) {
        self.check_files();
        let Some(session) = self.session.as_mut() else {
            return;
        };
        let Some(mut job) = self.retention.next_chunk() else {
            return;
        };
        let cleaned: StoreResult<()> = (|| {
            session.begin(false)?;
            job.run(session)?;
            session.execute("COMMIT")
        })();
        if let Err(fault) = &cleaned {
            tracing::warn!(?fault, "old messages were not removed");
            roll_back(session);
        }
        self.retention.record(&job, cleaned.is_ok());
    }

    fn commit(&mut self, jobs: Vec<Box<dyn WriteOp>>) {
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
                // After the commit: nothing is confirmed that went to a file that is not at the path.
                let missed = self.check_commit();
                if changed {
                    self.notifier.notify();
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
                let error = self
                    .check_commit()
                    .unwrap_or_else(|| fault.into_error(&path));
                tracing::warn!(%error, jobs = jobs.len(), "a transaction was rolled back");
                fail(jobs, error);
            }
        }
    }

    /// Closes files that changed while nothing was in progress.
    fn check_files(&mut self) {
        let must_close = self.status.connections.is_closing();
        self.session
            .take_if(|session| must_close && session.files.change().is_none());
        if let Some((change, Detached::Lost)) = self.detach()
            && change == FileChange::LogRemoved
        {
            self.report_lost_log();
        }
    }

    /// Closes files that changed; returns the error for operations that are not in the file at the path.
    fn check_commit(&mut self) -> Option<TransportError> {
        let (change, parted) = self.detach()?;
        if parted == Detached::Saved {
            return None;
        }
        if change == FileChange::LogRemoved {
            self.report_lost_log();
        }
        Some(missed(change, &self.config.path))
    }

    fn detach(&mut self) -> Option<(FileChange, Detached)> {
        let change = self.session.as_ref()?.files.change()?;
        let session = self.session.take()?;
        let path = self.config.path.display();
        tracing::warn!(%path, ?change, "the open files are no longer at the store's path");
        let connections = &self.status.connections;
        let parted = detach::detach(&session.connection, &session.files, change, connections);
        drop(session);
        if change != FileChange::LogRemoved {
            self.was_replaced = true;
            self.status.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.notifier.notify();
        Some((change, parted))
    }

    fn report_lost_log(&self) {
        let path = self.config.path.display();
        self.status.connections.add_notice(format!(
            "the log of `{path}` was removed while it was in use: what was stored lately may be missing; leave the \
             files `-wal` and `-shm` to `pf`"
        ));
    }
}

/// Ends every operation with the same error.
fn fail(mut jobs: Vec<Box<dyn WriteOp>>, error: TransportError) {
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
            connection::log::{last_seq_of, topic_id},
            connection::write::transaction::{ClosureOp, OpKind},
        },
        transport::ErrorKind,
    };

    struct Fixture {
        folder: tempfile::TempDir,
        worker: WriteLoop,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let config = Config::new(folder.path().join("store.db"));
            let notifier = ChangeNotifier::new(config.clone(), Arc::default());
            let worker = WriteLoop::new(&config, &notifier, &Arc::default());
            let mut fixture = Self { folder, worker };
            fixture.commit(|_| {}).unwrap();
            fixture
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Commits something, and does something else between the check of the files and the commit.
        fn commit(&mut self, meanwhile: impl FnOnce(&Session) + Send + 'static) -> Result<()> {
            let (job, mut reply) = ClosureOp::boxed(OpKind::Other, move |session: &mut Session| {
                meanwhile(session);
                let name = format!("t{}", session.connection.total_changes());
                topic_id(session, &name.parse().unwrap()).map(drop)
            });
            self.worker.handle(Command::Write(job));
            reply.try_recv().unwrap()
        }
    }

    #[test]
    fn what_is_moved_or_replaced_before_the_commit_is_not_confirmed() {
        let mut fixture = Fixture::new();
        let (store, moved) = (fixture.at("store.db"), fixture.at("moved.db"));
        fs::copy(&store, fixture.at("other.db")).unwrap();
        let other = fixture.at("other.db");
        let (from, to) = (store.clone(), moved.clone());
        let gone = fixture.commit(move |_| fs::rename(from, to).unwrap());
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::Ambiguous);
        let absent = fixture.commit(|_| {});
        assert_eq!(absent.unwrap_err().kind(), ErrorKind::Unavailable);
        fs::rename(&moved, &store).unwrap();
        fixture.commit(|_| {}).unwrap();
        let replaced = fixture.commit(move |_| fs::rename(other, store).unwrap());
        assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Ambiguous);
        assert_eq!(fixture.worker.status.generation.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_is_in_a_log_that_is_removed_before_the_commit_is_saved_or_not_confirmed() {
        for (is_taken, side) in [
            (false, "store.db-wal"),
            (false, "store.db-shm"),
            (true, "store.db-wal"),
        ] {
            let mut fixture = Fixture::new();
            let side = fixture.at(side);
            let committed = fixture.commit(move |session| {
                assert_eq!(last_seq_of(&session.connection).unwrap(), 0);
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
                let raw = rusqlite::Connection::open(fixture.at("store.db")).unwrap();
                let sql = "SELECT count(*) FROM topics";
                let topics: i64 = raw.query_row(sql, [], |row| row.get(0)).unwrap();
                assert_eq!(topics, 2, "others see all of it");
            }
            assert_eq!(fixture.worker.status.connections.take_notices().len(), 1);
            assert_eq!(fixture.worker.status.generation.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn a_connection_that_was_opened_behind_the_loss_of_a_log_closes_for_others() {
        let mut fixture = Fixture::new();
        let connections = Arc::clone(&fixture.worker.status.connections);
        connections.close_all();
        fixture.worker.clean_up();
        assert!(fixture.worker.session.is_none());
        drop(connections.register().unwrap());
        fixture.commit(|_| {}).unwrap();
    }
}
