//! What a tail looks at: whether its stream is still the same one, and has lost nothing that the tail would have shown.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        connection::{handle::Link, stream::info::Facts},
        consume::consumer::durable as consumer,
        error::error,
        read::{
            gap::{self as gaps, Lost, Mark, Own, Sight},
            stream_reader::{Begin, Reader, Scope},
        },
    },
    transport::{ErrorKind, Result, TransportError},
};

/// Who did not read for so long looks first.
const AWAY: Duration = Duration::from_secs(1);
/// How often it is looked while nothing comes.
const IDLE: Duration = Duration::from_secs(4);
/// How long a stream that was deleted may take to be created again.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks for it.
const PAUSE: Duration = Duration::from_millis(250);

/// Who reads.
const READER: &str = "this tail";

/// What is known of the stream, and was not said yet.
#[derive(Debug)]
pub(crate) struct Followed {
    created: String,
    mark: Mark,
    was_waiting: bool,
    looked: Instant,
    left: Instant,
    news: VecDeque<TransportError>,
}

impl Followed {
    /// Begins with the stream as it was before the consumer was made.
    pub(crate) fn new(facts: &Facts, begin: Begin, pending: u64) -> Self {
        let first = match begin {
            Begin::At(number) => number.max(facts.state.first_seq),
            Begin::Time(_) => facts.state.first_seq,
        };
        Self {
            created: facts.created.clone(),
            mark: Mark {
                read: first.saturating_sub(1),
                pending,
                ..Mark::default()
            },
            was_waiting: false,
            looked: Instant::now(),
            left: Instant::now(),
            news: VecDeque::new(),
        }
    }
}

impl Reader {
    /// Takes what is to be said, after a look if nobody has read for a while.
    pub(crate) async fn news(&mut self) -> Result<Option<TransportError>> {
        let Some(followed) = &mut self.followed else {
            return Ok(None);
        };
        if followed.left.elapsed() >= AWAY {
            followed.was_waiting = false;
            self.look().await?;
        }
        Ok(self.followed.as_mut().and_then(|one| one.news.pop_front()))
    }

    /// Takes note that the reader goes away with what came.
    pub(crate) fn go(&mut self) {
        if let Some(followed) = &mut self.followed {
            followed.left = Instant::now();
        }
    }

    /// Reports whether there is something to say.
    pub(crate) fn has_news(&self) -> bool {
        self.followed
            .as_ref()
            .is_some_and(|one| !one.news.is_empty())
    }

    /// Looks while nothing comes. May be dropped.
    pub(crate) async fn look_idly(&mut self) -> Result<()> {
        match &self.followed {
            Some(followed) if followed.looked.elapsed() >= IDLE => self.look().await,
            _ => Ok(()),
        }
    }

    async fn look(&mut self) -> Result<()> {
        let Some(followed) = &mut self.followed else {
            return Ok(());
        };
        followed.looked = Instant::now();
        let Some((facts, sight)) = sight(&self.link, &self.consumer).await? else {
            // What reads next finds out.
            return Ok(());
        };
        if facts.created != followed.created {
            return Ok(());
        }
        let own = Own {
            count: self.last_delivered.saturating_sub(followed.mark.deliveries),
            last: self.last,
        };
        let lost = followed.mark.lost(&sight, own, followed.was_waiting);
        followed.mark = followed.mark.after(&sight, own);
        followed.was_waiting = sight.pending == 0;
        // Whoever reads to an end counts what is left until there.
        if self.left.is_none() {
            followed.say(lost, &facts, &self.scope);
        }
        Ok(())
    }

    /// Returns where to begin again, on the stream that is there now.
    pub(crate) async fn place(&mut self) -> Result<Begin> {
        let begin = match (self.last, self.scope.begin) {
            (0, begin) => begin,
            (last, _) => Begin::At(last + 1),
        };
        let Some(followed) = &mut self.followed else {
            return Ok(begin);
        };
        let facts = wait(&self.link, &self.scope.stream, || true).await?;
        if facts.created != followed.created {
            followed.created.clone_from(&facts.created);
            followed.mark = Mark::default();
            let message = format!(
                "the stream `{}` was deleted and created again: it is read from the beginning",
                self.scope.stream
            );
            followed.news.push_back(error(ErrorKind::Warning, message));
            self.last = 0;
            self.scope.begin = Begin::At(1);
            return Ok(self.scope.begin);
        }
        let read = followed.mark.read.max(self.last);
        let front = facts.state.first_seq.saturating_sub(1);
        let lost = Lost {
            surely: 0,
            at_most: front.saturating_sub(read),
        };
        if self.left.is_none() {
            followed.say(lost, &facts, &self.scope);
        }
        // The next consumer counts from the beginning.
        followed.mark = Mark {
            read: read.max(front),
            ..Mark::default()
        };
        followed.was_waiting = false;
        Ok(begin)
    }

    /// Ends if the consumer has nothing more; what it was to deliver is gone then.
    pub(crate) async fn conclude(&mut self) -> Result<()> {
        let pending = consumer::pending(&self.link, (&self.scope.stream, &self.consumer)).await?;
        if pending.is_some_and(|pending| pending > 0) {
            sleep(PAUSE).await;
            return Ok(());
        }
        self.leave(0);
        Ok(())
    }

    /// Takes note that no more is left until the end than this.
    pub(crate) fn leave(&mut self, count: u64) {
        let Some(left) = self.left.filter(|left| *left > count) else {
            return;
        };
        self.left = Some(count);
        if let Some(followed) = &mut self.followed {
            let lost = Lost {
                surely: left - count,
                at_most: left - count,
            };
            let told = lost.told(&self.scope.stream, READER, true);
            followed.news.push_back(told);
        }
    }
}

impl Followed {
    fn say(&mut self, lost: Lost, facts: &Facts, scope: &Scope) {
        if !lost.is_none() {
            let is_exact = gaps::reads_all(facts, &scope.filters);
            self.news
                .push_back(lost.told(&scope.stream, READER, is_exact));
        }
    }
}

async fn sight(link: &Link, name: &str) -> Result<Option<(Facts, Sight)>> {
    let Some(facts) = link.find_stream(&link.names.stream).await? else {
        return Ok(None);
    };
    let durable = consumer::find(link, name).await?;
    Ok(durable.map(|durable| {
        let sight = crate::backends::nats::consume::consumer::watch::sight(&facts, &durable);
        (facts, sight)
    }))
}

/// Waits until a stream is there, if it was deleted, unless nobody wants it any more.
pub(crate) async fn wait(link: &Link, stream: &str, is_wanted: impl Fn() -> bool) -> Result<Facts> {
    let until = Instant::now() + PATIENCE;
    loop {
        match link.find_stream(stream).await {
            Ok(Some(facts)) => return Ok(facts),
            Ok(None) if Instant::now() >= until || !is_wanted() => {
                let message = format!("the stream `{stream}` was deleted");
                return Err(error(ErrorKind::NotFound, message));
            }
            Err(failed) if !failed.is_transient() => return Err(failed),
            Ok(None) | Err(_) => sleep(PAUSE).await,
        }
    }
}
