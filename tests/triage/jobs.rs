//! Freezing, running, stopping and resuming.

use std::time::Duration;

use protoflow::{
    event::Group,
    runtime::{EditRequest, JobReport, PlanRequest, Query, Stop, TriageError},
    transport::{ErrorKind, JobAction, Resolution, Selection, TailFrom, TailRequest},
};
use tokio::time::Instant;

use crate::fixture::{REPLAY, letter, listed, options, put, reason, run, store};

#[tokio::test]
async fn what_dies_after_the_plan_is_left_alone() {
    let (transport, triage) = store().await;
    put(&transport, (0..3).map(|n| letter(n, "billing", "x"))).await;
    let plan = triage
        .plan(PlanRequest::new(JobAction::Purge, Selection::default()))
        .await
        .unwrap();
    put(&transport, [letter(9, "billing", "x")]).await;
    let report = run(&triage, &plan).await;
    assert_eq!(
        report,
        JobReport {
            done: 3,
            complete: true,
            ..JobReport::default()
        }
    );
    let left = listed(&triage, Selection::default()).await;
    assert_eq!(left.len(), 1);
    assert_eq!(triage.jobs().await.unwrap(), []);
}

#[tokio::test]
async fn a_plan_tells_targets_reasons_and_what_is_left_out() {
    let (transport, triage) = store().await;
    let mut often = letter(5, "billing", "timeout");
    often.record.generation = 2;
    let mut once = letter(6, "billing", "timeout");
    once.record.generation = 1;
    put(
        &transport,
        [
            letter(1, "billing", "timeout"),
            letter(2, "shipping", "refused"),
            often,
            once,
        ],
    )
    .await;
    let mut request = PlanRequest::new(REPLAY, Selection::default());
    request.max_replays = Some(2);
    let contents = triage.preview(request).await.unwrap();
    assert_eq!((contents.dead_letters, contents.left_out), (3, 1));
    let targets: Vec<_> = contents
        .targets
        .iter()
        .map(|t| {
            (
                t.topic.as_str(),
                t.group.as_ref().map(Group::as_str),
                t.dead_letters,
            )
        })
        .collect();
    assert_eq!(
        targets,
        [
            ("order.created", Some("billing"), 2),
            ("order.created", Some("shipping"), 1)
        ]
    );
    let reasons: Vec<_> = contents
        .reasons
        .rows
        .iter()
        .map(|r| (r.sample.as_str(), r.count))
        .collect();
    assert_eq!(reasons, [("timeout", 2), ("refused", 1)]);
    assert!(
        contents
            .warnings
            .iter()
            .any(|w| w.starts_with("1 dead letter was replayed before")),
        "{:?}",
        contents.warnings
    );
    assert_eq!(
        triage.jobs().await.unwrap(),
        [],
        "looking ahead leaves nothing"
    );
}

#[tokio::test]
async fn a_replay_to_another_topic_says_where() {
    let (transport, triage) = store().await;
    put(&transport, [letter(1, "billing", "x")]).await;
    let to = JobAction::Replay {
        to: Some("order.repaired".parse().unwrap()),
    };
    let plan = triage
        .plan(PlanRequest::new(to, Selection::default()))
        .await
        .unwrap();
    assert_eq!(plan.contents.targets[0].topic.as_str(), "order.repaired");
    assert_eq!(plan.contents.targets[0].group, None);
    run(&triage, &plan).await;
    let topics: Vec<_> = transport
        .topics()
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(topics.contains(&"order.repaired".to_owned()), "{topics:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_job_is_resumed_by_the_same_request_alone() {
    let (transport, triage) = store().await;
    put(&transport, (0..100).map(|n| letter(n, "billing", "x"))).await;
    let request = || PlanRequest::new(REPLAY, reason("x"));
    let plan = triage.plan(request()).await.unwrap();
    let stop = Stop::default();
    let drain = stop.drain.clone();
    let mut seen = 0;
    let report = triage
        .run(&plan, &options(Some(20.0)), &stop, &mut |resolved| {
            seen += resolved.len();
            if seen >= 40 {
                drain.cancel();
            }
        })
        .await
        .unwrap();
    assert_eq!(
        report,
        JobReport {
            done: 40,
            ..JobReport::default()
        }
    );

    put(&transport, [letter(200, "billing", "x")]).await;
    let other = triage.plan(PlanRequest::new(REPLAY, reason("X "))).await;
    let other = other.unwrap();
    assert_eq!(other.resumed, None);
    assert!(
        other
            .contents
            .warnings
            .iter()
            .any(|w| w.contains("60 dead letters to go")),
        "{:?}",
        other.contents.warnings
    );
    triage.drop_plan(&other).await.unwrap();

    let plan = triage.plan(request()).await.unwrap();
    let resumed = plan.resumed.clone().unwrap();
    assert_eq!(
        (
            resumed.planned,
            resumed.resolved,
            plan.contents.dead_letters
        ),
        (100, 40, 60)
    );
    triage.drop_plan(&plan).await.unwrap();
    let report = run(&triage, &plan).await;
    assert_eq!(
        report,
        JobReport {
            done: 60,
            complete: true,
            ..JobReport::default()
        }
    );
    assert_eq!(listed(&triage, Selection::default()).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_smoothly_under_one_lease() {
    let (transport, triage) = store().await;
    put(&transport, (0..5).map(|n| letter(n, "billing", "x"))).await;
    let plan = triage
        .plan(PlanRequest::new(REPLAY, Selection::default()))
        .await
        .unwrap();
    let started = Instant::now();
    let mut times = Vec::new();
    // Far slower than any lease lasts without its heartbeat.
    let report = triage
        .run(
            &plan,
            &options(Some(0.01)),
            &Stop::default(),
            &mut |resolved| {
                assert_eq!(resolved.len(), 1);
                times.push(started.elapsed().as_secs());
            },
        )
        .await
        .unwrap();
    assert!(report.complete);
    assert_eq!(times, [0, 100, 200, 300, 400]);
}

#[tokio::test(start_paused = true)]
async fn a_second_operator_is_told_who_holds_the_lease() {
    let (transport, triage) = store().await;
    put(&transport, (0..10).map(|n| letter(n, "billing", "x"))).await;
    let request = || PlanRequest::new(JobAction::Purge, Selection::default());
    let plan = triage.plan(request()).await.unwrap();
    let waiting = triage
        .plan(PlanRequest::new(REPLAY, reason("x")))
        .await
        .unwrap();
    let stop = Stop::default();
    let first = tokio::spawn({
        let (triage, plan, stop) = (triage.clone(), plan.clone(), stop.clone());
        async move {
            triage
                .run(&plan, &options(Some(1.0)), &stop, &mut |_| {})
                .await
        }
    });
    tokio::time::sleep(Duration::from_secs(3)).await;

    let error = triage.plan(request()).await.unwrap_err();
    assert!(
        matches!(&error, TriageError::Transport(e) if e.kind() == ErrorKind::Held),
        "{error}"
    );
    assert!(error.to_string().contains("ann@here"), "{error}");
    let error = triage
        .run(&waiting, &options(None), &Stop::default(), &mut |_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TriageError::Transport(e) if e.kind() == ErrorKind::Held),
        "{error}"
    );
    assert!(error.to_string().contains("ann@here"), "{error}");

    stop.drain.cancel();
    assert!(!first.await.unwrap().unwrap().complete);
    let report = run(&triage, &waiting).await;
    assert!(report.complete && report.gone >= 3, "{report:?}");
    let plan = triage.plan(request()).await.unwrap();
    assert!(plan.resumed.is_some());
    let report = run(&triage, &plan).await;
    assert!(
        report.complete && report.done == 0,
        "all are gone: {report:?}"
    );
}

#[tokio::test]
async fn progress_names_every_letter() {
    let (transport, triage) = store().await;
    put(&transport, (0..3).map(|n| letter(n, "billing", "x"))).await;
    let plan = triage
        .plan(PlanRequest::new(REPLAY, Selection::default()))
        .await
        .unwrap();
    let mut told = Vec::new();
    triage
        .run(&plan, &options(None), &Stop::default(), &mut |resolved| {
            told.extend_from_slice(resolved);
        })
        .await
        .unwrap();
    let ids: Vec<_> = (0..3)
        .map(|n| (letter(n, "billing", "x").id, Resolution::Done))
        .collect();
    assert_eq!(told, ids);
}

#[tokio::test]
async fn what_is_replayed_or_purged_leaves_no_mark_in_the_archive() {
    for action in [REPLAY, JobAction::Purge] {
        let (transport, triage) = store().await;
        put(&transport, (0..3).map(|n| letter(n, "billing", "x"))).await;
        let archived = triage.archive(Selection::default()).await.unwrap();
        assert_eq!(archived.changed, 3);
        let query = Query {
            archived: true,
            ..Query::default()
        };
        let plan = PlanRequest::new(action, query);
        let plan = triage.plan(plan).await.unwrap();
        assert_eq!(run(&triage, &plan).await.done, 3);
        let under = "archive".parse().unwrap();
        let notes = transport.dead_letters().notes(&under).await.unwrap();
        assert_eq!(notes, []);
    }
}

#[tokio::test]
async fn an_edited_foreign_letter_goes_to_its_topic_as_its_original_would() {
    let (transport, triage) = store().await;
    let mut foreign = letter(1, "spring", "x");
    foreign.is_foreign = true;
    foreign.record.foreign = true;
    put(&transport, [foreign]).await;
    let request = EditRequest {
        query: Query::default(),
        text: "--all".to_owned(),
        who: "ann".to_owned(),
        is_dead: |_| false,
        replay: None,
    };
    let mut event = |_: &_, _: &[u8]| {
        let event =
            r#"{"specversion":"1.0","id":"1","source":"s","type":"order.created","data":7}"#;
        Ok(event.as_bytes().to_vec())
    };
    let edited = triage.edit(request, &mut event).await.unwrap();
    assert_eq!(edited.edited, 1);
    let plan = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    assert_eq!(plan.contents.targets[0].group, None);
    assert_eq!(run(&triage, &plan).await.done, 1);
    let request = TailRequest {
        patterns: vec!["order.created".parse().unwrap()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = transport.tail(request).await.unwrap();
    assert_eq!(tail.next(10).await.unwrap().len(), 1, "every group sees it");
}
