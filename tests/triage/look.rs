//! Listing and counting.

use protoflow::{
    runtime::{PlanRequest, TriageError},
    transport::{DeadLetterId, Selection},
};

use crate::fixture::{REPLAY, letter, listed, named, put, reason, store};

#[tokio::test]
async fn a_listing_comes_in_pages_oldest_first_and_changes_nothing() {
    let (transport, triage) = store().await;
    put(
        &transport,
        (0..40).map(|n| letter(n, "billing", if n % 2 == 0 { "even" } else { "odd" })),
    )
    .await;
    let letters = listed(&triage, reason("EVEN")).await;
    let numbers: Vec<_> = letters
        .iter()
        .map(|l| l.record.event_id.clone().unwrap())
        .collect();
    let even: Vec<_> = (0..40).step_by(2).map(|n: u32| n.to_string()).collect();
    assert_eq!(numbers, even);
    assert_eq!(listed(&triage, Selection::default()).await.len(), 40);
}

#[tokio::test]
async fn a_name_must_fit_one_letter() {
    let (transport, triage) = store().await;
    put(
        &transport,
        [
            letter(1, "billing", "x"),
            letter(1, "shipping", "x"),
            letter(2, "billing", "x"),
        ],
    )
    .await;
    let plan = |selection| triage.plan(PlanRequest::new(REPLAY, selection));

    let error = plan(named(&["order.created/1"])).await.unwrap_err();
    assert!(
        matches!(&error, TriageError::Ambiguous { count: 2, candidates, .. } if candidates.len() == 2),
        "{error}"
    );
    let error = plan(named(&["nobody"])).await.unwrap_err();
    assert!(
        matches!(&error, TriageError::Unknown(name) if name == "nobody"),
        "{error}"
    );
    assert_eq!(
        triage.jobs().await.unwrap(),
        [],
        "a refused plan leaves nothing"
    );

    let one = Selection {
        group: Some("shipping".parse().unwrap()),
        ..named(&["order.created/1"])
    };
    assert_eq!(plan(one).await.unwrap().contents.dead_letters, 1);
    let id = letter(2, "billing", "x").id;
    let plan = plan(named(&[id.as_str(), "gone"])).await.unwrap();
    assert_eq!((plan.contents.dead_letters, plan.contents.missing), (1, 1));
    assert!(
        plan.contents.warnings.iter().any(|w| w.contains("gone")),
        "{:?}",
        plan.contents.warnings
    );
}

#[tokio::test]
async fn many_names_are_looked_up_here() {
    let (transport, triage) = store().await;
    put(&transport, (0..700).map(|n| letter(n, "billing", "x"))).await;
    let ids: Vec<_> = (0..600).map(|n| letter(n, "billing", "x").id).collect();
    let names: Vec<_> = ids.iter().map(DeadLetterId::as_str).collect();
    assert_eq!(listed(&triage, named(&names)).await.len(), 600);
    assert_eq!(
        triage.stats(named(&names)).await.unwrap().rows[0].count,
        600
    );
}
