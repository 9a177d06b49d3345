//! Listing and counting.

use protoflow::{
    runtime::{EditRequest, LogEntry, PlanRequest, Policy, Query, TriageError},
    transport::{DeadLetter, DeadLetterId, Selection},
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

#[tokio::test]
async fn what_the_policy_masks_is_in_no_sample() {
    let (transport, triage) = store().await;
    let secret = |n: u32| letter(n, "billing", &format!("no card {n} here"));
    put(&transport, [secret(41_112_222), secret(41_113_333)]).await;
    let policy = Policy::from_json(r#"{"mask":[".event.data.n"]}"#).unwrap();
    triage.set_policy(&policy).await.unwrap();
    let mut shown: Vec<String> = Vec::new();
    let counts = triage.stats(Selection::default()).await.unwrap();
    shown.extend(counts.rows.into_iter().map(|row| row.sample));
    let plan = || PlanRequest::new(REPLAY, Selection::default());
    let contents = triage.preview(plan()).await.unwrap();
    shown.extend(contents.reasons.rows.into_iter().map(|row| row.sample));
    let request = EditRequest {
        query: Query::default(),
        text: "--all".to_owned(),
        who: "ann".to_owned(),
        is_dead: |_| false,
        replay: None,
    };
    let mut event = |letter: &DeadLetter, _: &[u8]| {
        let n = letter.record.event_id.as_deref().unwrap();
        if n == "41113333" {
            return Err(format!("{n} is not a card"));
        }
        let event = format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"order.created","data":{{"n":7,"old":"was {n}"}}}}"#
        );
        Ok(event.into_bytes())
    };
    let edit = triage.preview_edit(request, &mut event).await.unwrap();
    shown.extend(edit.refusals.into_iter().map(|refusal| refusal.reason));
    for shape in edit.shapes {
        shown.extend([shape.before, shape.after]);
    }
    assert_eq!(shown.len(), 7);
    for text in shown {
        assert!(text.contains("***") && !text.contains("4111"), "{text}");
    }
}

#[tokio::test]
async fn what_was_begun_is_in_the_log_even_if_its_end_is_not() {
    let (_, triage) = store().await;
    let entry = LogEntry::new("ann", "archive");
    let killed = triage.note_begin(&entry).await.unwrap();
    let begun = triage.note_begin(&entry).await.unwrap();
    triage.note_end(&begun, Some(&entry)).await.unwrap();
    let nothing = triage.note_begin(&entry).await.unwrap();
    triage.note_end(&nothing, None).await.unwrap();
    let log = triage.log().await.unwrap();
    let begun: Vec<_> = log.iter().map(|entry| entry.begun).collect();
    assert_eq!(begun, [true, false], "{killed}");
    let letters = triage.transport().dead_letters();
    let spoiled = letters.put_note(&killed, Some("{".to_owned()));
    spoiled.await.unwrap();
    let log = triage.log().await.unwrap();
    let unreadable: Vec<_> = log.iter().map(LogEntry::is_unreadable).collect();
    assert_eq!(unreadable, [true, false], "it hides no other");
    assert_eq!(log[0].selection, killed.as_str());
    let age = log[0].time.elapsed().unwrap_or_default();
    assert!(age.as_secs() < 60, "{age:?}");
}
