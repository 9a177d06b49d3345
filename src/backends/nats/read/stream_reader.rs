//! Reading a stream in order with a consumer of our own that is gone when the reader is.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt as _;
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use ulid::Ulid;

use crate::{
    backends::nats::{
        connection::{
            confirmed_publish::RIDE_OUT,
            handle::Link,
            stream::info::{Facts, nanos},
        },
        error::{Refusal, error},
        read::{
            end::end,
            pull::{Arrived, Limits, Pull, Pulled, refused},
            stream_watch::Followed,
        },
    },
    transport::{ErrorKind, Result, TransportError},
};

/// The most messages asked for at once, ...
const MOST: usize = 4000;
/// ... the fewest, ...
const LEAST: usize = 16;
/// ... and how many bytes they should have together.
const BYTES: usize = 16 << 20;
/// What a message is thought to have before one was seen, ...
const USUAL: usize = 64 << 10;
/// ... and what it has beside its payload.
const BESIDE: usize = 512;
/// How long a consumer outlives a reader that went down.
const OUTLIVE: Duration = Duration::from_mins(1);
/// The pause before something that failed is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// How the name of a reader's consumer begins; a ULID follows.
const READER: &str = "pf-";

/// Reports whether a consumer is one by which somebody only looks.
pub(crate) fn is_reader(consumer: &str) -> bool {
    let id = consumer.strip_prefix(READER);
    id.is_some_and(|id| Ulid::from_string(id).is_ok())
}

/// Where to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begin {
    /// With this number or the next one there is.
    At(u64),
    /// With the first stored at or after this time.
    Time(SystemTime),
}

/// What to read.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) stream: String,
    pub(crate) filters: Vec<String>,
    pub(crate) begin: Begin,
    /// End after what is there now.
    pub(crate) until_end: bool,
    /// Wait for a server that went away, however long it takes.
    pub(crate) patient: bool,
    /// Report what the stream lost, as it was before.
    pub(crate) followed: Option<Facts>,
}

impl Scope {
    /// Reads what is there now, for a command that waits for it.
    pub(crate) fn once(stream: String, filters: Vec<String>, begin: Begin) -> Self {
        Self {
            stream,
            filters,
            begin,
            until_end: true,
            patient: false,
            followed: None,
        }
    }
}

/// A consumer that exists.
#[derive(Debug)]
struct Made {
    name: String,
    pending: u64,
    /// The number before the first that it delivers.
    before: u64,
    limits: Limits,
}

/// An open read.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) link: Arc<Link>,
    pub(crate) scope: Scope,
    pub(crate) consumer: String,
    pull: Pull,
    /// The last numbers seen, in the stream and in the consumer.
    pub(crate) last: u64,
    pub(crate) last_delivered: u64,
    /// The number before the first that the consumer delivers.
    pub(crate) before: u64,
    /// What is left until the end, as far as the consumer's server knows, ...
    pub(crate) left: Option<u64>,
    /// ... and the stream's last number, where that server may be behind.
    pub(crate) end: Option<u64>,
    pub(crate) followed: Option<Followed>,
    /// A request brought nothing: no other one is made until those that are under way ended.
    is_ending: bool,
    /// How many bytes a message has, and no fewer than a few.
    weight: usize,
    /// What went wrong after something was taken.
    failed: Option<TransportError>,
}

impl Reader {
    /// Begins to read.
    pub(crate) async fn open(link: &Arc<Link>, mut scope: Scope) -> Result<Self> {
        let facts = scope.followed.take();
        let end = if scope.until_end {
            end(link, &scope.stream).await?
        } else {
            None
        };
        let made = make(link, &scope, scope.begin).await?;
        let pull = Pull::open(link, (&scope.stream, &made.name), made.limits).await?;
        Ok(Self {
            link: Arc::clone(link),
            left: scope.until_end.then_some(made.pending),
            end,
            before: made.before,
            followed: facts.map(|facts| Followed::new(&facts, scope.begin, made.pending)),
            consumer: made.name,
            pull,
            scope,
            last: 0,
            last_delivered: 0,
            weight: USUAL,
            failed: None,
            is_ending: false,
        })
    }

    /// Waits for messages and returns at most `max`; none means that the end was reached. May be dropped.
    pub(crate) async fn take(&mut self, max: usize) -> Result<Vec<Arrived>> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        if let Some(news) = self.news().await? {
            return Err(news);
        }
        let mut taken = Vec::new();
        taken.extend(self.next().await?);
        while !taken.is_empty() && taken.len() < max {
            match self.next().now_or_never() {
                Some(Ok(Some(arrived))) => taken.push(arrived),
                Some(Err(failed)) => {
                    self.failed = Some(failed);
                    break;
                }
                _ => break,
            }
        }
        self.go();
        if taken.is_empty()
            && let Some(news) = self.news().await?
        {
            return Err(news);
        }
        Ok(taken)
    }

    /// Waits for the next message; none is the end, or that there is something to say. May be dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Arrived>> {
        loop {
            if self.has_news() {
                return Ok(None);
            }
            if self.left == Some(0) {
                if self.is_end().await? {
                    return Ok(None);
                }
                sleep(PAUSE).await;
                self.left = Some(self.begin_again().await?);
                continue;
            }
            self.ask().await?;
            match self.pull.next().await {
                Pulled::Message(arrived)
                    if arrived.consumer_sequence == self.last_delivered + 1 =>
                {
                    self.is_ending = false;
                    self.last = arrived.stream_sequence;
                    self.last_delivered = arrived.consumer_sequence;
                    self.left = self.left.map(|left| left - 1);
                    self.weigh(&arrived);
                    return Ok(Some(arrived));
                }
                Pulled::Ended(0) if self.left.is_some() => {
                    self.is_ending = self.pull.outstanding() > 0;
                    if !self.is_ending {
                        self.conclude().await?;
                    }
                }
                Pulled::Ended(_) => {}
                Pulled::Idle => self.look_idly().await?,
                Pulled::Refused(text) => return Err(refused(&self.consumer, &text)),
                Pulled::Lost => {
                    // What was delivered on the way is gone, and only another consumer delivers it again.
                    sleep(PAUSE).await;
                    self.begin_again().await?;
                }
                Pulled::Message(_) | Pulled::Deleted => {
                    self.begin_again().await?;
                }
                Pulled::Denied(denied) => return Err(denied),
            }
        }
    }

    async fn ask(&mut self) -> Result<()> {
        let (outstanding, batch) = (self.pull.outstanding(), self.batch());
        if self.is_ending && outstanding > 0 {
            return Ok(());
        }
        if outstanding > 0 && outstanding >= batch / 2 || !self.pull.may_ask() {
            return Ok(());
        }
        let Some(left) = self.left else {
            return self.pull.request(batch, true).await;
        };
        // The server refuses to promise more than there is.
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        match left.saturating_sub(outstanding).min(batch - outstanding) {
            0 => Ok(()),
            _ if !self.pull.may_ask() => Ok(()),
            batch => self.pull.request(batch, false).await,
        }
    }

    /// Returns how many messages are asked for: as many as are small together.
    fn batch(&self) -> usize {
        (BYTES / self.weight).clamp(LEAST, MOST)
    }

    /// Notes how many bytes a message has: a large one counts at once, and is forgotten by and by.
    fn weigh(&mut self, arrived: &Arrived) {
        let bytes = arrived.payload.len() + BESIDE;
        self.weight = bytes.max(self.weight - self.weight / 64);
    }

    /// Ends after what is there now. May be dropped.
    pub(crate) async fn until_end(&mut self) -> Result<()> {
        if self.left.is_none() {
            let end = end(&self.link, &self.scope.stream).await?;
            self.left = Some(self.begin_again().await?);
            self.end = end;
        }
        Ok(())
    }

    /// Makes another consumer behind the last message seen: the old one is gone, a message was lost on the way, or what
    /// is left has to be counted. Returns how many there are.
    async fn begin_again(&mut self) -> Result<u64> {
        let begin = self.place().await?;
        let made = if self.scope.patient {
            make_surely(&self.link, &self.scope, begin).await
        } else {
            make_soon(&self.link, &self.scope, begin).await
        };
        let made = made?;
        let place = (self.scope.stream.as_str(), made.name.as_str());
        let pull = Pull::open(&self.link, place, made.limits).await?;
        self.forget();
        self.consumer = made.name;
        self.pull = pull;
        self.last_delivered = 0;
        self.before = made.before;
        self.leave(made.pending);
        Ok(made.pending)
    }

    /// Lets the server delete the consumer, without waiting for it.
    fn forget(&self) {
        let (link, scope) = (Arc::clone(&self.link), &self.scope);
        let subject = format!("$JS.API.CONSUMER.DELETE.{}.{}", scope.stream, self.consumer);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = link.client.publish(subject, "".into()).await;
            });
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Makes a consumer as soon as there is a server.
async fn make_surely(link: &Link, scope: &Scope, begin: Begin) -> Result<Made> {
    loop {
        match make(link, scope, begin).await {
            Err(failed) if failed.is_transient() => sleep(PAUSE).await,
            made => return made,
        }
    }
}

/// Makes a consumer unless the server stays away; one that is there may wait for a leader.
async fn make_soon(link: &Link, scope: &Scope, begin: Begin) -> Result<Made> {
    let (patience, until) = (link.patience, Instant::now() + RIDE_OUT);
    loop {
        match timeout(patience, make_surely(link, scope, begin)).await {
            Ok(made) => return made,
            Err(_) if link.is_connected() && Instant::now() < until => {}
            Err(_) => return Err(gone(patience)),
        }
    }
}

fn gone(patience: Duration) -> TransportError {
    let patience = humantime::format_duration(patience);
    let message = format!("the server went away and did not come back within {patience}");
    error(ErrorKind::Unavailable, message)
}

/// Makes a consumer: another one each time it is tried, as a cluster may have given one to a server that just went down.
async fn make(link: &Link, scope: &Scope, begin: Begin) -> Result<Made> {
    let made = link.ride_out(|| make_one(link, scope, begin)).await;
    made.map_err(TransportError::from)
}

async fn make_one(link: &Link, scope: &Scope, begin: Begin) -> Result<Made, Refusal> {
    let name = format!("{READER}{}", Ulid::generate());
    let mut config = json!({
        "name": name,
        "ack_policy": "none",
        "replay_policy": "instant",
        "filter_subjects": scope.filters,
        "inactive_threshold": nanos(OUTLIVE),
        "num_replicas": 1,
        // A reader that lost its connection makes another one, so that none has to outlive its server.
        "mem_storage": true,
    });
    match begin {
        Begin::At(0 | 1) => config["deliver_policy"] = "all".into(),
        Begin::At(number) => {
            config["deliver_policy"] = "by_start_sequence".into();
            config["opt_start_seq"] = number.into();
        }
        Begin::Time(time) => {
            config["deliver_policy"] = "by_start_time".into();
            config["opt_start_time"] = written(time).into();
        }
    }
    let body = json!({"stream_name": scope.stream, "config": config, "action": "create"});
    let verb = format!("CONSUMER.CREATE.{}.{name}", scope.stream);
    let answer = link.ask(&verb, &body).await?;
    let pending = answer.get("num_pending").and_then(Value::as_u64);
    let unknown = || error(ErrorKind::Other, "the server does not tell what is pending");
    let pending = pending.ok_or_else(|| Refusal::Lost(unknown()))?;
    let before = answer.pointer("/delivered/stream_seq");
    let before = before.and_then(Value::as_u64).unwrap_or(0);
    let limits = answer.get("config").map(Limits::deserialize);
    Ok(Made {
        name,
        pending,
        before,
        limits: limits.and_then(std::result::Result::ok).unwrap_or_default(),
    })
}

/// Counts the messages that match from a number on.
pub(crate) async fn count(link: &Link, scope: &Scope, from: u64) -> Result<u64> {
    let made = make(link, scope, Begin::At(from)).await?;
    let verb = format!("CONSUMER.DELETE.{}.{}", scope.stream, made.name);
    link.api(verb, &json!({})).await?;
    Ok(made.pending)
}

/// Writes a time as the server reads it.
pub(crate) fn written(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Nanos, true)
}
