//! A part of the shared broker for tests of dead letters.

use std::{sync::Arc, time::SystemTime};

use protoflow::{
    event::{Group, Message, Position, Stored, Topic},
    transport::{
        Attempts, DeadLetter, DeadLetterId, DeadLetterKind, Delivery, JobAction, JobId, JobLease,
        Resolution, Selection, Ticket, Transport, describe_failure,
    },
};
use test_support::kafka::{Broker, Raw};

use super::connect::Connect as _;

/// A part of the shared broker that nobody else uses.
pub(crate) struct Shelf {
    pub(crate) parameters: String,
    pub(crate) prefix: String,
    pub(crate) raw: Raw,
    pub(crate) transport: Arc<dyn Transport>,
}

impl Shelf {
    pub(crate) async fn new(partitions: u32) -> Self {
        Self::of(Broker::shared(), partitions).await
    }

    /// A part of a broker of one's own.
    pub(crate) async fn of(broker: &Broker, partitions: u32) -> Self {
        let prefix = format!("letters{:x}.", fastrand::u64(..));
        let parameters = format!("partitions={partitions}&prefix={prefix}");
        Self {
            transport: broker.connect(&parameters, true).await.unwrap(),
            raw: Raw::new(broker.address()),
            parameters,
            prefix,
        }
    }

    pub(crate) async fn again(&self) -> Arc<dyn Transport> {
        let broker = Broker::shared();
        broker.connect(&self.parameters, true).await.unwrap()
    }

    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Asks the broker something that has a runtime of its own.
    pub(crate) fn aside<T: Send>(&self, ask: impl FnOnce(&Raw) -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| ask(&self.raw)).join().unwrap())
    }

    pub(crate) fn make(&self, topic: &str, settings: &[(&str, &str)]) {
        let name = self.name(topic);
        self.aside(|raw| raw.make(&name, 1, settings));
    }

    pub(crate) async fn import(&self, letters: &[DeadLetter]) {
        for answer in self.transport.dead_letters().import(letters.to_vec()).await {
            assert!(answer.unwrap(), "it is new");
        }
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        select(&*self.transport, &Selection::default()).await
    }

    pub(crate) async fn plan(&self, action: JobAction, letters: &[DeadLetter]) -> JobId {
        let store = self.transport.dead_letters();
        let job = store.plan(action, "--ids").await.unwrap();
        for letters in letters.chunks(100) {
            store.enlist(&job, letters).await.unwrap();
        }
        job
    }

    pub(crate) async fn run(
        &self,
        action: JobAction,
        letters: &[DeadLetter],
    ) -> Vec<(DeadLetterId, Resolution)> {
        let job = self.plan(action, letters).await;
        let store = self.transport.dead_letters();
        let lease = store.lease(&job, "tester").await.unwrap();
        finish(&*self.transport, lease).await
    }

    /// Returns the letters that the records of a topic replay, in the order of their names.
    pub(crate) fn replayed(&self, topic: &str) -> Vec<String> {
        let records = self.raw.topic(&self.name(topic));
        let mut names: Vec<_> = records
            .iter()
            .filter_map(test_support::kafka::records::Stored::replay_of)
            .collect();
        names.sort();
        names
    }
}

pub(crate) async fn select(transport: &dyn Transport, selection: &Selection) -> Vec<DeadLetter> {
    let mut scan = transport.dead_letters().scan(selection).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = scan.next(100).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().filter(|letter| selection.matches(letter)));
    }
}

pub(crate) async fn finish(
    transport: &dyn Transport,
    lease: JobLease,
) -> Vec<(DeadLetterId, Resolution)> {
    let store = transport.dead_letters();
    let mut all = Vec::new();
    loop {
        let some = store.advance(&lease, 100, None).await.unwrap();
        if some.is_empty() {
            store.release(lease, true).await.unwrap();
            return all;
        }
        all.extend(some);
    }
}

pub(crate) fn topic(name: &str) -> Topic {
    name.parse().unwrap()
}

pub(crate) fn to(name: &str) -> JobAction {
    JobAction::Replay {
        to: Some(topic(name)),
    }
}

/// Makes a letter of a message of another store, which stood at this number.
pub(crate) fn letter(name: &str, number: usize) -> DeadLetter {
    let mut message = Message::new(topic(name), format!("{number}"));
    message.key = Some(format!("k{}", number % 7).into());
    let position = Position::new(format!("{name}/{}/{number}", number % 3));
    bury(message, position)
}

pub(crate) fn bury(message: Message, position: Position) -> DeadLetter {
    let group: Group = "g".parse().unwrap();
    let stored = Stored {
        message,
        position,
        time: SystemTime::now(),
    };
    let delivery = Delivery::new(stored, Attempts::default(), None, Ticket(0));
    let failure = describe_failure("exit 1", "boom", Some("much to tell"));
    DeadLetter::of(
        "kafka",
        "elsewhere",
        &group,
        &delivery,
        DeadLetterKind::Exhausted,
        failure,
    )
}

pub(crate) fn bare(mut letters: Vec<DeadLetter>) -> Vec<DeadLetter> {
    for letter in &mut letters {
        letter.at = None;
    }
    letters
}

pub(crate) fn names(letters: &[DeadLetter]) -> Vec<String> {
    let names = letters.iter().map(|letter| letter.id.to_string());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

pub(crate) fn all_done(outcomes: &[(DeadLetterId, Resolution)], count: usize) {
    assert_eq!(outcomes.len(), count);
    assert!(
        outcomes
            .iter()
            .all(|(_, outcome)| *outcome == Resolution::Done),
        "{outcomes:?}"
    );
}
