//! Reading dead letters and running jobs, with what cases do in one word.

use super::{Harness, message::message};
use crate::{
    event::Topic,
    transport::{
        DeadLetter, DeadLetterId, DeadLetterKind, ErrorKind, JobAction, JobId, JobLease,
        Resolution, Selection, Transport,
    },
};

/// The action of a replay to where the message failed.
pub(in crate::transport::conformance) const REPLAY: JobAction = JobAction::Replay { to: None };

/// Returns the selection of a group's letters.
pub(in crate::transport::conformance) fn selection(harness: &Harness, group: &str) -> Selection {
    Selection {
        group: Some(harness.group(group)),
        ..Selection::default()
    }
}

/// Reads the letters of a group.
pub(in crate::transport::conformance) async fn read(
    harness: &Harness,
    group: &str,
) -> Vec<DeadLetter> {
    select(harness, &selection(harness, group)).await
}

/// Reads the letters that are meant.
pub(in crate::transport::conformance) async fn select(
    harness: &Harness,
    selection: &Selection,
) -> Vec<DeadLetter> {
    select_over(&*harness.transport, selection).await
}

/// Publishes messages with these texts and buries each for a group; returns the letters.
pub(in crate::transport::conformance) async fn bury(
    harness: &Harness,
    group: &str,
    topic: &Topic,
    texts: &[&str],
) -> Vec<DeadLetter> {
    harness
        .publish(texts.iter().map(|text| message(topic, text)))
        .await;
    let member = harness.join(group, topic).await;
    for delivery in member.take(texts.len()).await {
        member.bury(delivery, DeadLetterKind::Permanent).await;
    }
    member.close().await;
    let letters = read(harness, group).await;
    assert_eq!(letters.len(), texts.len(), "a letter for each");
    letters
}

/// Plans a job.
pub(in crate::transport::conformance) async fn plan(
    harness: &Harness,
    action: JobAction,
    letters: &[DeadLetter],
) -> JobId {
    let store = harness.transport.dead_letters();
    let job = store.plan(action, "--ids").await.expect("a plan is stored");
    store
        .enlist(&job, letters)
        .await
        .expect("letters can be enlisted");
    job
}

/// Takes a lease, waiting while others that share the store work on it.
pub(in crate::transport::conformance) async fn lease(
    transport: &dyn Transport,
    job: &JobId,
) -> JobLease {
    loop {
        match transport.dead_letters().lease(job, "tester").await {
            Ok(lease) => return lease,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Held, "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Plans a job and carries it out.
pub(in crate::transport::conformance) async fn run(
    harness: &Harness,
    action: JobAction,
    letters: &[DeadLetter],
) -> Vec<(DeadLetterId, Resolution)> {
    let job = plan(harness, action, letters).await;
    let lease = lease(&*harness.transport, &job).await;
    finish(&*harness.transport, lease).await
}

/// Carries out what is left of a job.
pub(in crate::transport::conformance) async fn finish(
    transport: &dyn Transport,
    lease: JobLease,
) -> Vec<(DeadLetterId, Resolution)> {
    let store = transport.dead_letters();
    let mut all = Vec::new();
    loop {
        let some = store
            .advance(&lease, 2, None)
            .await
            .expect("the lease is held");
        assert!(some.len() <= 2, "more letters than were asked for");
        if some.is_empty() {
            break;
        }
        all.extend(some);
    }
    store
        .release(lease, true)
        .await
        .expect("a job can be ended");
    all
}

/// Replays letters, expecting that each is.
pub(in crate::transport::conformance) async fn replay(harness: &Harness, letters: &[DeadLetter]) {
    let resolved = run(harness, REPLAY, letters).await;
    assert_eq!(
        resolved,
        done(letters),
        "every letter was replayed, in order"
    );
}

/// Returns the outcomes in which every letter is resolved.
pub(in crate::transport::conformance) fn done(
    letters: &[DeadLetter],
) -> Vec<(DeadLetterId, Resolution)> {
    let done = |letter: &DeadLetter| (letter.id.clone(), Resolution::Done);
    letters.iter().map(done).collect()
}

/// Reads the letters that are meant over a connection.
pub(in crate::transport::conformance) async fn select_over(
    transport: &dyn Transport,
    selection: &Selection,
) -> Vec<DeadLetter> {
    let store = transport.dead_letters();
    let mut scan = store.scan(selection).await.expect("letters can be read");
    let mut all = Vec::new();
    loop {
        let some = scan.next(2).await.expect("letters can be read");
        assert!(some.len() <= 2, "more letters than were asked for");
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().filter(|letter| selection.matches(letter)));
    }
}
