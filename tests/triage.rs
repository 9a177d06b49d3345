//! Triage through the public API on `memory:`: listing, counting, freezing, running and resuming.
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::{Group, Message, Position},
    runtime::{JobOptions, JobReport, Plan, PlanRequest, Stop, Triage, TriageError},
    transport::{
        DeadLetter, ErrorKind, Failure, Fingerprint, JobAction, LetterId, LetterKind, LetterRecord,
        LetterRef, Origin, Resolution, Selection, Transport,
    },
};
use tokio::time::Instant;

const REPLAY: JobAction = JobAction::Replay { to: None };

async fn store() -> (Arc<dyn Transport>, Triage) {
    let url = "memory:".parse().unwrap();
    let transport = Registry::builtin()
        .open(&url, OpenOptions::default())
        .await
        .unwrap();
    (transport.clone(), Triage::new(transport))
}

fn letter(number: u32, group: &str, message: &str) -> DeadLetter {
    let topic: protoflow::event::Topic = "order.created".parse().unwrap();
    let group = group.parse().unwrap();
    let position = Position::new(format!("order.created/{number}"));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(number));
    let payload = format!(
        r#"{{"specversion":"1.0","id":"{number}","source":"s","type":"order.created","data":{{"n":{number}}}}}"#
    );
    DeadLetter {
        at: None,
        id: LetterId::derive("store", &position, &group, 0),
        message: Message::new(topic.clone(), payload),
        record: LetterRecord {
            version: 1,
            origin: Origin {
                transport: "memory".to_owned(),
                store: "store".to_owned(),
                topic,
                position,
                time,
            },
            group,
            kind: LetterKind::Exhausted,
            failure: Failure {
                class: "exit 1".to_owned(),
                message: message.to_owned(),
                detail: None,
                duration: None,
                fingerprint: Fingerprint(format!("1:{message}")),
            },
            attempts: 3,
            total_attempts: 3,
            crashes: 0,
            first_failed: time,
            dead_since: time,
            generation: 0,
            replay_of: None,
            event_id: Some(number.to_string()),
            event_type: Some("order.created".to_owned()),
        },
    }
}

async fn put(transport: &Arc<dyn Transport>, letters: impl IntoIterator<Item = DeadLetter>) {
    for new in transport
        .dead_letters()
        .import(letters.into_iter().collect())
        .await
    {
        assert!(new.unwrap());
    }
}

async fn listed(triage: &Triage, selection: Selection) -> Vec<DeadLetter> {
    let mut letters = triage.list(selection).await.unwrap();
    let mut all = Vec::new();
    loop {
        let page = letters.next(7).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn named(names: &[&str]) -> Selection {
    Selection {
        letters: names
            .iter()
            .map(|name| LetterRef((*name).to_owned()))
            .collect(),
        ..Selection::default()
    }
}

fn reason(reason: &str) -> Selection {
    Selection {
        reason: Some(reason.to_owned()),
        ..Selection::default()
    }
}

fn options(rate: Option<f64>) -> JobOptions {
    JobOptions {
        holder: "ann@here".to_owned(),
        rate,
    }
}

async fn run(triage: &Triage, plan: &Plan) -> JobReport {
    let (options, stop) = (options(None), Stop::default());
    triage
        .run(plan, &options, &stop, &mut |_| {})
        .await
        .unwrap()
}

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
    assert_eq!(plan(one).await.unwrap().contents.letters, 1);
    let id = letter(2, "billing", "x").id;
    let plan = plan(named(&[id.as_str(), "gone"])).await.unwrap();
    assert_eq!((plan.contents.letters, plan.contents.missing), (1, 1));
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
    let names: Vec<_> = ids.iter().map(LetterId::as_str).collect();
    assert_eq!(listed(&triage, named(&names)).await.len(), 600);
    assert_eq!(
        triage.stats(named(&names)).await.unwrap().rows[0].count,
        600
    );
}

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
    assert_eq!((contents.letters, contents.left_out), (3, 1));
    let targets: Vec<_> = contents
        .targets
        .iter()
        .map(|t| {
            (
                t.topic.as_str(),
                t.group.as_ref().map(Group::as_str),
                t.letters,
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
            .any(|w| w.starts_with("1 letter was replayed before")),
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
            .any(|w| w.contains("60 letters to go")),
        "{:?}",
        other.contents.warnings
    );
    triage.drop_plan(&other).await.unwrap();

    let plan = triage.plan(request()).await.unwrap();
    let resumed = plan.resumed.clone().unwrap();
    assert_eq!(
        (resumed.planned, resumed.resolved, plan.contents.letters),
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

#[cfg(feature = "filter")]
mod filtered {
    use protoflow::runtime::{Filter, Query};

    use super::*;

    fn query(jq: &str) -> Query {
        Query {
            selection: Selection::default(),
            filter: Some(Filter::compile(jq).unwrap()),
        }
    }

    #[tokio::test]
    async fn filters_see_event_message_and_story() {
        let (transport, triage) = store().await;
        put(
            &transport,
            (0..10).map(|n| letter(n, "billing", if n < 4 { "timeout" } else { "refused" })),
        )
        .await;
        let count = async |jq: &str| {
            let counts = triage.stats(query(jq)).await.unwrap();
            counts.rows.iter().map(|row| row.count).sum::<u64>()
        };
        assert_eq!(count(".event.data.n >= 7").await, 3);
        assert_eq!(
            count(r#".dead_letter.failure.message == "timeout""#).await,
            4
        );
        assert_eq!(
            count(r#".message.topic == "order.created" and .dead_letter.group == "billing""#).await,
            10
        );
        assert_eq!(
            count(r#".dead_letter.dead_since < "1970-01-01T00:00:05Z""#).await,
            5
        );
    }

    #[tokio::test]
    async fn letters_that_a_filter_fails_on_are_left_out_and_told() {
        let (transport, triage) = store().await;
        put(&transport, (0..3).map(|n| letter(n, "billing", "x"))).await;
        let jq = r"if .event.data.n == 1 then .event.id.x else true end";
        let contents = triage
            .preview(PlanRequest::new(JobAction::Purge, query(jq)))
            .await
            .unwrap();
        assert_eq!(contents.letters, 2);
        assert!(
            contents
                .warnings
                .iter()
                .any(|w| w.contains("the filter failed on 1 letter")),
            "{:?}",
            contents.warnings
        );
    }

    #[tokio::test]
    async fn a_filter_is_part_of_the_request() {
        let text = |jq| query(jq).text();
        assert_eq!(
            text(".event.id == \"it's\""),
            r#"--where '.event.id == "it'\''s"'"#
        );
        assert_eq!(Query::from(Selection::default()).text(), "--all");
    }
}
