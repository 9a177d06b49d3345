//! What is checked when a planned job is run or cancelled: the policy of now, and edits since it was planned.

use protoflow::{
    runtime::{
        EditRequest, JobOptions, PlanRequest, Policy, PolicyError, Query, Stop, Triage, TriageError,
    },
    transport::{DeadLetterId, JobAction, Selection},
};

use crate::fixture::{REPLAY, letter, listed, named, options, put, run, store};

#[tokio::test]
async fn a_policy_that_was_set_after_the_plan_holds_for_its_run() {
    let (transport, triage) = store().await;
    put(&transport, [letter(1, "billing", "x")]).await;
    let to = JobAction::Replay {
        to: Some("mail.sent".parse().unwrap()),
    };
    let plan = PlanRequest::new(to, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    for policy in [r#"{"targets":["order.**"]}"#, r#"{"read-only":true}"#] {
        let policy = Policy::from_json(policy).unwrap();
        triage.set_policy(&policy).await.unwrap();
        let options = options(None);
        let (stop, mut seen) = (Stop::default(), |_: &[_]| {});
        let refused = triage.run(&plan, &options, &stop, &mut seen).await;
        assert!(matches!(refused, Err(TriageError::Policy(_))));
    }
    triage.set_policy(&Policy::default()).await.unwrap();
    assert_eq!(run(&triage, &plan).await.done, 1);
}

#[tokio::test]
async fn what_the_policy_forbids_since_the_plan_is_not_replayed() {
    let (transport, triage) = store().await;
    put(&transport, (0..4).map(|n| letter(n, "billing", "card"))).await;
    let plan = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    let most = JobOptions {
        most: Some(1),
        ..options(None)
    };
    let (stop, mut seen) = (Stop::default(), |_: &[_]| {});
    let begun = triage.run(&plan, &most, &stop, &mut seen).await.unwrap();
    assert_eq!((begun.done, begun.complete), (1, false));
    for policy in [
        r#"{"never-replay":["1:card"]}"#,
        r#"{"targets":["mail.**"]}"#,
    ] {
        let policy = Policy::from_json(policy).unwrap();
        triage.set_policy(&policy).await.unwrap();
        for plan in [plan.clone(), triage.resume(&plan.job).await.unwrap()] {
            let refused = triage.run(&plan, &options(None), &stop, &mut seen).await;
            assert!(
                matches!(&refused, Err(TriageError::Policy(_))),
                "{refused:?}"
            );
        }
        assert_eq!(listed(&triage, Selection::default()).await.len(), 3);
    }
    let policy = r#"{"never-replay":["1:other"],"targets":["order.**"],"max-rate":1000}"#;
    let policy = Policy::from_json(policy).unwrap();
    triage.set_policy(&policy).await.unwrap();
    assert_eq!(run(&triage, &plan).await.done, 3);
}

#[tokio::test]
async fn without_its_list_a_limited_replay_is_refused() {
    let (transport, triage) = store().await;
    put(&transport, [letter(1, "billing", "card")]).await;
    let plan = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    let letters = transport.dead_letters();
    for note in letters.notes(&"replays".parse().unwrap()).await.unwrap() {
        letters.put_note(&note.name, None).await.unwrap();
    }
    let policy = Policy::from_json(r#"{"targets":["order.**"]}"#).unwrap();
    triage.set_policy(&policy).await.unwrap();
    let (stop, mut seen) = (Stop::default(), |_: &[_]| {});
    let refused = triage.run(&plan, &options(None), &stop, &mut seen).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("no longer keeps the list"), "{refused}");
    triage.set_policy(&Policy::default()).await.unwrap();
    assert_eq!(run(&triage, &plan).await.done, 1);
}

#[tokio::test]
async fn a_purge_that_was_planned_before_an_edit_spares_the_original() {
    let (transport, triage) = store().await;
    put(&transport, (0..3).map(|n| letter(n, "billing", "x"))).await;
    let purge = || PlanRequest::new(JobAction::Purge, Selection::default());
    let plan = triage.plan(purge()).await.unwrap();
    let one = letter(1, "billing", "x").id;
    let request = EditRequest {
        query: Query::from(named(&[one.as_str()])),
        text: "edit one".to_owned(),
        who: "ann".to_owned(),
        is_dead: |_| false,
        replay: None,
    };
    let mut event = |_: &_, _: &[u8]| {
        let event =
            r#"{"specversion":"1.0","id":"1","source":"s","type":"order.created","data":7}"#;
        Ok(event.as_bytes().to_vec())
    };
    triage.edit(request, &mut event).await.unwrap();
    let (stop, mut seen) = (Stop::default(), |_: &[_]| {});
    let refused = triage.run(&plan, &options(None), &stop, &mut seen).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("archived or edited"), "{refused}");
    let archive = Query {
        archived: true,
        ..Query::default()
    };
    assert_eq!(archived(&triage, archive.clone()).await, [one]);
    triage.cancel(&plan.job).await.unwrap();
    let all = triage.plan(purge()).await.unwrap();
    assert_eq!(run(&triage, &all).await.done, 3, "the edited one too");
    let of_archive = PlanRequest::new(JobAction::Purge, archive);
    let of_archive = triage.plan(of_archive).await.unwrap();
    assert_eq!(run(&triage, &of_archive).await.done, 1);
    let under = "purge".parse().unwrap();
    let notes = transport.dead_letters().notes(&under).await.unwrap();
    assert_eq!(notes, [], "no list is left");
}

async fn archived(triage: &Triage, query: Query) -> Vec<DeadLetterId> {
    let mut letters = triage.list(query).await.unwrap();
    let page = letters.next(10).await.unwrap();
    page.into_iter().map(|letter| letter.id).collect()
}

#[tokio::test]
async fn a_job_of_which_nothing_can_be_read_is_cancelled_unless_the_policy_forbids_it() {
    let (transport, triage) = store().await;
    put(&transport, [letter(1, "billing", "x")]).await;
    let plan = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    let letters = transport.dead_letters();
    let spoil = async |name: &str| {
        let name = name.parse().unwrap();
        letters.put_note(&name, Some("{".to_owned())).await.unwrap();
    };
    for name in ["plan.other", "replays.other", "archive.other", "edit.other"] {
        spoil(name).await;
    }
    let kept = triage.kept_plans().await.unwrap();
    assert!(kept.is_empty(), "a note that cannot be read hides no other");
    let policy = Policy::from_json(r#"{"read-only":true}"#).unwrap();
    triage.set_policy(&policy).await.unwrap();
    let refused = triage.cancel(&plan.job).await;
    assert!(matches!(
        refused,
        Err(TriageError::Policy(PolicyError::Forbidden(_)))
    ));
    spoil("policy").await;
    let refused = triage.cancel(&plan.job).await;
    assert!(
        matches!(refused, Err(TriageError::Policy(PolicyError::Invalid(_)))),
        "it may be read-only"
    );
    assert_eq!(triage.jobs().await.unwrap().len(), 1);
    triage.set_policy(&Policy::default()).await.unwrap();
    triage.cancel(&plan.job).await.unwrap();
    assert_eq!(triage.jobs().await.unwrap(), []);
}

#[tokio::test]
async fn a_plan_is_kept_from_when_it_was_handed_over() {
    let (transport, triage) = store().await;
    put(&transport, [letter(1, "billing", "x")]).await;
    let request = PlanRequest {
        keep: true,
        ..PlanRequest::new(REPLAY, Selection::default())
    };
    let plan = triage.plan(request).await.unwrap();
    assert!(triage.kept_plans().await.unwrap().is_empty());
    // Whoever has the whole file may run it, though this process was killed before it said so.
    let known = triage.plan_hash(&plan.job).await.unwrap();
    assert_eq!(known, plan.hash);
    triage.keep(&plan).await.unwrap();
    let kept = triage.kept_plans().await.unwrap();
    assert_eq!(kept.get(&plan.job), plan.hash.as_ref());
    triage.drop_plan(&plan).await.unwrap();
    assert!(triage.kept_plans().await.unwrap().is_empty());
    assert_eq!(triage.plan_hash(&plan.job).await.unwrap(), None);
    assert_eq!(triage.verifiable().await.unwrap(), []);
}
