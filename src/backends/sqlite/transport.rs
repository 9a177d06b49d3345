//! The store as a transport.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    SCHEME, capabilities, config::Config, connections::Connections, consume, dead_letters::Letters,
    doctor, log, publish, reader::Reader, schedules::Pending, tail, wake::Wake, work::Step,
    writer::Writer,
};
use crate::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetters, Finding, Outgoing, Receipt, Result, Schedules, SubscribeRequest,
        Subscription, Tail, TailRequest, Transport,
    },
};

/// A store.
#[derive(Debug)]
pub struct Sqlite {
    config: Config,
    wake: Arc<Wake>,
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    letters: Letters,
    pending: Pending,
}

impl Sqlite {
    /// Prepares a store; the file is opened by the first operation that needs it.
    pub(super) fn new(config: Config) -> Self {
        let connections = Arc::new(Connections::default());
        let wake = Wake::new(config.clone(), Arc::clone(&connections));
        let writer = Writer::new(config.clone(), Arc::clone(&wake), Arc::clone(&connections));
        let writer = Arc::new(writer);
        let reader = Arc::new(Reader::new(config.clone(), connections));
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
impl Transport for Sqlite {
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

    fn warnings(&self) -> Vec<String> {
        self.writer.connections().take()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
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
        self.wake.close();
        self.reader.close();
        self.writer.close().await;
        Ok(())
    }
}
