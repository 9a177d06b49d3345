//! A store in memory with dead letters in it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::{Message, Position},
    runtime::{JobOptions, JobReport, Plan, Stop, Triage},
    transport::{
        DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRecord, DeadLetterRef, Failure,
        Fingerprint, JobAction, Origin, Selection, Transport,
    },
};

pub(crate) const REPLAY: JobAction = JobAction::Replay { to: None };

pub(crate) async fn store() -> (Arc<dyn Transport>, Triage) {
    let url = "memory:".parse().unwrap();
    let transport = Registry::builtin()
        .open(&url, OpenOptions::default())
        .await
        .unwrap();
    (transport.clone(), Triage::new(transport))
}

pub(crate) fn letter(number: u32, group: &str, message: &str) -> DeadLetter {
    let topic: protoflow::event::Topic = "order.created".parse().unwrap();
    let group = group.parse().unwrap();
    let position = Position::new(format!("order.created/{number}"));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(number));
    let payload = format!(
        r#"{{"specversion":"1.0","id":"{number}","source":"s","type":"order.created","data":{{"n":{number}}}}}"#
    );
    DeadLetter {
        at: None,
        is_foreign: false,
        id: DeadLetterId::derive("store", &position, &group, 0),
        message: Message::new(topic.clone(), payload),
        record: DeadLetterRecord {
            version: 1,
            origin: Origin {
                transport: "memory".to_owned(),
                store: "store".to_owned(),
                topic,
                position,
                time,
            },
            group,
            kind: DeadLetterKind::Exhausted,
            failure: Failure {
                class: "exit 1".to_owned(),
                message: message.to_owned(),
                detail: None,
                duration: None,
                fingerprint: Fingerprint(format!("1:{message}")),
            },
            earlier: Vec::new(),
            attempts: 3,
            total_attempts: 3,
            crashes: 0,
            first_failed: time,
            dead_lettered_at: time,
            generation: 0,
            replay_of: None,
            edit_of: None,
            edit: None,
            foreign: false,
            event_id: Some(number.to_string()),
            event_type: Some("order.created".to_owned()),
        },
    }
}

pub(crate) async fn put(
    transport: &Arc<dyn Transport>,
    letters: impl IntoIterator<Item = DeadLetter>,
) {
    for new in transport
        .dead_letters()
        .import(letters.into_iter().collect())
        .await
    {
        assert!(new.unwrap());
    }
}

pub(crate) async fn listed(triage: &Triage, selection: Selection) -> Vec<DeadLetter> {
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

pub(crate) fn named(names: &[&str]) -> Selection {
    Selection {
        ids: names
            .iter()
            .map(|name| DeadLetterRef((*name).to_owned()))
            .collect(),
        ..Selection::default()
    }
}

pub(crate) fn reason(reason: &str) -> Selection {
    Selection {
        reason: Some(reason.to_owned()),
        ..Selection::default()
    }
}

pub(crate) fn options(rate: Option<f64>) -> JobOptions {
    JobOptions {
        holder: "ann@here".to_owned(),
        rate,
        ..JobOptions::default()
    }
}

pub(crate) async fn run(triage: &Triage, plan: &Plan) -> JobReport {
    let (options, stop) = (options(None), Stop::default());
    triage
        .run(plan, &options, &stop, &mut |_| {})
        .await
        .unwrap()
}
