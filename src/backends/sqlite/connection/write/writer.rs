//! The handle of the writing thread, which takes the operations that have gathered and commits them together. A
//! program that does one thing and ends runs them on its own thread instead.

use std::{
    sync::{Arc, MutexGuard, atomic::Ordering, mpsc},
    thread::JoinHandle,
};

use tokio::sync::oneshot;

use super::{
    transaction::{ClosureOp, OpKind, WriteOp},
    write_loop::{Command, WriteLoop, WriterStatus},
};
use crate::{
    backends::sqlite::{
        connection::{
            change_notifier::ChangeNotifier, config::Config,
            file::open_connections::OpenConnections, session::Session,
        },
        error::{StoreResult, closed, store_error},
    },
    lock::Mutex,
    transport::{ErrorKind, Result, TransportError},
};

/// Sends operations to the writing thread, which starts with the first of them.
#[derive(Debug)]
pub(crate) struct Writer {
    config: Config,
    notifier: Arc<ChangeNotifier>,
    status: Arc<WriterStatus>,
    thread: Mutex<Option<Thread>>,
    /// Runs operations in place of the thread.
    inline: Option<Mutex<WriteLoop>>,
}

#[derive(Debug)]
struct Thread {
    commands: mpsc::Sender<Command>,
    handle: JoinHandle<()>,
}

impl Writer {
    /// Creates a writer without a thread or a connection.
    pub(crate) fn new(
        config: Config,
        notifier: Arc<ChangeNotifier>,
        connections: Arc<OpenConnections>,
    ) -> Self {
        let status = Arc::new(WriterStatus {
            connections,
            ..WriterStatus::default()
        });
        let worker = || Mutex::new(WriteLoop::new(&config, &notifier, &status));
        Self {
            inline: config.inline.then(worker),
            config,
            notifier,
            status,
            thread: Mutex::new(None),
        }
    }

    /// Returns which file is open, by number: facts about an earlier file do not hold for it.
    pub(crate) fn generation(&self) -> u64 {
        self.status.generation.load(Ordering::Acquire)
    }

    /// Returns the open connections.
    pub(crate) fn connections(&self) -> &OpenConnections {
        &self.status.connections
    }

    /// Sends an operation to be run in a transaction, in the order of the calls.
    pub(crate) fn submit(&self, job: Box<dyn WriteOp>) {
        self.send(Command::Write(job));
    }

    /// Runs an operation and returns its value once it is committed.
    pub(crate) async fn write<T, F>(&self, kind: OpKind, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> StoreResult<T> + Send + 'static,
    {
        self.begin(kind, work).await
    }

    /// Does the same, and sends the operation at once: those that are sent together are committed together.
    pub(crate) fn begin<T, F>(
        &self,
        kind: OpKind,
        work: F,
    ) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> StoreResult<T> + Send + 'static,
    {
        let (job, reply) = ClosureOp::boxed(kind, work);
        self.submit(job);
        async move { reply.await.unwrap_or_else(|_| Err(closed())) }
    }

    /// Reads on the writer's connection, outside a transaction.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> StoreResult<T> + Send + 'static,
    {
        let (job, reply) = ClosureOp::boxed(OpKind::Other, work);
        self.send(Command::Read(job));
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends the thread after it has run what was sent.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if let Some(worker) = &self.inline {
            return worker.lock().handle(Command::Close(reply));
        }
        let thread = self.lock().take();
        let Some(thread) = thread else { return };
        if thread.commands.send(Command::Close(reply)).is_ok() {
            let _ = closed.await;
        }
        // It has replied, so that this does not wait.
        let _ = thread.handle.join();
    }

    fn send(&self, command: Command) {
        if let Some(worker) = &self.inline {
            return worker.lock().handle(command);
        }
        let mut thread = self.lock();
        if thread.is_none() {
            match self.start() {
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

    fn start(&self) -> Result<Thread> {
        let (commands, inbox) = mpsc::channel();
        let worker = WriteLoop::new(&self.config, &self.notifier, &self.status);
        let handle = std::thread::Builder::new()
            .name("pf-sqlite-write".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(|error| {
                store_error(
                    ErrorKind::Unavailable,
                    "the writing thread cannot be started",
                )
                .because(error)
            })?;
        Ok(Thread { commands, handle })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Thread>> {
        self.thread.lock()
    }
}

fn refuse(command: Command, error: &TransportError) {
    if let Command::Write(job) | Command::Read(job) = command {
        job.end(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::sqlite::{connection::log::topic_id, error::StoreError};

    fn topic(name: &'static str, fails: bool) -> (Box<dyn WriteOp>, oneshot::Receiver<Result<()>>) {
        ClosureOp::boxed(OpKind::Other, move |session: &mut Session| {
            topic_id(session, &name.parse().unwrap())?;
            if fails {
                return Err(StoreError::refuse(ErrorKind::Other, "no"));
            }
            Ok(())
        })
    }

    #[tokio::test]
    async fn a_failure_in_a_common_commit_undoes_its_own_work_only() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("store.db"));
        let writer = Writer::new(
            config.clone(),
            ChangeNotifier::new(config, Arc::default()),
            Arc::default(),
        );
        let (go_on, wait) = mpsc::channel::<()>();
        let (held_up, _) = ClosureOp::boxed(OpKind::Other, move |_: &mut Session| {
            Ok(wait.recv().is_ok())
        });
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
        let names = writer.read(|session| {
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
        let writer = Writer::new(
            config.clone(),
            ChangeNotifier::new(config, Arc::default()),
            Arc::default(),
        );
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
