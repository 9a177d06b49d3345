//! Dead letters that a topic has no room for.

use protoflow::{
    event::Position,
    transport::{DeadLetter, DeadLetterKind, ErrorKind, Resolution},
};
use test_support::kafka::records::Record;

use super::shelf::{Shelf, all_done, bare, letter, names, to};

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
    let mut found = bare(shelf.letters().await);
    // Those that were refused together are stored again one by one.
    found.sort_by(|one, other| one.message.payload.cmp(&other.message.payload));
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
    letter.record.dead_lettered_at = found.record.dead_lettered_at;
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
    assert_eq!(found[0].record.kind, DeadLetterKind::Terminated);
    assert_eq!(found[0].record.group.as_str(), "share");
    let outcomes = shelf.run(to("again"), &found).await;
    assert!(matches!(&outcomes[..], [(_, Resolution::Failed { .. })]));
    assert_eq!(shelf.raw.topic(&shelf.name("again")), []);
    assert_eq!(shelf.letters().await.len(), 1);
}
