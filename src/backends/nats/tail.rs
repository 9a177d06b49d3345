//! Reading without a group.

use std::sync::Arc;

use async_nats::Subject;
use async_trait::async_trait;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{handle::Link, stream::info::Facts},
        read::{
            pull::Arrived,
            stream_reader::{Begin, Reader, Scope, count},
        },
    },
    event::{Position, Stored, Topic},
    transport::{Result, Tail, TailFrom, TailRequest},
};

/// An open read of topics.
#[derive(Debug)]
pub(crate) struct Follow {
    link: Arc<Link>,
    reader: Reader,
    /// What is behind this was not there at the start.
    end: Option<u64>,
}

impl Follow {
    /// Finds the place at which to start.
    pub(crate) async fn open(link: &Arc<Link>, request: TailRequest) -> Result<Self> {
        let facts = link.facts().await?;
        let filters = link.names.filters(&request.patterns)?;
        link.check_covered(&facts, &filters).await?;
        let mut scope = Scope {
            stream: link.names.stream.clone(),
            filters,
            begin: Begin::At(1),
            until_end: request.until_end,
            patient: true,
            followed: None,
        };
        scope.begin = match request.from {
            TailFrom::Now => Begin::At(facts.state.last_seq + 1),
            TailFrom::Earliest => Begin::At(1),
            TailFrom::Time(time) => Begin::Time(time),
            TailFrom::Last(number) => Begin::At(last(link, &scope, &facts, number).await?),
        };
        let end = request.until_end.then_some(facts.state.last_seq);
        scope.followed = Some(facts);
        Ok(Self {
            link: Arc::clone(link),
            reader: Reader::open(link, scope).await?,
            end,
        })
    }

    fn read(&self, arrived: Arrived) -> Option<Stored> {
        let is_inside = self.end.is_none_or(|end| arrived.stream_sequence <= end);
        is_inside.then(|| stored(&self.link, arrived)).flatten()
    }
}

/// Makes the message of a delivery; none if its subject is no topic.
pub(crate) fn stored(link: &Link, arrived: Arrived) -> Option<Stored> {
    let topic = link.names.topic(&arrived.subject)?;
    Some(read(topic, arrived).0)
}

/// Makes the message of a delivery; tells where to acknowledge it.
pub(crate) fn read(topic: Topic, arrived: Arrived) -> (Stored, Subject) {
    let stored = Stored {
        message: headers::read(topic, arrived.headers.as_ref(), arrived.payload),
        position: Position::number(arrived.stream_sequence),
        time: arrived.published,
    };
    (stored, arrived.reply)
}

/// Finds where the last so many messages begin, by halves: the server counts what is behind a number.
async fn last(link: &Link, scope: &Scope, facts: &Facts, number: u64) -> Result<u64> {
    let (mut low, mut high) = (facts.state.first_seq.max(1), facts.state.last_seq + 1);
    if count(link, scope, low).await? <= number {
        return Ok(low);
    }
    while low + 1 < high {
        let middle = low.midpoint(high);
        if count(link, scope, middle).await? >= number {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(if number == 0 {
        facts.state.last_seq + 1
    } else {
        low
    })
}

#[async_trait]
impl Tail for Follow {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        loop {
            let arrived = self.reader.take(max.max(1)).await?;
            let is_end = arrived.is_empty();
            let read = arrived.into_iter().filter_map(|one| self.read(one));
            let read: Vec<Stored> = read.collect();
            if is_end || !read.is_empty() {
                return Ok(read);
            }
        }
    }

    async fn until_end(&mut self) -> Result<()> {
        self.reader.until_end().await
    }
}
