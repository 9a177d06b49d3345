//! A store in a folder of its own, and short words for what tests do with it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::{Message, Stored},
    transport::{
        Delivery, Failure, Fingerprint, Outgoing, SubscribeRequest, Subscription, TailFrom,
        TailRequest, Transport, Verdict,
    },
};

/// A store that is removed when this is dropped.
pub(crate) struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// Opens the store once more, as another process would.
    pub(crate) async fn open(&self) -> Arc<dyn Transport> {
        self.open_with("").await
    }

    pub(crate) async fn open_with(&self, parameters: &str) -> Arc<dyn Transport> {
        let url = format!("sqlite://{}?{parameters}", self.path().display());
        open(&url).await
    }

    /// Opens the file with the engine alone.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub(crate) async fn open(url: &str) -> Arc<dyn Transport> {
    let url = url.parse().unwrap();
    let options = OpenOptions::default();
    Registry::builtin().open(&url, options).await.unwrap()
}

pub(crate) fn message(topic: &str, key: Option<&str>, text: &str) -> Message {
    let mut message = Message::new(topic.parse().unwrap(), text.to_owned());
    message.key = key.map(|key| key.to_owned().into());
    message
}

/// Publishes texts to a topic.
pub(crate) async fn publish(transport: &dyn Transport, topic: &str, texts: &[&str]) {
    let batch = texts.iter().map(|text| message(topic, None, text).into());
    store(transport, batch.collect()).await;
}

pub(crate) async fn store(transport: &dyn Transport, batch: Vec<Outgoing>) {
    for result in transport.publish(batch).await {
        result.unwrap();
    }
}

pub(crate) fn request(group: &str, pattern: &str) -> SubscribeRequest {
    SubscribeRequest::new(group.parse().unwrap(), vec![pattern.parse().unwrap()])
}

/// Takes so many deliveries.
pub(crate) async fn take(subscription: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let more = within(10, subscription.next(count - taken.len())).await;
        let more = more.unwrap();
        assert!(!more.is_empty(), "ended after {} of {count}", taken.len());
        taken.extend(more);
    }
    taken
}

pub(crate) async fn settle(
    subscription: &dyn Subscription,
    taken: Vec<Delivery>,
    verdict: Verdict,
) {
    let batch = taken
        .into_iter()
        .map(|delivery| delivery.conclude(verdict.clone()));
    for result in subscription.settle(batch.collect()).await {
        result.unwrap();
    }
}

/// Reads all that is there.
pub(crate) async fn read(transport: &dyn Transport, pattern: &str) -> Vec<Stored> {
    let request = TailRequest {
        patterns: vec![pattern.parse().unwrap()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = transport.tail(request).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = tail.next(100).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

pub(crate) fn failure(message: &str) -> Failure {
    Failure {
        class: "exit 1".to_owned(),
        message: message.to_owned(),
        detail: None,
        duration: None,
        fingerprint: Fingerprint("1:abc".to_owned()),
    }
}

pub(crate) fn retry(after: Duration) -> Verdict {
    Verdict::Retry {
        after,
        failure: Box::new(failure("no")),
    }
}

pub(crate) fn texts<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Vec<String> {
    let text = |delivery: &Delivery| text(&delivery.stored);
    deliveries.into_iter().map(text).collect()
}

pub(crate) fn text(stored: &Stored) -> String {
    String::from_utf8(stored.message.bytes().to_vec()).unwrap()
}

/// Fails a test that would hang.
pub(crate) async fn within<F: Future>(seconds: u64, future: F) -> F::Output {
    let limit = Duration::from_secs(seconds);
    tokio::time::timeout(limit, future).await.expect("too slow")
}
