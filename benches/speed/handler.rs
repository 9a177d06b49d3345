//! Consuming in process with a handler that does nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use protoflow::{
    RetryPolicy,
    event::decode,
    runtime::{
        BreakerOptions, ConsumeOptions, Consumer, Handler, Outcome, Run, Stop, Summary, fingerprint,
    },
    transport::{Dedup, Delivery, Failure, SubscribeRequest, Transport},
};

use crate::{
    events::{self, TOPIC},
    program::{block_on, open},
    raw::Fate,
};

/// Messages at a time, as the product takes them: a third of the 1,000 that may be in flight.
pub const BATCH: usize = 333;

/// What becomes of a message, by its number and whether it failed before.
pub type Fates = fn(u64, bool) -> Fate;

/// A handler that does nothing.
#[derive(Clone, Copy)]
pub struct Idle {
    pub decoded: bool,
    pub fates: Fates,
}

impl Idle {
    /// Acknowledges messages.
    pub const MESSAGES: Self = Self {
        decoded: false,
        fates: |_, _| Fate::Ack,
    };
    /// Decodes events and acknowledges them.
    pub const EVENTS: Self = Self {
        decoded: true,
        fates: |_, _| Fate::Ack,
    };
    /// Tries every tenth twice, and every hundredth dies.
    pub const MIXED: Self = Self {
        decoded: false,
        fates: mixed,
    };
    /// Lets every message die.
    pub const DEADLY: Self = Self {
        decoded: false,
        fates: |_, _| Fate::Dead,
    };

    /// Returns that of a child with this role.
    pub fn of_role(role: &str) -> Self {
        match role {
            "consume-messages" => Self::MESSAGES,
            "consume-events" => Self::EVENTS,
            "consume-mixed" => Self::MIXED,
            "bury" => Self::DEADLY,
            other => panic!("there is no role `{other}`"),
        }
    }

    /// Makes sure that what was counted is what has to become of so many messages.
    pub fn check(self, summary: &Summary, events: u64) {
        let count = |fate| {
            (1..=events)
                .filter(|&n| (self.fates)(n, false) == fate)
                .count() as u64
        };
        assert_eq!(summary.dead_lettered, count(Fate::Dead));
        assert_eq!(summary.retried, count(Fate::Retry));
        assert_eq!(summary.acked + summary.dead_lettered, events);
    }
}

fn mixed(number: u64, again: bool) -> Fate {
    match number % 100 {
        0 => Fate::Dead,
        n if n % 10 == 5 && !again => Fate::Retry,
        _ => Fate::Ack,
    }
}

/// Consumes what is there, and marks what was handled.
pub async fn consume_marking(
    transport: Arc<dyn Transport>,
    group: &str,
    handler: Idle,
) -> (Duration, Summary) {
    consume_with(transport, group, handler, Some(Dedup::default())).await
}

/// Consumes what is there; returns how long that took, joining the group and leaving it included.
pub async fn consume(
    transport: Arc<dyn Transport>,
    group: &str,
    handler: Idle,
) -> (Duration, Summary) {
    consume_with(transport, group, handler, None).await
}

async fn consume_with(
    transport: Arc<dyn Transport>,
    group: &str,
    handler: Idle,
    dedup: Option<Dedup>,
) -> (Duration, Summary) {
    let mut request = SubscribeRequest::new(group.parse().unwrap(), vec![TOPIC.parse().unwrap()]);
    request.until_end = true;
    request.dedup = dedup;
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let options = ConsumeOptions {
        policy,
        breaker: BreakerOptions::never(),
        ..ConsumeOptions::new(request)
    };
    let start = Instant::now();
    let consumer = Consumer::new(transport, options, handler, Arc::new(()));
    let summary = consumer.run(Stop::default()).await.unwrap();
    (start.elapsed(), summary)
}

/// Consumes everything in a group that has the name of the role.
pub fn work(url: &str, role: &str, handler: Idle) {
    block_on(async {
        let transport = open(url).await;
        consume(transport.clone(), role, handler).await;
        transport.close().await.unwrap();
    });
}

#[async_trait]
impl Handler for Idle {
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        if self.decoded {
            std::hint::black_box(decode(&delivery.stored.message).unwrap());
        }
        let payload = delivery.stored.message.payload.as_ref().unwrap();
        let number = events::number(payload);
        match (self.fates)(number, run.attempt > 1) {
            Fate::Ack => Outcome::Ack(Vec::new()),
            Fate::Retry => Outcome::Retry(None, failure()),
            Fate::Dead => Outcome::DeadLetter(failure()),
        }
    }
}

fn failure() -> Failure {
    Failure {
        class: "refused".into(),
        message: "card declined".into(),
        detail: None,
        duration: None,
        fingerprint: fingerprint("refused", "card declined"),
    }
}
