//! A store with events in it, handlers that follow a script, and a record of what was told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use protoflow::Event;
use protoflow::{
    backends::{OpenOptions, Registry},
    event::{EventExt, Message, Topic, event},
    runtime::{
        ConsumeError, ConsumeOptions, Consumer, FromDelivery, Handler, HandlerError, IntoHandler,
        Notice, Observer, RetryPolicy, Stop, Summary,
    },
    transport::{DeadLetter, Outgoing, Selection, SubscribeRequest, Transport},
};

/// What was told, one short line each.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn count(&self, start: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    }
}

impl Observer for Log {
    fn notice(&self, notice: Notice<'_>) {
        if matches!(notice, Notice::Joined | Notice::Backlog(..)) {
            return;
        }
        self.add(match notice {
            Notice::Acked(_) => "acked".to_owned(),
            Notice::Skipped(_, reason) => format!("skipped: {reason}"),
            Notice::Retrying(_, after, failure) => {
                format!("retry in {after:?}: {}", failure.message)
            }
            Notice::DeadLettered(_, kind, failure) => format!("dead ({kind}): {}", failure.message),
            Notice::Returned(_) => "returned".to_owned(),
            Notice::Unsettled(_, error) => format!("unsettled: {error}"),
            Notice::TransientError(error) => format!("trouble: {error}"),
            Notice::Gap(error) => format!("gap: {error}"),
            Notice::BreakerOpened(open) => format!("breaker opened: {open}"),
            Notice::BreakerClosed => "breaker closed".to_owned(),
            Notice::Draining(running) => format!("draining {running}"),
            other => format!("{other:?}"),
        });
    }
}

/// A store of its own and the defaults of a consumer.
pub struct Bench {
    pub transport: Arc<dyn Transport>,
    pub options: ConsumeOptions,
    pub log: Log,
    pub stop: Stop,
}

pub const TOPIC: &str = "order.created";

pub fn topic() -> Topic {
    TOPIC.parse().unwrap()
}

impl Bench {
    pub async fn new() -> Self {
        let url = "memory:".parse().unwrap();
        let registry = Registry::builtin();
        let transport = registry.open(&url, OpenOptions::default()).await.unwrap();
        let mut request = SubscribeRequest::new("billing".parse().unwrap(), vec![topic().into()]);
        request.until_end = true;
        let policy = RetryPolicy {
            jitter: false,
            ..RetryPolicy::default()
        };
        Self {
            transport,
            options: ConsumeOptions {
                policy,
                ..ConsumeOptions::new(request)
            },
            log: Log::default(),
            stop: Stop::default(),
        }
    }

    /// Stores events whose subject is `0`, `1`, … .
    pub async fn with_events(count: usize) -> Self {
        let bench = Self::new().await;
        for subject in 0..count {
            bench.publish(numbered(subject)).await;
        }
        bench
    }

    pub async fn publish(&self, event: Event) {
        let encoding = self.transport.encoding();
        let message = protoflow::event::encode(&event, topic(), encoding).unwrap();
        self.publish_raw(message).await;
    }

    pub async fn publish_raw(&self, message: Message) {
        let results = self.transport.publish(vec![Outgoing::from(message)]).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }

    pub async fn publish_text(&self, payload: &str) {
        self.publish_raw(Message::new(topic(), payload.to_owned()))
            .await;
    }

    pub async fn run<By>(&self, handler: impl IntoHandler<By>) -> Result<Summary, ConsumeError> {
        self.run_on(Arc::clone(&self.transport), handler).await
    }

    pub async fn run_on<By>(
        &self,
        transport: Arc<dyn Transport>,
        handler: impl IntoHandler<By>,
    ) -> Result<Summary, ConsumeError> {
        let handler = handler.into_handler(transport.encoding());
        let observer = Arc::new(self.log.clone());
        let consumer = Consumer::new(transport, self.options.clone(), handler, observer);
        let run = consumer.run(self.stop.clone());
        tokio::time::timeout(Duration::from_hours(24), run)
            .await
            .expect("it ends")
    }

    pub async fn letters(&self) -> Vec<DeadLetter> {
        let letters = self.transport.dead_letters();
        let mut scan = letters.scan(&Selection::default()).await.unwrap();
        let mut all = Vec::new();
        loop {
            let some = scan.next(100).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }
}

pub fn numbered(subject: usize) -> Event {
    event(TOPIC, "/shop")
        .subject(subject.to_string())
        .build()
        .unwrap()
}

pub fn number(event: &Event) -> usize {
    use cloudevents::AttributesReader;
    event.subject().unwrap().parse().unwrap()
}

/// Handles everything.
pub async fn accept(_: Event) -> Result<(), HandlerError> {
    Ok(())
}

/// Fails every time.
pub async fn refuse(event: Event) -> Result<(), HandlerError> {
    Err(HandlerError::retry(format!(
        "run {} failed",
        event.attempt()
    )))
}

/// Compiles if everything that handles can be passed on.
#[expect(dead_code, reason = "only has to compile")]
fn every_shape_compiles(raw: impl Handler) {
    fn check<By>(_: impl IntoHandler<By>) {}
    fn takes<A: FromDelivery>() {}
    check(raw);
    check(accept);
    check(|_: Event| async { Ok(()) });
    check(|event: Event| async move { Ok(vec![event]) });
    check(async |_: Message| Ok(()));
    check(|event: Event, run: protoflow::runtime::Run| async move {
        let number: u32 = event.attempt().to_string().parse()?;
        if number > run.max_attempts {
            return Err(HandlerError::skip("too many"));
        }
        Ok(())
    });
    takes::<protoflow::event::Stored>();
}
