//! Publishing a request and collecting its replies.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, SystemTime},
};

use cloudevents::{AttributesReader as _, Event};

use crate::{
    event::{Encoding, Envelope, EventError, Stored, Topic, encode, format_time},
    transport::{
        ErrorKind, Outgoing, Receipt, Result, Tail, TailFrom, TailRequest, Transport,
        TransportError,
    },
};

/// Messages of the reply topic that are read at once.
const BATCH: usize = 100;
/// Bytes of replies that one request may get.
const MOST_BYTES: usize = 1024 * 1024;

/// A request that can be published.
#[derive(Debug, Clone)]
pub struct Request {
    id: String,
    outgoing: Outgoing,
}

impl Request {
    /// Makes a request of an event: it names the topic of the replies, and expires after this time, so that nobody handles it
    /// when the requester no longer waits.
    ///
    /// # Errors
    /// If an attribute breaks a rule.
    pub fn new(
        mut event: Event,
        topic: Topic,
        reply_topic: &Topic,
        timeout: Duration,
        encoding: Encoding,
    ) -> std::result::Result<Self, EventError> {
        event.set_extension("replyto", reply_topic.as_str().to_owned());
        if let Some(end) = SystemTime::now().checked_add(timeout) {
            event.set_extension("expirytime", format_time(end));
        }
        Ok(Self {
            id: event.id().to_owned(),
            outgoing: Outgoing {
                message: encode(&event, topic, encoding)?,
                due: None,
                dedup: false,
            },
        })
    }

    /// Changes the message, for example to encode its data.
    ///
    /// # Errors
    /// What the change returns.
    pub fn map<E>(
        mut self,
        change: impl FnOnce(crate::event::Message) -> std::result::Result<crate::event::Message, E>,
    ) -> std::result::Result<Self, E> {
        self.outgoing.message = change(self.outgoing.message)?;
        Ok(self)
    }
}

/// Listens for the replies to one request. Only those that name it are taken, each once.
#[derive(Debug)]
pub struct Requester {
    tail: Box<dyn Tail>,
    id: String,
    seen: HashSet<String>,
    ready: VecDeque<Stored>,
    bytes: usize,
}

impl Requester {
    /// Listens first, then publishes, so that no reply is missed.
    ///
    /// # Errors
    /// If the topic of the replies cannot be read, or the request is not stored.
    ///
    /// # Cancellation
    /// If the future is dropped, the request may or may not be stored.
    pub async fn ask(
        transport: &dyn Transport,
        reply_topic: &Topic,
        request: Request,
    ) -> Result<(Self, Receipt)> {
        let tail = transport.tail(TailRequest {
            patterns: vec![reply_topic.clone().into()],
            from: TailFrom::Now,
            until_end: false,
        });
        let tail = tail.await?;
        let results = transport.publish(vec![request.outgoing]).await;
        let result = results.into_iter().next();
        let receipt = result.ok_or_else(|| TransportError::unanswered(transport.scheme()))??;
        let requester = Self {
            tail,
            id: request.id,
            seen: HashSet::new(),
            ready: VecDeque::new(),
            bytes: 0,
        };
        Ok((requester, receipt))
    }

    /// Waits for the next reply; `None` once replies of more than 1 MiB came. The caller limits the time.
    ///
    /// May be dropped; no reply is skipped.
    ///
    /// # Errors
    /// If the connection is lost for good.
    pub async fn next(&mut self) -> Result<Option<Stored>> {
        loop {
            if let Some(reply) = self.ready.pop_front() {
                self.bytes += reply.message.size();
                return Ok((self.bytes <= MOST_BYTES).then_some(reply));
            }
            let batch = match self.tail.next(BATCH).await {
                Err(error) if matches!(error.kind(), ErrorKind::Gap | ErrorKind::Warning) => {
                    continue;
                }
                batch => batch?,
            };
            for stored in batch {
                if let Some(id) = self.reply_id(&stored)
                    && self.seen.insert(id)
                {
                    self.ready.push_back(stored);
                }
            }
        }
    }

    /// Returns the id of a reply to this request.
    fn reply_id(&self, stored: &Stored) -> Option<String> {
        let envelope = Envelope::read(&stored.message).ok()?;
        let cause = envelope.extension("causationid")?;
        (cause == self.id).then(|| envelope.id.clone().into_owned())
    }
}
