//! Dead letters in Kafka: what is stored, what others stored, and work on them that is cut off in its midst.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use protoflow::{
    event::{Group, Message, Position, Stored, Topic},
    transport::{
        Attempts, DeadLetter, Delivery, ErrorKind, JobAction, JobId, JobLease, LetterId,
        LetterKind, Resolution, Selection, Ticket, Transport, describe_failure,
    },
};

use crate::{
    raw::{Raw, Record},
    server::Broker,
};

/// A part of the shared broker that nobody else uses.
struct Shelf {
    parameters: String,
    prefix: String,
    raw: Raw,
    transport: Arc<dyn Transport>,
}

impl Shelf {
    async fn new(partitions: u32) -> Self {
        let prefix = format!("letters{:x}.", fastrand::u64(..));
        let parameters = format!("partitions={partitions}&prefix={prefix}");
        let broker = Broker::shared();
        Self {
            transport: broker.connect(&parameters, true).await.unwrap(),
            raw: Raw::new(broker.address()),
            parameters,
            prefix,
        }
    }

    async fn again(&self) -> Arc<dyn Transport> {
        let broker = Broker::shared();
        broker.connect(&self.parameters, true).await.unwrap()
    }

    fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Asks the broker something that has a runtime of its own.
    fn aside<T: Send>(&self, ask: impl FnOnce(&Raw) -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| ask(&self.raw)).join().unwrap())
    }

    fn make(&self, topic: &str, settings: &[(&str, &str)]) {
        let name = self.name(topic);
        self.aside(|raw| raw.make(&name, 1, settings));
    }

    async fn import(&self, letters: &[DeadLetter]) {
        for answer in self.transport.dead_letters().import(letters.to_vec()).await {
            assert!(answer.unwrap(), "it is new");
        }
    }

    async fn letters(&self) -> Vec<DeadLetter> {
        select(&*self.transport, &Selection::default()).await
    }

    async fn plan(&self, action: JobAction, letters: &[DeadLetter]) -> JobId {
        let store = self.transport.dead_letters();
        let job = store.plan(action, "--ids").await.unwrap();
        for letters in letters.chunks(100) {
            store.enlist(&job, letters).await.unwrap();
        }
        job
    }

    async fn run(&self, action: JobAction, letters: &[DeadLetter]) -> Vec<(LetterId, Resolution)> {
        let job = self.plan(action, letters).await;
        let store = self.transport.dead_letters();
        let lease = store.lease(&job, "tester").await.unwrap();
        finish(&*self.transport, lease).await
    }

    /// Returns the letters that the records of a topic replay, in the order of their names.
    fn replayed(&self, topic: &str) -> Vec<String> {
        let records = self.raw.topic(&self.name(topic));
        let mut names: Vec<_> = records
            .iter()
            .filter_map(crate::raw::Stored::replay_of)
            .collect();
        names.sort();
        names
    }
}

async fn select(transport: &dyn Transport, selection: &Selection) -> Vec<DeadLetter> {
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

async fn finish(transport: &dyn Transport, lease: JobLease) -> Vec<(LetterId, Resolution)> {
    let store = transport.dead_letters();
    let mut all = Vec::new();
    loop {
        let some = store.advance(&lease, 100).await.unwrap();
        if some.is_empty() {
            store.release(lease, true).await.unwrap();
            return all;
        }
        all.extend(some);
    }
}

fn topic(name: &str) -> Topic {
    name.parse().unwrap()
}

fn to(name: &str) -> JobAction {
    JobAction::Replay {
        to: Some(topic(name)),
    }
}

/// Makes a letter of a message of another store, which stood at this number.
fn letter(name: &str, number: usize) -> DeadLetter {
    let mut message = Message::new(topic(name), format!("{number}"));
    message.key = Some(format!("k{}", number % 7).into());
    let position = Position::new(format!("{name}/{}/{number}", number % 3));
    bury(message, position)
}

fn bury(message: Message, position: Position) -> DeadLetter {
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
        LetterKind::Exhausted,
        failure,
    )
}

fn bare(mut letters: Vec<DeadLetter>) -> Vec<DeadLetter> {
    for letter in &mut letters {
        letter.at = None;
    }
    letters
}

fn names(letters: &[DeadLetter]) -> Vec<String> {
    let names = letters.iter().map(|letter| letter.id.to_string());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn all_done(outcomes: &[(LetterId, Resolution)], count: usize) {
    assert_eq!(outcomes.len(), count);
    assert!(
        outcomes
            .iter()
            .all(|(_, outcome)| *outcome == Resolution::Done),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn bytes_and_story_come_back() {
    let shelf = Shelf::new(1).await;
    let mut odd = letter("order", 1);
    odd.message.key = Some(vec![0xff, 0].into());
    odd.message.payload = None;
    for value in [Some(vec![0xfe]), None, Some(Vec::new())] {
        odd.message.headers.push("a", value.map(Into::into));
    }
    let mut elsewhere = letter("order", 2);
    elsewhere.message.topic = topic("payment");
    let letters = vec![odd, elsewhere, letter("order", 3)];
    shelf.import(&letters).await;
    assert_eq!(bare(shelf.letters().await), letters);
    let again = shelf.transport.dead_letters().import(letters).await;
    assert!(again.into_iter().all(|answer| !answer.unwrap()));
    let stored = shelf.raw.topic(&shelf.name("order.dlq"));
    assert_eq!(stored.len(), 3);
    assert_eq!(stored[0].headers[..3].len(), 3);
    assert_eq!(stored[0].payload, None);
}

#[tokio::test]
async fn partitions_are_read_as_one_and_copies_are_one() {
    let shelf = Shelf::new(3).await;
    let mut letters = Vec::new();
    for number in 0..40 {
        letters.push(letter("order", number));
        // One by one, so that their times tell their order.
        shelf.import(&letters[number..]).await;
    }
    shelf.import(&[letter("payment", 99)]).await;
    let name = shelf.name("order.dlq");
    assert_eq!(shelf.raw.partitions(&name).len(), 3);
    let stored = shelf.raw.topic(&name);
    let copies = stored.into_iter().map(|stored| Record {
        partition: Some(stored.partition),
        key: stored.key,
        headers: stored.headers,
        payload: stored.payload,
    });
    shelf.raw.write(&name, &copies.collect::<Vec<_>>());
    let only = Selection {
        topics: vec!["order".to_owned()],
        ..Selection::default()
    };
    let found = select(&*shelf.transport, &only).await;
    assert!(
        found
            .iter()
            .map(|letter| letter.record.dead_since)
            .is_sorted()
    );
    assert_eq!(names(&found), names(&letters));
    let stats = shelf.transport.dead_letters().stats(&only).await.unwrap();
    assert_eq!((stats.len(), stats[0].count), (1, 40));
    all_done(&shelf.run(JobAction::Purge, &found).await, 40);
    assert_eq!(select(&*shelf.transport, &only).await, []);
    assert_eq!(shelf.raw.count(&name), 0, "their bytes are gone");
}

#[tokio::test]
async fn a_replay_that_is_cut_off_goes_on_and_repeats_nothing() {
    let shelf = Shelf::new(3).await;
    shelf.transport.create(&topic("again")).await.unwrap();
    let letters: Vec<_> = (0..1000).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let planned = shelf.letters().await;
    let job = shelf.plan(to("again"), &planned).await;
    let mut told = Vec::new();
    for round in 0..3 {
        let worker = shelf.again().await;
        let store = worker.dead_letters();
        let lease = store.lease(&job, "ann").await.unwrap();
        let other = shelf.transport.dead_letters().lease(&job, "bob").await;
        let refused = other.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Held);
        assert!(refused.to_string().contains("ann"), "{refused}");
        for _ in 0..=round {
            told.extend(store.advance(&lease, 90).await.unwrap());
        }
        // It stops in the midst of a step, of which nobody hears.
        let pause = Duration::from_millis(5 * round);
        let _ = tokio::time::timeout(pause, store.advance(&lease, 90)).await;
        drop(worker);
        let store = shelf.transport.dead_letters();
        store.release(lease, false).await.unwrap();
    }
    let store = shelf.transport.dead_letters();
    let lease = store.lease(&job, "bob").await.unwrap();
    told.extend(finish(&*shelf.transport, lease).await);
    assert!(told.len() >= 700, "what was told was done");
    assert!(told.iter().all(|(_, outcome)| *outcome == Resolution::Done));
    assert_eq!(shelf.replayed("again"), names(&letters));
    assert_eq!(shelf.letters().await, []);
}

#[tokio::test]
async fn who_was_shut_out_does_nothing_more() {
    let shelf = Shelf::new(1).await;
    shelf.transport.create(&topic("again")).await.unwrap();
    let letters: Vec<_> = (0..20).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let job = shelf.plan(to("again"), &shelf.letters().await).await;
    let slow = shelf.again().await;
    let lease = slow.dead_letters().lease(&job, "slow").await.unwrap();
    all_done(&slow.dead_letters().advance(&lease, 5).await.unwrap(), 5);
    let store = shelf.transport.dead_letters();
    let known = JobLease {
        job: lease.job.clone(),
        token: lease.token,
    };
    store.release(known, false).await.unwrap();
    let second = store.lease(&job, "quick").await.unwrap();
    assert!(second.token > lease.token);
    let refused = slow.dead_letters().advance(&lease, 5).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Held, "{refused}");
    assert!(refused.to_string().contains("quick"), "{refused}");
    all_done(&finish(&*shelf.transport, second).await, 15);
    assert_eq!(shelf.replayed("again"), names(&letters));
}

#[tokio::test]
async fn a_letter_of_the_midst_leaves_its_bytes() {
    let shelf = Shelf::new(1).await;
    let letters: Vec<_> = (0..6).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let found = shelf.letters().await;
    all_done(&shelf.run(JobAction::Purge, &found[2..4]).await, 2);
    let name = shelf.name("order.dlq");
    assert_eq!(shelf.raw.count(&name), 6);
    assert_eq!(shelf.letters().await.len(), 4);
    all_done(&shelf.run(JobAction::Purge, &found[..2]).await, 2);
    assert_eq!(shelf.raw.count(&name), 2);
    let outcomes = shelf.run(JobAction::Purge, &found[..5]).await;
    let gone = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == Resolution::Gone);
    assert_eq!(gone.count(), 4);
    assert_eq!(names(&shelf.letters().await), names(&letters[5..]));
}

#[tokio::test]
async fn what_was_purged_may_be_imported_again() {
    let shelf = Shelf::new(1).await;
    let letters: Vec<_> = (0..3).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let found = shelf.letters().await;
    all_done(&shelf.run(JobAction::Purge, &found[1..2]).await, 1);
    for _ in 0..2 {
        assert_eq!(shelf.letters().await.len(), 2);
        shelf.import(&letters[1..2]).await;
        let found = shelf.letters().await;
        assert_eq!(names(&found), names(&letters));
        assert_eq!(
            found[2].id, letters[1].id,
            "it stands behind the others now"
        );
        all_done(&shelf.run(JobAction::Purge, &found[2..]).await, 1);
    }
}

#[tokio::test]
async fn a_letter_that_the_broker_refuses_stays_one() {
    let shelf = Shelf::new(1).await;
    let small = [("max.message.bytes", "3000")];
    shelf.make("small", &small);
    let mut letters: Vec<_> = (0..9).map(|number| letter("order", number)).collect();
    letters[4].message.payload = Some(vec![b'x'; 5000].into());
    shelf.import(&letters).await;
    let found = shelf.letters().await;
    let outcomes = shelf.run(to("small"), &found).await;
    for (number, (_, outcome)) in outcomes.iter().enumerate() {
        let is_failed = matches!(outcome, Resolution::Failed { .. });
        assert_eq!(is_failed, number == 4, "{outcome:?}");
    }
    assert_eq!(shelf.raw.topic(&shelf.name("small")).len(), 8);
    assert_eq!(names(&shelf.letters().await), names(&letters[4..5]));
    let nowhere = shelf.run(to("nowhere"), &shelf.letters().await).await;
    assert!(matches!(&nowhere[..], [(_, Resolution::Failed { .. })]));
}

#[tokio::test]
async fn a_letter_that_does_not_fit_is_stored_as_far_as_it_does() {
    let shelf = Shelf::new(1).await;
    shelf.make("order.dlq", &[("max.message.bytes", "2500")]);
    let mut long = letter("order", 1);
    long.record.failure.detail = Some("x".repeat(2000));
    shelf.import(&[letter("order", 0), long.clone()]).await;
    let found = bare(shelf.letters().await);
    assert_eq!(found[0], letter_like(&found[0], letter("order", 0)));
    assert_eq!(found[1].record.failure.detail, None, "it is left out");
    assert_eq!(found[1].message, long.message);
    let mut large = letter("order", 2);
    large.message.payload = Some(vec![b'x'; 4000].into());
    let answers = shelf.transport.dead_letters().import(vec![large]).await;
    let refused = answers.into_iter().next().unwrap().unwrap_err();
    assert_eq!(
        refused.kind(),
        ErrorKind::TooLarge,
        "its original is elsewhere"
    );
}

/// Times are told apart, as each letter is made when it is asked for.
fn letter_like(found: &DeadLetter, mut letter: DeadLetter) -> DeadLetter {
    letter.record.first_failed = found.record.first_failed;
    letter.record.dead_since = found.record.dead_since;
    letter.record.origin.time = found.record.origin.time;
    letter
}

#[tokio::test]
async fn a_reference_finds_its_original() {
    let shelf = Shelf::new(1).await;
    shelf.make("order", &[]);
    shelf.make("again", &[]);
    shelf.make("order.dlq", &[("max.message.bytes", "2500")]);
    let payload = vec![b'x'; 4000];
    let original = Record {
        key: Some(b"k".to_vec()),
        headers: vec![("a".to_owned(), None)],
        payload: Some(payload.clone()),
        ..Record::default()
    };
    shelf
        .raw
        .write(&shelf.name("order"), &[original.clone(), original]);
    // A letter that others stored tells the name of this store.
    let plain = Record {
        payload: Some(b"{}".to_vec()),
        ..Record::default()
    };
    shelf.raw.write(&shelf.name("order.dlq"), &[plain]);
    let store = shelf.letters().await[0].record.origin.store.clone();
    let mut large = letter("order", 1);
    large.message.payload = Some(payload.into());
    large.record.origin.store = store;
    large.record.origin.position = Position::new("order/0/1");
    shelf.import(&[large.clone()]).await;
    let found = shelf.letters().await;
    assert_eq!(found[1].id, large.id);
    assert_eq!(found[1].message.bytes().len(), 4000);
    assert_eq!(found[1].message.headers.len(), 1);
    let name = shelf.name("order");
    shelf.aside(|raw| raw.remove_before(&name, 0, 1));
    all_done(&shelf.run(to("again"), &found[1..]).await, 1);
    let again = shelf.raw.topic(&shelf.name("again"));
    assert_eq!(again[0].payload.as_ref().unwrap().len(), 4000);
}

#[tokio::test]
async fn a_reference_whose_original_is_gone_is_not_replayed() {
    let shelf = Shelf::new(1).await;
    for name in ["order", "order.dlq", "again"] {
        shelf.make(name, &[]);
    }
    let header = |name: &str, value: &str| {
        let name = format!("__dlq.errors.{name}");
        (name, Some(value.as_bytes().to_vec()))
    };
    let reference = Record {
        headers: vec![
            header("topic", &shelf.name("order")),
            header("partition", "0"),
            header("offset", "0"),
            header("group", "share"),
            header("message", "Offset rejected by client."),
        ],
        ..Record::default()
    };
    shelf.raw.write(&shelf.name("order.dlq"), &[reference]);
    let found = shelf.letters().await;
    assert_eq!(found[0].record.kind, LetterKind::Terminated);
    assert_eq!(found[0].record.group.as_str(), "share");
    let outcomes = shelf.run(to("again"), &found).await;
    assert!(matches!(&outcomes[..], [(_, Resolution::Failed { .. })]));
    assert_eq!(shelf.raw.topic(&shelf.name("again")), []);
    assert_eq!(shelf.letters().await.len(), 1);
}

#[tokio::test]
async fn letters_of_others_are_worked_on_too() {
    let shelf = Shelf::new(1).await;
    for name in ["order", "order.dlq"] {
        shelf.make(name, &[]);
    }
    let header = |name: &str, value: &[u8]| {
        let name = format!("kafka_dlt-{name}");
        (name, Some(value.to_vec()))
    };
    let spring = Record {
        key: Some(b"k".to_vec()),
        headers: vec![
            ("mine".to_owned(), Some(b"1".to_vec())),
            header("original-topic", shelf.name("order").as_bytes()),
            header("original-partition", &[0, 0, 0, 0]),
            header("original-offset", &[0, 0, 0, 0, 0, 0, 0, 7]),
            header("original-consumer-group", b"billing"),
            header("exception-fqcn", b"java.Broke"),
            header("exception-message", b"no stock"),
        ],
        payload: Some(vec![0xff]),
        ..Record::default()
    };
    let plain = Record {
        payload: Some(b"plain".to_vec()),
        ..Record::default()
    };
    shelf.raw.write(&shelf.name("order.dlq"), &[spring, plain]);
    let found = shelf.letters().await;
    assert_eq!(found[0].record.group.as_str(), "billing");
    assert_eq!(found[0].record.origin.position.as_str(), "order/0/7");
    assert_eq!(found[0].record.failure.message, "no stock");
    assert_eq!(found[1].record.group.as_str(), "unknown");
    all_done(
        &shelf.run(JobAction::Replay { to: None }, &found[..1]).await,
        1,
    );
    let again = shelf.raw.topic(&shelf.name("order"));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].key.as_deref(), Some(&b"k"[..]));
    assert_eq!(again[0].payload.as_deref(), Some(&[0xff][..]));
    assert_eq!(again[0].header("mine"), Some("1"));
    assert_eq!(again[0].header("kafka_dlt-original-topic"), None);
    assert_eq!(again[0].replay_of(), Some(found[0].id.to_string()));
    all_done(&shelf.run(JobAction::Purge, &found[1..]).await, 1);
    assert_eq!(shelf.letters().await, []);
    assert_eq!(shelf.raw.count(&shelf.name("order.dlq")), 0);
}
