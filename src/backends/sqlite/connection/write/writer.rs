//! The one thread that writes: it takes what has gathered and commits it together. A program that writes once does without.

use std::{
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use tokio::sync::oneshot;

use crate::{
    lock::Mutex,
    transport::{ErrorKind, Result, TransportError},
};

use super::{
    transaction::{Call, Step, Work},
    write_loop::{Command, Worker},
};
use crate::backends::sqlite::{
    connection::change_notifier::Wake,
    connection::config::Config,
    connection::file::open_connections::Connections,
    connection::session::Session,
    error::{Outcome, closed, refusal},
};

/// What the writing thread lets others know beside its answers.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Grows when another store gets the name.
    pub(crate) generation: AtomicU64,
    pub(crate) connections: Arc<Connections>,
}

/// The way to the writing thread, which starts with the first piece of work.
#[derive(Debug)]
pub(crate) struct Writer {
    config: Config,
    wake: Arc<Wake>,
    standing: Arc<Standing>,
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
    pub(crate) fn new(config: Config, wake: Arc<Wake>, connections: Arc<Connections>) -> Self {
        let standing = Arc::new(Standing {
            connections,
            ..Standing::default()
        });
        let worker = || Mutex::new(Worker::new(&config, &wake, &standing));
        Self {
            inline: config.inline.then(worker),
            config,
            wake,
            standing,
            thread: Mutex::new(None),
        }
    }

    /// Returns which of the stores that had the name is open: what was learned of an earlier one does not hold.
    pub(crate) fn generation(&self) -> u64 {
        self.standing.generation.load(Ordering::Acquire)
    }

    /// Returns what the connections have in common.
    pub(crate) fn connections(&self) -> &Connections {
        &self.standing.connections
    }

    /// Sends work to be done in a transaction, in the order of the calls.
    pub(crate) fn submit(&self, job: Box<dyn Work>) {
        self.send(Command::Write(job));
    }

    /// Does work in a transaction and returns its value once that is committed.
    pub(crate) async fn write<T, F>(&self, step: Step, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    {
        let (job, reply) = Call::boxed(step, work);
        self.submit(job);
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Reads on the writer's connection, outside a transaction.
    pub(crate) async fn look<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    {
        let (job, reply) = Call::boxed(Step::Other, work);
        self.send(Command::Look(job));
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends the thread after what was sent.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if let Some(worker) = &self.inline {
            return worker.lock().obey(Command::Close(reply));
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
            return worker.lock().obey(command);
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
        let worker = Worker::new(&self.config, &self.wake, &self.standing);
        let handle = std::thread::Builder::new()
            .name("pf-sqlite-write".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(|error| {
                refusal(ErrorKind::Unavailable, "no thread for the store").because(error)
            })?;
        Ok(Thread { commands, handle })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Thread>> {
        self.thread.lock()
    }
}

fn refuse(command: Command, error: &TransportError) {
    if let Command::Write(job) | Command::Look(job) = command {
        job.end(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::sqlite::{connection::log::topic_id, error::Fault};

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
        let writer = Writer::new(
            config.clone(),
            Wake::new(config, Arc::default()),
            Arc::default(),
        );
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
        let writer = Writer::new(
            config.clone(),
            Wake::new(config, Arc::default()),
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
