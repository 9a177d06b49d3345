//! Reading a stream in order with a consumer of our own that is gone when the reader is.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use ulid::Ulid;

use super::{
    api::RIDE_OUT,
    connection::Link,
    error,
    errors::Refusal,
    pull::{Arrived, Pull, Pulled},
    stream::nanos,
};
use crate::transport::{ErrorKind, Result, TransportError};

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
pub(super) fn is_reader(consumer: &str) -> bool {
    let id = consumer.strip_prefix(READER);
    id.is_some_and(|id| Ulid::from_string(id).is_ok())
}

/// Where to begin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// With this number or the next one there is.
    At(u64),
    /// With the first stored at or after this time.
    Time(SystemTime),
}

impl Begin {
    /// Reports whether a message that was stored at a time is not before the beginning for that.
    fn admits(self, time: SystemTime) -> bool {
        match self {
            Self::At(_) => true,
            Self::Time(begin) => time >= begin,
        }
    }
}

/// What to read.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) stream: String,
    pub(super) filters: Vec<String>,
    pub(super) begin: Begin,
    /// End after what is there now.
    pub(super) until_end: bool,
    /// Wait for a server that went away, however long it takes.
    pub(super) patient: bool,
}

/// A consumer that exists.
#[derive(Debug)]
struct Made {
    name: String,
    pending: u64,
    /// The number before the first that it delivers.
    before: u64,
}

/// An open read.
#[derive(Debug)]
pub(super) struct Reader {
    link: Arc<Link>,
    scope: Scope,
    consumer: String,
    pull: Pull,
    /// The last numbers seen, in the stream and in the consumer.
    last: u64,
    last_delivered: u64,
    /// The number before the first that the consumer delivers.
    before: u64,
    /// What is left until the end, as far as the consumer's server knows, ...
    left: Option<u64>,
    /// ... and the stream's last number, where that server may be behind.
    end: Option<u64>,
    /// How many bytes a message has, and no fewer than a few.
    weight: usize,
    /// What went wrong after something was taken.
    failed: Option<TransportError>,
}

impl Reader {
    /// Begins to read.
    pub(super) async fn open(link: &Arc<Link>, scope: Scope) -> Result<Self> {
        let end = if scope.until_end {
            end(link, &scope.stream).await?
        } else {
            None
        };
        let made = make(link, &scope, scope.begin).await?;
        let pull = Pull::open(link, &scope.stream, &made.name).await?;
        Ok(Self {
            link: Arc::clone(link),
            left: scope.until_end.then_some(made.pending),
            end,
            before: made.before,
            consumer: made.name,
            pull,
            scope,
            last: 0,
            last_delivered: 0,
            weight: USUAL,
            failed: None,
        })
    }

    /// Waits for messages and returns at most `max`; none means that the end was reached. May be dropped.
    pub(super) async fn take(&mut self, max: usize) -> Result<Vec<Arrived>> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
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
        Ok(taken)
    }

    /// Waits for the next message; none is the end. May be dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Arrived>> {
        loop {
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
                    self.last = arrived.stream_sequence;
                    self.last_delivered = arrived.consumer_sequence;
                    self.left = self.left.map(|left| left - 1);
                    self.weigh(&arrived);
                    return Ok(Some(arrived));
                }
                Pulled::Ended(0) if self.left.is_some() && self.pull.outstanding() == 0 => {
                    self.left = Some(0);
                }
                Pulled::Ended(_) => {}
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

    /// Asks the stream's leader whether nothing is left: a replica that serves a consumer may lack what was just confirmed.
    async fn is_end(&mut self) -> Result<bool> {
        let Some(end) = self.end else {
            return Ok(true);
        };
        let next = self.last.max(self.before) + 1;
        let all = [">".to_owned()];
        let filters = match &*self.scope.filters {
            [] => &all[..],
            filters => filters,
        };
        for filter in filters.iter().filter(|_| next <= end) {
            let what = json!({"seq": next, "next_by_subj": filter});
            match self.link.get(&self.scope.stream, &what).await {
                Ok(Some(found)) if found.number <= end && self.scope.begin.admits(found.time) => {
                    return Ok(false);
                }
                // Who may not ask believes what the replica says.
                Ok(_) => {}
                Err(failed) if failed.kind() == ErrorKind::Denied => {}
                Err(failed) => return Err(failed),
            }
        }
        self.end = None;
        Ok(true)
    }

    async fn ask(&mut self) -> Result<()> {
        let (outstanding, batch) = (self.pull.outstanding(), self.batch());
        if outstanding > 0 && outstanding >= batch / 2 {
            return Ok(());
        }
        let Some(left) = self.left else {
            return self.pull.request(batch, true).await;
        };
        // The server refuses to promise more than there is.
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        match left.saturating_sub(outstanding).min(batch - outstanding) {
            0 => Ok(()),
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
    pub(super) async fn until_end(&mut self) -> Result<()> {
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
        let begin = match (self.last, self.scope.begin) {
            (0, begin) => begin,
            (last, _) => Begin::At(last + 1),
        };
        let made = if self.scope.patient {
            make_surely(&self.link, &self.scope, begin).await
        } else {
            make_soon(&self.link, &self.scope, begin).await
        };
        let made = made?;
        let pull = Pull::open(&self.link, &self.scope.stream, &made.name).await?;
        self.forget();
        self.consumer = made.name;
        self.pull = pull;
        self.last_delivered = 0;
        self.before = made.before;
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

/// Returns the last number of a stream that has replicas, as its leader knows it.
async fn end(link: &Link, stream: &str) -> Result<Option<u64>> {
    if link.client.server_info().cluster.is_none() {
        return Ok(None);
    }
    let facts = link.find_stream(stream).await?;
    let replicated = facts.filter(|facts| facts.config.num_replicas > 1);
    Ok(replicated.map(|facts| facts.state.last_seq))
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
    Ok(Made {
        name,
        pending,
        before: before.and_then(Value::as_u64).unwrap_or(0),
    })
}

/// Counts the messages that match from a number on.
pub(super) async fn count(link: &Link, scope: &Scope, from: u64) -> Result<u64> {
    let made = make(link, scope, Begin::At(from)).await?;
    let verb = format!("CONSUMER.DELETE.{}.{}", scope.stream, made.name);
    link.api(verb, &json!({})).await?;
    Ok(made.pending)
}

/// Writes a time as the server reads it.
pub(super) fn written(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Nanos, true)
}
