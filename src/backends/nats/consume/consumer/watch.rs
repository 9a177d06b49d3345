//! What a member of a group looks at from time to time: whether its stream and its consumer are still the same ones, serve
//! it, and have lost nothing unread.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    backends::nats::{
        connection::{handle::Link, names::token, stream::info::Facts},
        consume::consumer::durable::{self as consumer, Durable},
        error::error,
        read::{
            gap::{self as gaps, Lost, Mark, Own, Sight},
            pull::Arrived,
            stream_reader::{self as reader, Begin, Scope},
        },
    },
    transport::{ErrorKind, Result, SubscribeRequest, TransportError},
};

/// How often it is looked while nothing comes.
const IDLE: Duration = Duration::from_secs(4);
/// Who did not ask for so long looks before asking.
const AWAY: Duration = Duration::from_secs(1);
/// How often it is written down how far the group is.
const WRITE: Duration = Duration::from_secs(10);
/// How many messages are looked for at once.
const AT_ONCE: usize = 64;

/// How far a group is, as it is written down: the server moves what it knows itself when messages are purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// Of which consumer.
    created: String,
    mark: Mark,
}

/// What was seen.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Everything is as before.
    Same(Box<Durable>),
    NoStream,
    NoConsumer,
    /// Another stream has its name.
    OtherStream(Box<Facts>),
    /// Another consumer has its name.
    OtherConsumer(Box<Durable>, Box<Facts>),
}

/// What is known from the last look.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) request: SubscribeRequest,
    pub(crate) consumer: String,
    filters: Vec<String>,
    stream_created: String,
    consumer_created: String,
    pub(crate) mark: Mark,
    written: Option<Mark>,
    written_at: Instant,
    pub(crate) own: Own,
    last_delivery: u64,
    /// A request was with the server all the time, and nothing was pending.
    was_waiting: bool,
    is_paused: bool,
    looked: Instant,
    /// What was seen and not said yet.
    news: Vec<TransportError>,
}

impl Watch {
    /// Begins with what a member finds: what its group lost since it was there last is reported.
    pub(crate) async fn begin(
        link: &Link,
        request: SubscribeRequest,
        (facts, durable): (&Facts, &Durable),
    ) -> Result<Self> {
        let now = Instant::now();
        let sight = sight(facts, durable);
        let mut watch = Self {
            consumer: durable.name.clone(),
            filters: durable.filters(),
            stream_created: facts.created.clone(),
            consumer_created: durable.created.clone(),
            mark: Mark::of(&sight),
            written: None,
            written_at: now,
            own: Own::default(),
            last_delivery: durable.deliveries(),
            was_waiting: false,
            is_paused: false,
            looked: now,
            news: consumer::warnings(durable, &link.names.stream, &request),
            request,
        };
        let reached: Option<Reached> = watch.read(link).await?;
        let known = reached.filter(|reached| reached.created == watch.consumer_created);
        if let Some(reached) = known {
            watch.mark = reached.mark;
            watch.written = Some(reached.mark);
        }
        watch.report(link, facts, &sight);
        watch.superseded(link, facts, &sight).await?;
        watch.unsettled(link, facts, &sight).await?;
        watch.pauses(link, durable);
        watch.advance(&sight);
        watch.write(link).await?;
        Ok(watch)
    }

    /// Returns what the group reads.
    pub(crate) fn filters(&self) -> Vec<String> {
        self.filters.clone()
    }

    /// Takes what is to be said.
    pub(crate) fn news(&mut self) -> Vec<TransportError> {
        std::mem::take(&mut self.news)
    }

    /// Takes note of what came; reports whether it is from another consumer than before.
    pub(crate) fn note(&mut self, arrived: &[Arrived]) -> bool {
        let (Some(first), Some(last)) = (arrived.first(), arrived.last()) else {
            return false;
        };
        let is_other = first.consumer_sequence <= self.last_delivery.min(self.mark.deliveries);
        self.last_delivery = last.consumer_sequence;
        self.own.count += arrived.len() as u64;
        let fresh = arrived.iter().rev().find(|one| one.delivered == 1);
        self.own.last = fresh.map_or(self.own.last, |one| one.stream_sequence);
        is_other
    }

    /// Takes note that no request is with the server.
    pub(crate) fn rest(&mut self) {
        self.was_waiting = false;
    }

    /// Reports whether to look before asking again.
    pub(crate) fn was_away(&self) -> bool {
        self.looked.elapsed() >= AWAY
    }

    /// Reports whether to look while nothing comes.
    pub(crate) fn is_idle(&self) -> bool {
        self.looked.elapsed() >= IDLE
    }

    /// Looks: at the stream first, so that what is stored meanwhile is not taken for missing.
    pub(crate) async fn look(&mut self, link: &Link) -> Result<Seen> {
        self.looked = Instant::now();
        let stream = &link.names.stream;
        let Some(facts) = link.find_stream(stream).await? else {
            return Ok(Seen::NoStream);
        };
        if facts.created != self.stream_created {
            return Ok(Seen::OtherStream(Box::new(facts)));
        }
        let Some(durable) = consumer::find(link, &self.consumer).await? else {
            return Ok(Seen::NoConsumer);
        };
        if durable.created != self.consumer_created {
            return Ok(Seen::OtherConsumer(Box::new(durable), Box::new(facts)));
        }
        consumer::check(&durable, stream, &self.request)?;
        if durable.filters() != self.filters {
            return Err(consumer::other_filters(&durable, stream, &self.filters));
        }
        let sight = sight(&facts, &durable);
        self.report(link, &facts, &sight);
        self.pauses(link, &durable);
        self.advance(&sight);
        if self.written_at.elapsed() >= WRITE {
            self.write(link).await?;
        }
        Ok(Seen::Same(Box::new(durable)))
    }

    fn advance(&mut self, sight: &Sight) {
        self.mark = self.mark.after(sight, self.own);
        self.was_waiting = sight.pending == 0 && !self.is_paused;
        self.own = Own::default();
    }

    fn reader(&self) -> String {
        format!("group `{}`", self.request.group)
    }

    fn report(&mut self, link: &Link, facts: &Facts, sight: &Sight) {
        let mut lost = self.mark.lost(sight, self.own, self.was_waiting);
        if facts.config.retention != "limits" {
            // There, acknowledged messages are removed too.
            lost.at_most = lost.surely;
        }
        if !lost.is_none() {
            let is_exact = gaps::reads_all(facts, &self.filters);
            let told = lost.told(&link.names.stream, &self.reader(), is_exact);
            self.news.push(told);
        }
    }

    /// Says that the consumer is paused, or goes on.
    fn pauses(&mut self, link: &Link, durable: &Durable) {
        let (name, stream) = (&durable.name, &link.names.stream);
        let until = durable.paused_until();
        let told = match until {
            Some(until) if !self.is_paused => error(
                ErrorKind::Warning,
                format!("the consumer `{name}` is paused until {until}: nothing comes before"),
            )
            .hint(format!("`nats consumer resume {stream} {name}`")),
            None if self.is_paused => error(
                ErrorKind::Warning,
                format!("the consumer `{name}` is no longer paused"),
            ),
            _ => return,
        };
        self.is_paused = until.is_some();
        self.news.push(told);
    }

    /// Reports what newer messages of the same subjects may have replaced unread, between others that are still there.
    async fn superseded(&mut self, link: &Link, facts: &Facts, sight: &Sight) -> Result<()> {
        let limit = u64::try_from(facts.config.max_msgs_per_subject).unwrap_or(0);
        if limit == 0 || facts.state.num_deleted == 0 || sight.pending == 0 {
            return Ok(());
        }
        let from = sight.first.max(self.mark.read + 1);
        let is_full = |count: &Value| count.as_u64() >= Some(limit);
        let mut any_full = false;
        for filter in &self.filters {
            let subjects = link.count_subjects(&link.names.stream, filter).await?;
            any_full |= subjects.values().any(is_full);
        }
        if !any_full || sight.last < from {
            return Ok(());
        }
        let all = Scope::once(link.names.stream.clone(), Vec::new(), Begin::At(from));
        let there = reader::count(link, &all, from).await?;
        let lost = Lost {
            surely: 0,
            at_most: (sight.last + 1 - from).saturating_sub(there),
        };
        if !lost.is_none() {
            let is_exact = gaps::reads_all(facts, &self.filters);
            let told = lost.told(&link.names.stream, &self.reader(), is_exact);
            self.news.push(told);
        }
        Ok(())
    }

    /// Reports what was delivered before, and was removed before it could come again.
    async fn unsettled(&mut self, link: &Link, facts: &Facts, sight: &Sight) -> Result<()> {
        let waiting = link.numbers_of_runs(&self.consumer).await?;
        let gone = link.gone(facts, waiting).await?;
        for number in &gone {
            link.forget_runs(&self.consumer, *number).await;
        }
        self.news.extend(retries_lost(link, &gone));
        // Nobody has settled anything since.
        if self.mark.deliveries == sight.deliveries {
            let missing = self.mark.returned.saturating_sub(sight.unacked);
            let returned = missing.saturating_sub(gone.len() as u64);
            if returned > 0 {
                self.news.push(gaps::gap(format!(
                    "limits or a purge removed {} from the stream `{}` that {} had given back",
                    gaps::counted(returned),
                    link.names.stream,
                    self.reader()
                )));
            }
        }
        Ok(())
    }

    /// Takes note that messages were given back, or wait for their retry, when the member leaves.
    pub(crate) async fn leave(&mut self, link: &Link, returned: u64) -> Result<()> {
        if let Seen::Same(durable) = self.look(link).await? {
            self.mark.returned = returned.min(durable.num_ack_pending);
            self.write(link).await?;
        }
        Ok(())
    }

    async fn read(&self, link: &Link) -> Result<Option<Reached>> {
        let (side, subject) = (link.names.side(), subject(link, &self.consumer));
        let read = link.value::<Reached>(&side, &subject).await?;
        Ok(read.map(|read| read.value))
    }

    /// Writes down how far the group is, unless that is known.
    pub(crate) async fn write(&mut self, link: &Link) -> Result<()> {
        if self.written == Some(self.mark) {
            return Ok(());
        }
        let reached = Reached {
            created: self.consumer_created.clone(),
            mark: self.mark,
        };
        let payload = crate::backends::nats::codec::headers::json(&reached)?;
        let subject = subject(link, &self.consumer);
        crate::backends::nats::publish::publisher::persist(link, subject, payload.into(), |_| {})
            .await?;
        self.written = Some(self.mark);
        self.written_at = Instant::now();
        Ok(())
    }
}

fn subject(link: &Link, consumer: &str) -> String {
    link.names.beside(&format!("read.{}", token(consumer)))
}

/// Returns what the server says of a stream and, later, of a consumer.
pub(crate) fn sight(facts: &Facts, durable: &Durable) -> Sight {
    Sight {
        first: facts.state.first_seq,
        last: facts.state.last_seq,
        delivered: durable.delivered(),
        deliveries: durable.deliveries(),
        pending: durable.num_pending,
        unacked: durable.num_ack_pending,
    }
}

/// Says that messages were removed that waited for their retry.
pub(crate) fn retries_lost(link: &Link, numbers: &[u64]) -> Option<TransportError> {
    let (first, stream) = (numbers.first()?, &link.names.stream);
    let which = match numbers.len() {
        1 => format!("message {first}"),
        count => format!("{count} messages, {first} first,"),
    };
    Some(gaps::gap(format!(
        "limits or a purge removed {which} from the stream `{stream}` while a retry was due: it is lost"
    )))
}

impl Link {
    /// Returns which of these messages the stream does not hold any more.
    pub(crate) async fn gone(&self, facts: &Facts, numbers: Vec<u64>) -> Result<Vec<u64>> {
        let (first, all) = (facts.state.first_seq, facts.state.num_deleted == 0);
        let mut looked = stream::iter(numbers)
            .map(|number| async move {
                let is_there = if number < first || all {
                    number >= first
                } else {
                    let what = json!({"seq": number});
                    self.get(&self.names.stream, &what).await?.is_some()
                };
                Ok::<_, TransportError>((number, is_there))
            })
            .buffered(AT_ONCE);
        let mut gone = Vec::new();
        while let Some(looked) = looked.next().await {
            let (number, is_there) = looked?;
            gone.extend((!is_there).then_some(number));
        }
        Ok(gone)
    }

    /// Counts the messages of each subject, of the first ones that the server names.
    pub(crate) async fn count_subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<serde_json::Map<String, Value>> {
        let body = json!({"subjects_filter": filter});
        let mut answer = self.api(format!("STREAM.INFO.{stream}"), &body).await?;
        let subjects = answer.pointer_mut("/state/subjects").map(Value::take);
        Ok(match subjects {
            Some(Value::Object(subjects)) => subjects,
            _ => serde_json::Map::new(),
        })
    }
}
