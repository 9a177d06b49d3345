//! Jobs on dead letters are planned, leased one at a time, and fenced.

use crate::transport::conformance::harness::{
    Harness,
    dead_letters::{self, REPLAY, done},
    refusals,
};
use crate::transport::{
    DeadLetterId, ErrorKind, Job, JobAction, JobId, JobLease, Resolution, Result,
};

async fn listed(harness: &Harness, id: &JobId) -> Option<Job> {
    let jobs = harness.transport.dead_letters().jobs().await;
    let mut jobs = jobs.expect("jobs can be listed").into_iter();
    jobs.find(|job| job.id == *id)
}

fn assert_held<T>(result: Result<T>, what: &str) -> String {
    let Err(error) = result else {
        panic!("{what} was not refused");
    };
    assert_eq!(error.kind(), ErrorKind::Held, "{what}: {error}");
    error.to_string()
}

/// A plan is stored and has no effect.
pub(crate) async fn a_plan_does_nothing(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    let id = dead_letters::plan(harness, REPLAY, &letters).await;
    let job = listed(harness, &id).await.expect("a planned job is listed");
    assert_eq!((job.action, job.selection.as_str()), (REPLAY, "--ids"));
    assert_eq!((job.planned, job.resolved), (2, 0));
    assert_eq!((job.holder, job.started), (None, false));
    assert_eq!(dead_letters::read(harness, "g").await.len(), 2);
    assert_eq!(harness.drain("g", &topic).await, [""; 0]);
    let forgotten = harness.transport.dead_letters().forget(&id).await;
    forgotten.expect("a plan can be forgotten");
}

/// The list shows the progress and the holder of a job; a finished job is not listed.
pub(crate) async fn progress_is_told(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2", "3"]).await;
    let id = dead_letters::plan(harness, REPLAY, &letters).await;
    let lease = dead_letters::lease(&*harness.transport, &id).await;
    let store = harness.transport.dead_letters();
    let first = store
        .advance(&lease, 2, None)
        .await
        .expect("the lease is held");
    assert_eq!(first, done(&letters[..2]));
    let job = listed(harness, &id).await.expect("it has not ended");
    assert_eq!((job.planned, job.resolved, job.started), (3, 2, true));
    assert_eq!(job.holder.as_deref(), Some("tester"));
    store.renew(&lease).await.expect("the lease is held");
    dead_letters::finish(&*harness.transport, lease).await;
    assert_eq!(listed(harness, &id).await, None);
}

/// While a worker holds a job, no other gets a lease of it or of another job; the refusal names the holder.
pub(crate) async fn a_second_lease_is_refused(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    let id = dead_letters::plan(harness, REPLAY, &letters[..1]).await;
    let other = dead_letters::plan(harness, REPLAY, &letters[1..]).await;
    let lease = dead_letters::lease(&*harness.transport, &id).await;
    let again = harness.again().await;
    for job in [&id, &other] {
        let refused = again.dead_letters().lease(job, "second").await;
        let told = assert_held(refused, "a second lease");
        assert!(told.contains("tester"), "it names the holder: {told}");
    }
    let store = harness.transport.dead_letters();
    store
        .release(lease, false)
        .await
        .expect("a lease can be given back");
    let lease = dead_letters::lease(&*again, &other).await;
    assert_eq!(
        dead_letters::finish(&*again, lease).await,
        done(&letters[1..])
    );
    store.forget(&id).await.expect("a job can be forgotten");
}

/// Work under an earlier lease is refused and has no effect.
pub(crate) async fn a_stale_lease_is_refused(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1"]).await;
    let id = dead_letters::plan(harness, REPLAY, &letters).await;
    let first = dead_letters::lease(&*harness.transport, &id).await;
    let stale = JobLease {
        job: first.job.clone(),
        token: first.token,
    };
    let store = harness.transport.dead_letters();
    store
        .release(first, false)
        .await
        .expect("a lease can be given back");
    assert_held(store.renew(&stale).await, "renewing what was given back");
    let second = dead_letters::lease(&*harness.transport, &id).await;
    assert!(
        second.token > stale.token,
        "a later lease has a larger token"
    );
    assert_held(
        store.advance(&stale, 9, None).await,
        "work under an earlier lease",
    );
    assert_held(store.renew(&stale).await, "renewing an earlier lease");
    assert_eq!(
        dead_letters::read(harness, "g").await.len(),
        1,
        "nothing was done"
    );
    assert_eq!(harness.drain("g", &topic).await, [""; 0]);
    assert_eq!(
        dead_letters::finish(&*harness.transport, second).await,
        done(&letters)
    );
}

/// Only the purged letters are removed; nothing is delivered.
pub(crate) async fn purge_deletes(harness: &Harness) {
    if refusals::purge(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2", "3"]).await;
    let purged = dead_letters::run(harness, JobAction::Purge, &letters[..2]).await;
    assert_eq!(purged, done(&letters[..2]));
    let left = dead_letters::read(harness, "g").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, letters[2].id);
    assert_eq!(harness.drain("g", &topic).await, [""; 0]);
}

/// Forgetting a job keeps its letters; a leased job cannot be forgotten.
pub(crate) async fn forgetting_keeps_letters(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    let id = dead_letters::plan(harness, REPLAY, &letters).await;
    let lease = dead_letters::lease(&*harness.transport, &id).await;
    let store = harness.transport.dead_letters();
    assert_held(store.forget(&id).await, "forgetting what is worked on");
    store
        .release(lease, false)
        .await
        .expect("a lease can be given back");
    store.forget(&id).await.expect("a job can be forgotten");
    assert_eq!(listed(harness, &id).await, None);
    assert_eq!(dead_letters::read(harness, "g").await.len(), 2);
    let gone = store
        .lease(&id, "tester")
        .await
        .expect_err("it was forgotten");
    assert!(matches!(gone.kind(), ErrorKind::NotFound | ErrorKind::Held));
}

/// A letter that no longer exists is reported as gone.
pub(crate) async fn what_is_gone_is_gone(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1"]).await;
    let mut unknown = letters[0].clone();
    unknown.id = DeadLetterId::from_stored("nosuchletter");
    unknown.at = None;
    let found = letters[0].clone();
    let both = [unknown.clone(), found.clone()];
    let resolved = dead_letters::run(harness, REPLAY, &both).await;
    let expected = [(unknown.id, Resolution::Gone), (found.id, Resolution::Done)];
    assert_eq!(resolved, expected);
    assert_eq!(harness.drain("g", &topic).await, ["1"]);
}
