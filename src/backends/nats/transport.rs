//! The connection as a transport.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    SCHEME, ahead::Ahead, capabilities, connection::Link, doctor, error, errors, member, publish,
    stream::Facts, tail,
};
use crate::{
    event::{Encoding, Topic},
    lock::Mutex,
    transport::{
        Capabilities, DeadLetters, ErrorKind, Finding, Outgoing, Receipt, Result, Schedules,
        SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// A connection to a server, and the stream that its URL names.
#[derive(Debug)]
pub(super) struct Nats {
    pub(super) link: Arc<Link>,
    /// Letters that the next step of a job deals with.
    pub(super) ahead: Ahead,
    encoding: Encoding,
    /// What was made when it was opened, and was not told yet.
    made: Mutex<Vec<String>>,
}

impl Nats {
    /// Wraps a connection.
    pub(super) fn new(link: Arc<Link>, encoding: Encoding, made: Vec<String>) -> Self {
        Self {
            link,
            ahead: Ahead::default(),
            encoding,
            made: Mutex::new(made),
        }
    }

    /// Makes the stream unless it is there; says what was made since this was asked last.
    async fn make_stream(&self) -> Result<Vec<String>> {
        let more = self.link.make_stream().await?;
        let mut made = self.made.lock();
        made.extend(more);
        Ok(std::mem::take(&mut *made))
    }

    /// Asks for the subjects of topics, page by page.
    async fn subjects(&self) -> Result<Vec<String>> {
        let names = &self.link.names;
        let mut all = Vec::new();
        loop {
            let body = json!({"subjects_filter": names.all_topics(), "offset": all.len()});
            let verb = format!("STREAM.INFO.{}", names.stream);
            let answer = match self.link.api(verb, &body).await {
                Ok(answer) => answer,
                Err(refusal) if refusal.is(errors::NO_STREAM) => return Ok(all),
                Err(refusal) => return Err(refusal.into()),
            };
            let page = answer.pointer("/state/subjects").and_then(Value::as_object);
            let before = all.len();
            all.extend(page.into_iter().flat_map(|page| page.keys().cloned()));
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
            if all.len() == before || all.len() as u64 >= total {
                return Ok(all);
            }
        }
    }
}

#[async_trait]
impl Transport for Nats {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        let names = &self.link.names;
        let facts: Option<Facts> = self.link.find_stream(&names.stream).await?;
        Ok(capabilities::live(&self.link, facts.as_ref()))
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        let subjects = self.subjects().await?;
        let topics = subjects
            .iter()
            .filter_map(|subject| self.link.names.topic(subject));
        let mut topics: Vec<Topic> = topics.collect();
        topics.sort_unstable();
        Ok(topics)
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        let subject = self.link.names.subject(topic)?;
        let made = self.make_stream().await?;
        if !made.is_empty() {
            return Ok(made);
        }
        let facts = self.link.facts().await?;
        if let Some(refused) = facts.no_messages() {
            return Err(refused);
        }
        if !facts.covers(&subject) {
            let stream = &self.link.names.stream;
            let message = format!("the stream `{stream}` is there and does not cover `{subject}`");
            return Err(error(ErrorKind::Configuration, message)
                .hint("`nats stream edit` adds a subject; `prefix` in the URL changes what stands before topics"));
        }
        Ok(made)
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish::publish_all(&self.link, batch).await
    }

    fn warnings(&self) -> Vec<String> {
        self.link.warnings()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        Ok(Arc::new(member::Member::join(&self.link, request).await?))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        Ok(Box::new(tail::Follow::open(&self.link, request).await?))
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(&self.link).await
    }

    async fn mend(&self, finding: &str) -> Result<()> {
        doctor::mend(&self.link, finding).await
    }

    async fn close(&self) -> Result<()> {
        // While there is no connection, a flush would wait for one.
        let flushed = timeout(self.link.patience, self.link.client.flush()).await;
        let flushed =
            flushed.map_err(|_| error(ErrorKind::Unavailable, "the server did not answer"))?;
        flushed.map_err(|source| {
            error(ErrorKind::Unavailable, "the connection is closed").because(source)
        })
    }
}
