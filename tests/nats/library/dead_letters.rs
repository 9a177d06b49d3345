//! Messages that became dead letters.

use protoflow::{
    event::Message,
    transport::{
        DeadLetter, DeadLetterKind, ErrorKind, Failure, Result, Selection, SubscribeRequest,
        Transport, Verdict,
    },
};

/// Stores so many messages of a size, buries each of them, and returns the letters.
pub(crate) async fn bury(transport: &dyn Transport, count: usize, size: usize) -> Vec<DeadLetter> {
    let message = |_| Message::new("order".parse().expect("a topic"), vec![b'x'; size]).into();
    let stored = transport.publish((0..count).map(message).collect()).await;
    assert!(stored.iter().all(Result::is_ok));
    let topics = vec!["order".parse().expect("a pattern")];
    let request = SubscribeRequest::new("billing".parse().expect("a group"), topics);
    let group = transport.subscribe(request).await.expect("a group");
    let mut left = count;
    while left > 0 {
        let taken = match group.next(100).await {
            // A test that purged the stream took replayed messages that the group had not read.
            Err(failed) if failed.kind() == ErrorKind::Gap => continue,
            taken => taken.expect("messages"),
        };
        left -= taken.len();
        let verdict = || Verdict::DeadLetter {
            kind: DeadLetterKind::Permanent,
            failure: Box::new(Failure::crashed(1)),
        };
        let dead = taken.into_iter().map(|one| one.conclude(verdict()));
        let settled = group.settle(dead.collect()).await;
        assert!(settled.iter().all(Result::is_ok));
    }
    group.close().await.expect("it closes");
    all(transport).await
}

/// Returns the letters that are there.
pub(crate) async fn all(transport: &dyn Transport) -> Vec<DeadLetter> {
    let store = transport.dead_letters();
    let mut scan = store.scan(&Selection::default()).await.expect("letters");
    let mut letters = Vec::new();
    loop {
        let some = scan.next(100).await.expect("letters");
        if some.is_empty() {
            return letters;
        }
        letters.extend(some);
    }
}
