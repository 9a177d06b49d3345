//! Verification of replays, and the lists that it needs.

use protoflow::{
    runtime::{Found, PlanRequest},
    transport::{ErrorKind, JobAction, JobId, Selection},
};

use crate::fixture::{REPLAY, letter, named, put, run, store};

#[tokio::test]
async fn a_replay_of_thousands_is_verified_in_the_order_of_its_plan() {
    let (transport, triage) = store().await;
    put(&transport, (0..4_100).map(|n| letter(n, "billing", "x"))).await;
    let plan = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    let before = triage.verify(&plan.job).await.unwrap();
    assert_eq!(before.count(Found::NotReplayed), 4_100);
    assert!(!before.is_proven());
    run(&triage, &plan).await;
    let after = triage.verify(&plan.job).await.unwrap();
    assert_eq!(after.letters.len(), 4_100);
    assert!(after.is_proven());
    for (number, verified) in (0..).zip(&after.letters) {
        assert_eq!(verified.id, letter(number, "billing", "x").id);
    }
}

#[tokio::test]
async fn the_lists_of_the_last_replays_are_kept() {
    let (transport, triage) = store().await;
    let mut jobs = Vec::new();
    for number in 0..25 {
        put(&transport, [letter(number, "billing", "x")]).await;
        let plan = PlanRequest::new(REPLAY, Selection::default());
        let plan = triage.plan(plan).await.unwrap();
        run(&triage, &plan).await;
        jobs.push(plan.job);
    }
    assert_eq!(triage.verifiable().await.unwrap(), jobs[5..]);
    for job in &jobs[5..] {
        assert!(triage.verify(job).await.unwrap().is_proven());
    }
    let refused = triage.verify(&jobs[4]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let under = "manifest".parse().unwrap();
    let notes = transport.dead_letters().notes(&under).await.unwrap();
    assert_eq!(notes.len(), 20, "nothing is left of the others");
}

#[tokio::test]
async fn what_never_ran_or_is_no_replay_leaves_no_list() {
    let (transport, triage) = store().await;
    put(&transport, [letter(1, "billing", "x")]).await;
    let plan = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    let known = triage.verifiable().await.unwrap();
    assert_eq!(known, std::slice::from_ref(&plan.job));
    triage.drop_plan(&plan).await.unwrap();
    assert_eq!(triage.verifiable().await.unwrap(), []);
    let purge = PlanRequest::new(JobAction::Purge, Selection::default());
    let purge = triage.plan(purge).await.unwrap();
    run(&triage, &purge).await;
    assert_eq!(triage.verifiable().await.unwrap(), []);
    let unknown = triage.verify(&JobId("nosuch".to_owned())).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_was_purged_elsewhere_is_not_missing_though_the_step_was_not_noted() {
    let (transport, triage) = store().await;
    put(&transport, (0..2).map(|n| letter(n, "billing", "x"))).await;
    let to = JobAction::Replay {
        to: Some("order.again".parse().unwrap()),
    };
    let replay = PlanRequest::new(to, Selection::default());
    let replay = triage.plan(replay).await.unwrap();
    let one = letter(0, "billing", "x").id;
    let purge = PlanRequest::new(JobAction::Purge, named(&[one.as_str()]));
    let purge = triage.plan(purge).await.unwrap();
    run(&triage, &purge).await;
    // As a process does that is killed between the step and its note.
    let letters = transport.dead_letters();
    let lease = letters.lease(&replay.job, "killed").await.unwrap();
    assert_eq!(letters.advance(&lease, 10, None).await.unwrap().len(), 2);
    letters.release(lease, true).await.unwrap();
    let verified = triage.verify(&replay.job).await.unwrap();
    let found: Vec<_> = verified.letters.iter().map(|one| one.found).collect();
    assert_eq!(found, [Found::Unknown, Found::Once]);
}

#[tokio::test]
async fn a_message_for_every_group_is_not_the_replay_to_the_group() {
    let (transport, triage) = store().await;
    put(&transport, (0..2).map(|n| letter(n, "billing", "x"))).await;
    let replay = PlanRequest::new(REPLAY, Selection::default());
    let replay = triage.plan(replay).await.unwrap();
    let one = letter(0, "billing", "x").id;
    let to = JobAction::Replay {
        to: Some("order.created".parse().unwrap()),
    };
    let other = PlanRequest::new(to, named(&[one.as_str()]));
    let other = triage.plan(other).await.unwrap();
    run(&triage, &other).await;
    run(&triage, &replay).await;
    let verified = triage.verify(&replay.job).await.unwrap();
    let found: Vec<_> = verified.letters.iter().map(|one| one.found).collect();
    assert_eq!(found, [Found::Elsewhere, Found::Once]);
    assert!(!verified.is_proven());
    assert!(triage.verify(&other.job).await.unwrap().is_proven());
}
