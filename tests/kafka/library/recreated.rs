//! Topics that are deleted and created again, and are soon longer than they were: nothing of the new one is skipped.

use std::{sync::Arc, time::Duration};

use protoflow::{
    event::Stored,
    transport::{
        Delivery, ErrorKind, Failure, Fingerprint, Settlement, SubscribeRequest, Subscription,
        Tail, TailFrom, TailRequest, TransportError, Verdict,
    },
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};
use test_support::kafka::{
    Broker,
    raw::Commit,
    records::{Record, Writer},
};
use tokio::time::timeout;

use super::{
    connect::Connect as _,
    shelf::{Shelf, letter, topic},
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// What the old topic holds, and the new one.
const OLD: std::ops::Range<usize> = 0..5;
const NEW: std::ops::Range<usize> = 5..13;

fn records(numbers: std::ops::Range<usize>) -> Vec<Record> {
    let record = |number: usize| Record {
        payload: Some(number.to_string().into_bytes()),
        ..Record::default()
    };
    numbers.map(record).collect()
}

/// What was read, and what was told.
#[derive(Default)]
struct Seen {
    numbers: Vec<usize>,
    gaps: Vec<String>,
}

impl Seen {
    fn note(&mut self, stored: &Stored) {
        let payload = stored.message.payload.as_ref().unwrap();
        let number = std::str::from_utf8(payload).unwrap().parse();
        self.numbers.push(number.unwrap());
    }

    fn hear(&mut self, failed: &TransportError) {
        if !failed.is_transient() {
            assert_eq!(failed.kind(), ErrorKind::Gap, "{failed}");
            self.gaps.push(failed.to_string());
        }
    }

    /// Everything came once, and what happened was told once, with numbers.
    fn judge(&self) {
        assert_eq!(self.numbers, OLD.chain(NEW).collect::<Vec<_>>());
        let told = "was deleted and created again after partition 0 had been read up to offset 5";
        assert!(
            matches!(&self.gaps[..], [gap] if gap.contains(told)),
            "{:?}",
            self.gaps
        );
    }
}

/// A topic that holds the old records.
async fn old() -> (Shelf, String) {
    let shelf = Shelf::new(1).await;
    shelf.make("order", &[]);
    let name = shelf.name("order");
    shelf.raw.write(&name, &records(OLD));
    (shelf, name)
}

/// Deletes the topic and creates it again; it is longer than it was within a moment.
fn recreate(shelf: &Shelf, name: &str, writer: &Writer) {
    shelf.aside(|raw| raw.remove(name));
    shelf.make("order", &[]);
    writer.write(name, &records(NEW));
}

/// The groups of all tests are on one broker.
fn group_of(shelf: &Shelf) -> String {
    format!("{}shop", shelf.prefix)
}

async fn join(shelf: &Shelf) -> Arc<dyn Subscription> {
    let request = SubscribeRequest::new(
        group_of(shelf).parse().unwrap(),
        vec![topic("order").into()],
    );
    shelf.transport.subscribe(request).await.unwrap()
}

/// Handles so many.
async fn handle(group: &dyn Subscription, seen: &mut Seen, count: usize) {
    while seen.numbers.len() < count {
        match timeout(TIMEOUT, group.next(100)).await.unwrap() {
            Ok(deliveries) => {
                for one in &deliveries {
                    seen.note(&one.stored);
                }
                let acked = |one: Delivery| one.conclude(Verdict::Ack);
                let settled = group.settle(deliveries.into_iter().map(acked).collect());
                assert!(settled.await.iter().all(Result::is_ok));
            }
            Err(failed) => seen.hear(&failed),
        }
    }
}

async fn while_it_is_consumed(shelf: Shelf, name: String) {
    let writer = shelf.raw.writer();
    let group = join(&shelf).await;
    let mut seen = Seen::default();
    handle(&*group, &mut seen, OLD.len()).await;
    recreate(&shelf, &name, &writer);
    handle(&*group, &mut seen, OLD.len() + NEW.len()).await;
    group.close().await.unwrap();
    seen.judge();
}

#[tokio::test]
async fn a_member_reads_a_topic_that_was_created_again_from_its_beginning() {
    let (shelf, name) = old().await;
    while_it_is_consumed(shelf, name).await;
}

#[tokio::test]
async fn so_does_one_that_gives_up_all_its_partitions_together() {
    let (mut shelf, name) = old().await;
    let parameters = format!("{}&partition.assignment.strategy=range", shelf.parameters);
    shelf.transport = Broker::shared().connect(&parameters, false).await.unwrap();
    while_it_is_consumed(shelf, name).await;
}

#[tokio::test]
async fn so_does_one_of_the_newer_protocol() {
    let (mut shelf, name) = old().await;
    let parameters = format!("{}&group.protocol=consumer", shelf.parameters);
    shelf.transport = Broker::shared().connect(&parameters, false).await.unwrap();
    while_it_is_consumed(shelf, name).await;
}

/// Commits what a group had committed of an old topic: a member that was alive meanwhile may have.
fn commit_again(group: &str, name: &str, commits: &[Commit]) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", Broker::shared().address());
    let client: BaseConsumer = config.set("group.id", group).create().unwrap();
    let mut places = TopicPartitionList::new();
    for commit in commits {
        let mut place = places.add_partition(name, commit.partition);
        place.set_offset(Offset::Offset(commit.offset)).unwrap();
        place.set_metadata(&commit.metadata);
    }
    client.commit(&places, CommitMode::Sync).unwrap();
}

#[tokio::test]
async fn a_position_in_the_old_topic_is_none_in_the_new_one() {
    for is_committed_again in [false, true] {
        let (shelf, name) = old().await;
        let mut seen = Seen::default();
        let group = join(&shelf).await;
        handle(&*group, &mut seen, OLD.len()).await;
        group.close().await.unwrap();
        let commits = shelf.raw.commits(&group_of(&shelf), &name);
        assert_eq!(commits.len(), 1);
        recreate(&shelf, &name, &shelf.raw.writer());
        if is_committed_again {
            commit_again(&group_of(&shelf), &name, &commits);
        }
        let group = join(&shelf).await;
        handle(&*group, &mut seen, OLD.len() + NEW.len()).await;
        group.close().await.unwrap();
        if is_committed_again {
            seen.judge();
        } else {
            // The broker has deleted the position with the topic.
            assert_eq!(seen.numbers, OLD.chain(NEW).collect::<Vec<_>>());
        }
    }
}

async fn show(tail: &mut dyn Tail, seen: &mut Seen, count: usize) {
    while seen.numbers.len() < count {
        match timeout(TIMEOUT, tail.next(100)).await.unwrap() {
            Ok(stored) => {
                assert_ne!(stored, [], "it ended");
                for stored in &stored {
                    seen.note(stored);
                }
            }
            Err(failed) => seen.hear(&failed),
        }
    }
}

async fn tail(shelf: &Shelf, from: TailFrom) -> Box<dyn Tail> {
    let request = TailRequest {
        patterns: vec![topic("order").into()],
        from,
        until_end: false,
    };
    shelf.transport.tail(request).await.unwrap()
}

#[tokio::test]
async fn a_tail_shows_a_topic_that_was_created_again_from_its_beginning() {
    let (shelf, name) = old().await;
    let writer = shelf.raw.writer();
    let mut tail = tail(&shelf, TailFrom::Earliest).await;
    let mut seen = Seen::default();
    show(&mut *tail, &mut seen, OLD.len()).await;
    // It may still be at what was there when it was opened, or wait for more.
    recreate(&shelf, &name, &writer);
    show(&mut *tail, &mut seen, OLD.len() + NEW.len()).await;
    seen.judge();
}

#[tokio::test]
async fn so_does_one_that_waits_for_more() {
    let (shelf, name) = old().await;
    let writer = shelf.raw.writer();
    let mut tail = tail(&shelf, TailFrom::Last(1)).await;
    let mut seen = Seen {
        numbers: (0..4).collect(),
        ..Seen::default()
    };
    show(&mut *tail, &mut seen, OLD.len()).await;
    // Now it follows.
    let more = timeout(Duration::from_secs(1), tail.next(1)).await;
    assert!(more.is_err(), "{more:?}");
    recreate(&shelf, &name, &writer);
    show(&mut *tail, &mut seen, OLD.len() + NEW.len()).await;
    seen.judge();
}

/// Lets a delivery fail, to come again at once.
fn retry(delivery: Delivery) -> Settlement {
    let verdict = Verdict::Retry {
        after: Duration::ZERO,
        failure: Box::new(Failure {
            class: "refused".into(),
            message: "not yet".into(),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:abc".to_owned()),
        }),
    };
    delivery.conclude(verdict)
}

/// Returns the topic of retries of a group.
fn retries(shelf: &Shelf) -> String {
    let start = format!("{}pf.{}.", shelf.prefix, group_of(shelf));
    let topics = shelf.raw.topics().into_iter();
    let mut topics = topics.filter(|name| name.starts_with(&start));
    topics.next().unwrap()
}

#[tokio::test]
async fn a_topic_of_retries_that_was_created_again_is_read_from_its_beginning() {
    let (shelf, _) = old().await;
    let group = join(&shelf).await;
    let mut failed = group.next(1).await.unwrap();
    let settled = group.settle(vec![retry(failed.remove(0))]).await;
    assert!(settled[0].is_ok());
    let mut seen = Seen::default();
    handle(&*group, &mut seen, OLD.len()).await;
    group.close().await.unwrap();
    let name = retries(&shelf);
    let stored = shelf.raw.topic(&name);
    let waiting = stored.iter().find(|one| one.payload.is_some()).unwrap();
    let mut commits = shelf.raw.commits(&group_of(&shelf), &name);
    // Behind the retry and its end; the member may have left before it had read that.
    commits[0].offset = 2;
    shelf.aside(|raw| {
        raw.remove(&name);
        raw.make(&name, 1, &[("cleanup.policy", "compact")]);
    });
    // The retry is the first; behind it stands more than there was.
    let retry = Record {
        key: waiting.key.clone(),
        headers: waiting.headers.clone(),
        payload: waiting.payload.clone(),
        ..Record::default()
    };
    let end = |number: usize| Record {
        key: Some(number.to_string().into_bytes()),
        ..Record::default()
    };
    let records: Vec<_> = std::iter::once(retry).chain((0..4).map(end)).collect();
    shelf.raw.write(&name, &records);
    commit_again(&group_of(&shelf), &name, &commits);
    let group = join(&shelf).await;
    let mut again = Seen::default();
    handle(&*group, &mut again, 1).await;
    group.close().await.unwrap();
    assert_eq!(again.numbers, [0]);
}

#[tokio::test]
async fn neither_notes_nor_ids_of_a_former_topic_are_remembered() {
    let shelf = Shelf::new(1).await;
    shelf.make("order", &[]);
    let ours = shelf.transport.dead_letters();
    let log = "log".parse().unwrap();
    let note = |number: usize| format!("log.{number}").parse().unwrap();
    ours.put_note(&note(0), Some("old".to_owned()))
        .await
        .unwrap();
    let old = letter("order", 0);
    shelf.import(std::slice::from_ref(&old)).await;
    assert!(matches!(
        &ours.import(vec![old.clone()]).await[..],
        [Ok(false)]
    ));
    assert_eq!(ours.notes(&log).await.unwrap().len(), 1);
    let (state, dead) = (shelf.name("pf.state"), shelf.name("order.dlq"));
    shelf.aside(|raw| {
        raw.remove(&state);
        raw.remove(&dead);
    });
    let other = shelf.again().await;
    let theirs = other.dead_letters();
    for number in 1..=8 {
        let value = Some("new".to_owned());
        theirs.put_note(&note(number), value).await.unwrap();
    }
    let new = (1..=8).map(|number| letter("order", number)).collect();
    let stored = theirs.import(new).await;
    assert!(stored.iter().all(|stored| matches!(stored, Ok(true))));
    let notes = ours.notes(&log).await.unwrap();
    let is_new = notes.iter().all(|note| note.value == "new");
    assert!(is_new && notes.len() == 8, "{notes:?}");
    let again = ours.import(vec![old]).await;
    assert!(matches!(again[..], [Ok(true)]), "it is not there any more");
}
