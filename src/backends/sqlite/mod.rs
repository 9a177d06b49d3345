//! The embedded store: one SQLite file shared by any number of processes on a machine.
//!
//! One thread per open store writes, and commits together what has gathered; readers have connections of
//! their own. Everything that must not come apart (a dead letter and its settlement, a replay and the end
//! of its letter) is one transaction. A consumer holds the lock of a file beside the store, so that its
//! death is noticed at once.
//!
//! A following tail makes the store if it is not there; other looks do so only if asked to create it.

mod capabilities;
mod claim;
mod clock;
mod config;
mod connection;
mod consume;
mod dead_letters;
mod doctor;
mod error;
mod headers;
mod jobs;
mod letter;
mod log;
mod member;
mod outlook;
mod presence;
mod publish;
mod reader;
mod retention;
mod schedules;
mod schema;
mod selection;
mod session;
mod settle;
mod tail;
mod wake;
mod work;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use self::{
    config::Config, dead_letters::Letters, reader::Reader, schedules::Pending, wake::Wake,
    work::Step, writer::Writer,
};
use super::registry::{Factory, OpenOptions};
use crate::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetters, Finding, Outgoing, Receipt, Result, Schedules, SubscribeRequest,
        Subscription, Tail, TailRequest, Transport,
    },
};

/// The URL scheme.
const SCHEME: &str = "sqlite";

/// Where a test can kill the process. `before` the commit nothing has happened; `after` it everything has,
/// but nobody was told.
pub const FAIL_POINTS: [&str; 10] = work::FAIL_POINTS;

/// Opens `sqlite:` URLs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sqlite;

#[async_trait]
impl Factory for Sqlite {
    /// Reads the URL. The file is opened by the first operation that needs it.
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let mut config = Config::parse(url)?;
        config.create = options.create;
        Ok(Arc::new(SqliteTransport::new(config)))
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::usual())
    }
}

/// A store.
#[derive(Debug)]
pub struct SqliteTransport {
    config: Config,
    wake: Arc<Wake>,
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    letters: Letters,
    pending: Pending,
}

impl SqliteTransport {
    fn new(config: Config) -> Self {
        let wake = Wake::new(config.clone());
        let writer = Arc::new(Writer::new(config.clone(), Arc::clone(&wake)));
        let reader = Arc::new(Reader::new(config.clone()));
        Self {
            letters: Letters::new(Arc::clone(&reader), Arc::clone(&writer)),
            pending: Pending {
                reader: Arc::clone(&reader),
                writer: Arc::clone(&writer),
            },
            config,
            wake,
            writer,
            reader,
        }
    }
}

#[async_trait]
impl Transport for SqliteTransport {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.config.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        capabilities::ask(&self.config, &self.writer).await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.reader
            .read(|connection| {
                let sql = "SELECT name FROM topics ORDER BY name";
                let mut select = connection.prepare_cached(sql)?;
                let names = select.query_map([], |row| row.get::<_, String>(0))?;
                names
                    .map(|name| name?.parse().map_err(|_| log::damaged("a topic's name")))
                    .collect()
            })
            .await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        let topic = topic.clone();
        self.writer
            .write(Step::Other, move |session| {
                log::topic_id(session, &topic).map(drop)
            })
            .await?;
        Ok(Vec::new())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish::publish(&self.writer, batch).await
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        consume::subscribe(&self.writer, &self.wake, &self.config, request).await
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        tail::tail(&self.reader, &self.writer, &self.wake, request).await
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        &self.letters
    }

    fn schedules(&self) -> &dyn Schedules {
        &self.pending
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(&self.config, &self.reader).await
    }

    async fn mend(&self, finding: &str) -> Result<()> {
        doctor::mend(&self.config, &self.writer, finding).await
    }

    async fn close(&self) -> Result<()> {
        self.reader.close();
        self.writer.close().await;
        Ok(())
    }
}
