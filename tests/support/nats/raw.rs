//! A client that knows nothing of ours: makes streams, and reads what they hold.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{
        self, Context,
        consumer::{AckPolicy, PullConsumer, pull},
        context::GetStreamErrorKind,
        stream,
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use tokio::{runtime::Builder, time::timeout};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How long one answer is waited for that may not come.
const ONCE: Duration = Duration::from_secs(1);
/// The pause before something is read again.
const PAUSE: Duration = Duration::from_millis(50);
/// How many messages are asked for at once.
const BATCH: usize = 5000;

/// One stream of a server, asked over a new connection each time, so that the server may be killed meanwhile.
#[derive(Clone)]
pub struct Raw {
    server: String,
    pub name: String,
}

/// A message as it is stored.
pub struct Stored {
    pub subject: String,
    pub number: u64,
    pub headers: HeaderMap,
    pub payload: Vec<u8>,
}

impl Raw {
    /// Speaks of a stream; the URL is that of the server alone.
    pub fn new(server: &str, name: &str) -> Self {
        Self {
            server: server.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
        }
    }

    /// Returns a stream's settings as `--create` makes them.
    pub fn prepared(&self) -> stream::Config {
        let mut config = self.plain();
        config.subjects.push(format!("_pf.in.{}.>", self.name));
        config.allow_direct = true;
        config.allow_atomic_publish = true;
        config.allow_message_schedules = true;
        config
    }

    /// Returns a stream's settings as the Go library makes them: no schedules, no batches.
    pub fn plain(&self) -> stream::Config {
        stream::Config {
            name: self.name.clone(),
            subjects: vec![format!("{}.>", self.name)],
            max_age: Duration::from_hours(7 * 24),
            ..stream::Config::default()
        }
    }

    fn ask<T>(&self, work: impl AsyncFnOnce(Context) -> T) -> T {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let work = async {
            let client = async_nats::connect(&self.server).await.unwrap();
            work(jetstream::new(client)).await
        };
        let answer = runtime.block_on(async { timeout(TIMEOUT, work).await });
        answer.expect("the server answers")
    }

    /// Makes a stream.
    pub fn make(&self, config: stream::Config) {
        self.ask(async |context| context.create_stream(config).await.map(drop).unwrap());
    }

    /// Changes a stream.
    pub fn change(&self, config: stream::Config) {
        self.ask(async |context| context.update_stream(config).await.map(drop).unwrap());
    }

    /// Makes a group's consumer as `pf` does, only less patient with one that went down.
    pub fn make_group(&self, group: &str, topic: &str, ack_wait: Duration) {
        let config = pull::Config {
            durable_name: Some(group.to_owned()),
            filter_subjects: vec![format!("{}.{topic}", self.name)],
            ack_policy: AckPolicy::Explicit,
            ack_wait,
            max_deliver: -1,
            max_ack_pending: 200_000,
            ..pull::Config::default()
        };
        self.ask(async |context| {
            let stream = context.get_stream(&self.name).await.unwrap();
            stream.create_consumer(config).await.unwrap();
        });
    }

    /// Tells of a group's consumer; nothing if it is not there yet.
    pub fn group(&self, group: &str) -> Option<jetstream::consumer::Info> {
        self.ask(async |context| {
            let stream = context.get_stream(&self.name).await.unwrap();
            let consumer: PullConsumer = stream.get_consumer(group).await.ok()?;
            Some(consumer.cached_info().clone())
        })
    }

    /// Makes a consumer of another program, which drops a message after so many deliveries.
    pub fn make_strict(&self, name: &str, topic: &str, deliveries: i64) {
        let config = pull::Config {
            durable_name: Some(name.to_owned()),
            filter_subject: format!("{}.{topic}", self.name),
            ack_policy: AckPolicy::Explicit,
            max_deliver: deliveries,
            ..pull::Config::default()
        };
        self.ask(async |context| {
            let stream = context.get_stream(&self.name).await.unwrap();
            stream.create_consumer(config).await.unwrap();
        });
    }

    /// Takes so many deliveries of a consumer and says something about each.
    pub fn answer(&self, consumer: &str, count: usize, word: &'static str) {
        self.ask(async |context| {
            let stream = context.get_stream(&self.name).await.unwrap();
            let consumer: PullConsumer = stream.get_consumer(consumer).await.unwrap();
            let one = consumer.stream().max_messages_per_batch(1);
            let mut messages = one.messages().await.unwrap().take(count);
            while let Some(message) = messages.next().await {
                let reply = message.unwrap().reply.clone().unwrap();
                let said = context.client().request(reply, word.into()).await;
                said.unwrap();
            }
            // The server notices that a message is dropped when it would deliver it next.
            let next = consumer.fetch().max_messages(1).messages().await.unwrap();
            next.for_each(async |_| {}).await;
        });
    }

    /// Counts what a stream beside ours holds.
    pub fn held_beside(&self, end: &str) -> u64 {
        self.ask(async |context| {
            let stream = context.get_stream(format!("{}_{end}", self.name)).await;
            stream.unwrap().cached_info().state.messages
        })
    }

    /// Deletes a message.
    pub fn delete(&self, number: u64) {
        self.ask(async |context| {
            let stream = context.get_stream(&self.name).await.unwrap();
            stream.delete_message(number).await.unwrap();
        });
    }

    /// Publishes a message with the headers of another one, without those that the server reads.
    pub fn write(&self, topic: &str, like: &Stored, payload: &[u8]) {
        let subject = format!("{}.{topic}", self.name);
        let mut headers = HeaderMap::new();
        for (name, values) in like.headers.iter() {
            for value in values {
                if !name.to_string().starts_with("Nats-") {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
        self.ask(async |context| {
            let payload = payload.to_vec().into();
            let sent = context
                .publish_with_headers(subject, headers, payload)
                .await;
            sent.unwrap().await.unwrap();
        });
    }

    /// Asks the server's interface.
    pub fn api(&self, verb: &str, question: &Value) -> Value {
        let verb = format!("{verb}.{}", self.name);
        self.ask(async |context| context.request(verb, question).await.unwrap())
    }

    /// Asks the server's interface something that it may refuse, or not answer at the moment.
    pub fn ask_once(&self, verb: &str, question: &Value) -> Option<Value> {
        self.ask(async |mut context| {
            context.set_timeout(ONCE);
            let answer: Value = context.request(verb.to_owned(), question).await.ok()?;
            answer.get("error").is_none().then_some(answer)
        })
    }

    /// Counts the messages of a topic; those that come meanwhile are counted or not.
    pub fn count(&self, topic: &str) -> u64 {
        self.count_of(&format!("{}.{topic}", self.name))
    }

    /// Counts what waits for its time.
    pub fn scheduled(&self) -> u64 {
        self.count_of(&format!("_pf.in.{}.later.*", self.name))
    }

    fn count_of(&self, filter: &str) -> u64 {
        let answer = self.api("STREAM.INFO", &json!({"subjects_filter": filter}));
        let subjects = answer["state"]["subjects"].as_object();
        let counts = subjects.into_iter().flat_map(|subjects| subjects.values());
        counts.filter_map(Value::as_u64).sum()
    }

    /// Returns the messages of a topic.
    pub fn topic(&self, topic: &str) -> Vec<Stored> {
        self.messages(&self.name, &format!("{}.{topic}", self.name))
    }

    /// Returns the dead letters.
    pub fn letters(&self) -> Vec<Stored> {
        self.messages(&format!("{}_DLQ", self.name), ">")
    }

    /// Returns what is noted of what an action has handled.
    pub fn marks(&self, action: &str) -> Vec<Stored> {
        let subject = format!("_pf.side.{}.marks.{action}.*", self.name);
        self.messages(&format!("{}_PF", self.name), &subject)
    }

    /// Returns what a stream holds under a subject; nothing if there is no such stream.
    fn messages(&self, stream: &str, filter: &str) -> Vec<Stored> {
        self.ask(async |context| {
            loop {
                if let Some(messages) = read(&context, stream, filter).await {
                    return messages;
                }
                // A cluster gives a consumer to a server that just went down, or does not know it everywhere yet.
                tokio::time::sleep(PAUSE).await;
            }
        })
    }

    /// Returns the last message under a subject of a stream, if there is one.
    pub fn last(&self, stream: &str, filter: &str) -> Option<Vec<u8>> {
        self.ask(async |context| {
            let stream = context.get_stream(stream).await.ok()?;
            let last = stream.get_last_raw_message_by_subject(filter).await.ok()?;
            Some(last.payload.to_vec())
        })
    }

    /// Lets the lease of whoever works on dead letters run out.
    pub fn end_lease(&self) {
        self.ask(async |context| {
            let Ok(side) = context.get_stream(format!("{}_PF", self.name)).await else {
                return;
            };
            let lease = format!("_pf.side.{}.lease", self.name);
            side.purge().filter(lease).await.unwrap();
        });
    }
}

/// Reads what a stream holds under a subject, if it can be read at the moment.
async fn read(context: &Context, stream: &str, filter: &str) -> Option<Vec<Stored>> {
    let stream = match context.get_stream(stream).await {
        Ok(stream) => stream,
        Err(failed) if matches!(failed.kind(), GetStreamErrorKind::JetStream(_)) => {
            return Some(Vec::new());
        }
        Err(_) => return None,
    };
    let config = pull::Config {
        ack_policy: AckPolicy::None,
        filter_subject: filter.to_owned(),
        ..pull::Config::default()
    };
    let consumer: PullConsumer = stream.create_consumer(config).await.ok()?;
    let count = usize::try_from(consumer.cached_info().num_pending).unwrap();
    let messages = consumer.stream().max_messages_per_batch(BATCH);
    let messages = messages.messages().await.ok()?.take(count);
    let messages: Vec<Stored> = messages
        .map(|message| message.map(|message| stored(&message)))
        .try_collect()
        .await
        .ok()?;
    assert_eq!(messages.len(), count);
    Some(messages)
}

fn stored(message: &jetstream::Message) -> Stored {
    Stored {
        subject: message.subject.to_string(),
        number: message.info().unwrap().stream_sequence,
        headers: message.headers.clone().unwrap_or_default(),
        payload: message.payload.to_vec(),
    }
}

impl Stored {
    /// Returns the letter that a replayed message was.
    pub fn replay_of(&self) -> Option<String> {
        let lineage = self.headers.get("pf-replay")?.as_str();
        let lineage: Value = serde_json::from_str(lineage).unwrap();
        Some(lineage["replay_of"].as_str().unwrap().to_owned())
    }

    /// Returns the id of a dead letter.
    pub fn letter_id(&self) -> String {
        let (_, id) = self.subject.rsplit_once('.').unwrap();
        id.to_owned()
    }

    /// Returns the id of the event.
    pub fn id(&self) -> String {
        let event: Value = serde_json::from_slice(&self.payload).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }
}
