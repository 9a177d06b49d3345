//! Whether a stream keeps what it confirms.
//!
//! A confirmation says that the server took a message, not that it is there: a stream of interest retention drops at once
//! what no consumer covers, and a message that alone is larger than the stream may be is dropped with all before it. The
//! server answers both as it answers what it keeps, so the stream has to be looked at: beside a publish, which does not
//! wait for it, and before anything that deletes what it publishes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::{
    backends::nats::{
        connection::{
            handle::Link,
            names::{self, Names},
            stream::info::Facts,
        },
        consume::consumer::durable::{self as consumer, Durable},
        error::error,
        read::stream_reader::is_reader,
    },
    lock::Mutex,
    transport::{ErrorKind, Result, TransportError},
};

/// How long it is believed that a stream keeps what nobody reads, ...
const BELIEVED: Duration = Duration::from_mins(1);
/// ... and who reads a stream that does not.
const CURRENT: Duration = Duration::from_secs(1);
/// How long no publish looks again after nothing was learned.
const UNSEEN: Duration = Duration::from_secs(10);
/// The longest that a look beside a publish may take.
const LOOK: Duration = Duration::from_secs(2);
/// Bytes that a stored message takes beside its subject, headers and payload.
const BESIDE: usize = 16;
/// The most subjects that are warned of.
const SUBJECTS: usize = 100;

/// What a stream does with what is published to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keeping {
    stream: String,
    /// What consumers read, where the stream keeps nothing else.
    readers: Option<Vec<String>>,
    /// Messages are stored under other subjects than they were published to.
    renames: bool,
    /// A message of more bytes than this is dropped at once.
    most: Option<usize>,
    /// Nothing is confirmed.
    is_silent: bool,
}

impl Keeping {
    /// Looks at who reads a stream, if that matters to what it keeps.
    pub(crate) async fn of(link: &Link, facts: &Facts) -> Result<Self> {
        let config = &facts.config;
        let readers = match config.retention.as_str() {
            "interest" if facts.state.consumer_count == 0 => Some(Vec::new()),
            "interest" => Some(link.readers(&config.name).await?),
            _ => None,
        };
        let most = usize::try_from(config.max_bytes).ok();
        Ok(Self {
            stream: config.name.clone(),
            readers,
            renames: config.subject_transform.is_some(),
            most: most.filter(|most| *most > 0 && config.discard == "old"),
            is_silent: config.no_ack,
        })
    }

    /// Reports whether the stream was not seen.
    pub(crate) fn is_unknown(&self) -> bool {
        self.stream.is_empty()
    }

    /// Reports whether it matters who reads.
    pub(crate) fn needs_readers(&self) -> bool {
        self.readers.is_some()
    }

    /// Says that the stream confirms nothing, if so.
    pub(crate) fn silence(&self) -> Option<TransportError> {
        let stream = &self.stream;
        self.is_silent.then(|| {
            let message = format!("the stream `{stream}` does not confirm what is published");
            error(ErrorKind::Configuration, message).hint("`pf doctor --fix` lets it confirm")
        })
    }

    /// Says why a message of so many bytes would be dropped at once, if so.
    pub(crate) fn too_large(&self, bytes: usize) -> Option<TransportError> {
        let (stream, most) = (&self.stream, self.most?);
        (bytes + BESIDE > most).then(|| {
            let message = format!(
                "the stream `{stream}` confirms a message of {bytes} bytes and drops it at once: it keeps {most} bytes at most"
            );
            error(ErrorKind::TooLarge, message).hint("raise the stream's `max_bytes`")
        })
    }

    /// Says why a message would be dropped for want of a reader, if so.
    pub(crate) fn unread(&self, names: &Names, subject: &str) -> Option<TransportError> {
        let (stream, readers) = (&self.stream, self.readers.as_ref()?);
        if self.renames && !readers.is_empty() {
            let message = format!(
                "the stream `{stream}` keeps only what a consumer covers, and stores `{subject}` under another subject: it cannot be told whether it is kept"
            );
            return Some(error(ErrorKind::NotFound, message));
        }
        if readers.iter().any(|filter| names::covers(filter, subject)) {
            return None;
        }
        let message = format!(
            "no consumer covers `{subject}`: the stream `{stream}` keeps only what a consumer covers, and drops the event"
        );
        let hint = format!("`{}` makes a consumer", names.consume(subject));
        Some(error(ErrorKind::NotFound, message).hint(hint))
    }

    /// Says why a message would not be kept, if so.
    pub(crate) fn objection(
        &self,
        names: &Names,
        (subject, bytes): (&str, usize),
    ) -> Option<TransportError> {
        let whole = self.silence().or_else(|| self.too_large(bytes));
        whole.or_else(|| self.unread(names, subject))
    }

    /// Returns those subjects of a stream of which not all is read.
    pub(crate) fn unread_subjects<'a>(&self, facts: &'a Facts) -> Vec<&'a str> {
        let Some(readers) = &self.readers else {
            return Vec::new();
        };
        let is_read = |subject: &str| readers.iter().any(|filter| names::covers(filter, subject));
        let subjects = facts.config.subjects.iter().map(String::as_str);
        let topics = subjects.filter(|subject| !subject.starts_with("_pf."));
        topics.filter(|subject| !is_read(subject)).collect()
    }
}

/// What is known from one publish to the next.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    looked: tokio::sync::Mutex<Option<Looked>>,
    warnings: Mutex<Warnings>,
}

/// What was seen of the stream that the URL names.
#[derive(Debug, Clone)]
struct Looked {
    keeping: Arc<Keeping>,
    at: Instant,
    /// On which connection.
    connects: u64,
}

#[derive(Debug, Default)]
struct Warnings {
    subjects: HashSet<String>,
    untold: Vec<String>,
}

impl Link {
    /// Returns what the stream of the URL does with what is published, looked at a moment ago at most where that
    /// depends on who reads.
    pub(crate) async fn keeping(&self) -> Result<Arc<Keeping>> {
        let mut looked = self.watch.looked.lock().await;
        let mut known = looked.iter().filter(|known| !known.keeping.is_unknown());
        if let Some(known) = known.find(|known| self.is_current(known)) {
            return Ok(Arc::clone(&known.keeping));
        }
        let connects = self.connects();
        let keeping = match self.find_stream(&self.names.stream).await? {
            Some(facts) => Keeping::of(self, &facts).await?,
            // The publish tells.
            None => return Ok(Arc::default()),
        };
        let keeping = Arc::new(keeping);
        *looked = Some(Looked {
            keeping: Arc::clone(&keeping),
            at: Instant::now(),
            connects,
        });
        Ok(keeping)
    }

    /// Returns what is known without asking.
    pub(crate) fn known_keeping(&self) -> Option<Arc<Keeping>> {
        let looked = self.watch.looked.try_lock().ok()?;
        let known = looked.as_ref().filter(|known| self.is_current(known))?;
        Some(Arc::clone(&known.keeping))
    }

    fn is_current(&self, looked: &Looked) -> bool {
        let long = if looked.keeping.is_unknown() {
            UNSEEN
        } else if looked.keeping.needs_readers() {
            CURRENT
        } else {
            BELIEVED
        };
        looked.connects == self.connects() && looked.at.elapsed() < long
    }

    /// Does the same beside a publish, which a server that does not answer must not hold up; whoever may only publish
    /// learns nothing, and does not wait for that again with each batch.
    pub(crate) async fn glance(&self) -> Arc<Keeping> {
        let looked = timeout(LOOK, self.keeping()).await;
        let silence = || Err(error(ErrorKind::Unavailable, "the server did not answer"));
        let failed = match looked.unwrap_or_else(|_| silence()) {
            Ok(keeping) => return keeping,
            Err(failed) => failed,
        };
        tracing::debug!(%failed, "it is not known what the stream keeps");
        *self.watch.looked.lock().await = Some(Looked {
            keeping: Arc::default(),
            at: Instant::now(),
            connects: self.connects(),
        });
        Arc::default()
    }

    /// Asks what consumers read, those apart by which somebody only looks.
    async fn readers(&self, stream: &str) -> Result<Vec<String>> {
        let (mut filters, mut offset) = (Vec::new(), 0);
        loop {
            let verb = format!("CONSUMER.LIST.{stream}");
            let answer = self.api(verb, &json!({"offset": offset})).await;
            let answer = answer.map_err(TransportError::from)?;
            let page = answer.get("consumers").and_then(Value::as_array);
            let page = page.map(Vec::as_slice).unwrap_or_default();
            for consumer in page {
                let durable: Durable = consumer::parse(consumer.clone())?;
                if !is_reader(&durable.name) {
                    filters.extend(durable.filters());
                }
            }
            offset += page.len() as u64;
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
            if page.is_empty() || offset >= total {
                return Ok(filters);
            }
        }
    }

    /// Warns once of a subject whose messages are dropped.
    pub(crate) fn warn_unread(&self, keeping: &Keeping, subject: &str) {
        let mut warnings = self.watch.lock();
        if warnings.subjects.contains(subject) {
            return;
        }
        let Some(why) = keeping.unread(&self.names, subject) else {
            return;
        };
        match warnings.subjects.len() {
            SUBJECTS => return,
            count if count + 1 == SUBJECTS => {
                let more = "no consumer covers further subjects, which are not named";
                warnings.untold.push(more.to_owned());
            }
            _ => {
                let advice = why.advice().map(|advice| format!("; {advice}"));
                let advice = advice.unwrap_or_default();
                let more = "`pf publish --require-consumer` refuses it";
                let why = why.message();
                warnings.untold.push(format!("{why}{advice}, {more}"));
            }
        }
        warnings.subjects.insert(subject.to_owned());
    }

    /// Takes the warnings that were not told yet.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.watch.lock().untold)
    }
}

impl Watch {
    fn lock(&self) -> std::sync::MutexGuard<'_, Warnings> {
        self.warnings.lock()
    }
}
