//! Dead letters to work on, and what an independent reader sees of them afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Output, Stdio},
    time::{Duration, SystemTime},
};

use protoflow::{
    event::{Message, Position},
    runtime::{write_export_end, write_exported},
    transport::{
        DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRecord, Failure, Fingerprint, Origin,
    },
};
use serde_json::Value;

use crate::{judge::Moved, store::Store};

/// An editor that adds a member to the data.
pub const EDITOR: &str = r#"sed -i 's/"n":/"edited": true, "n":/'"#;

/// Returns the id of the event of a dead letter.
pub fn event(number: usize) -> String {
    format!("e{number:06}")
}

/// Returns a dead letter of a group.
pub fn letter(number: usize, group: &str) -> DeadLetter {
    let topic: protoflow::event::Topic = "order.created".parse().unwrap();
    let group = group.parse().unwrap();
    let position = Position::new(format!("order.created/{number}"));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number as u64);
    let id = event(number);
    let payload = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"order.created","data":{{"n":{number}}}}}"#
    );
    let mut message = Message::new(topic.clone(), payload);
    message.key = Some(format!("k{}", number % 7).into());
    DeadLetter {
        at: None,
        is_foreign: false,
        id: DeadLetterId::derive("elsewhere", &position, &group, 0),
        message,
        record: DeadLetterRecord {
            version: 1,
            origin: Origin {
                transport: "memory".to_owned(),
                store: "elsewhere".to_owned(),
                topic,
                position,
                time,
            },
            group,
            kind: DeadLetterKind::Exhausted,
            failure: Failure {
                class: "exit 1".to_owned(),
                message: "refused".to_owned(),
                detail: None,
                duration: None,
                fingerprint: Fingerprint("1:refused".to_owned()),
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
            event_id: Some(id),
            event_type: Some("order.created".to_owned()),
        },
    }
}

/// Ends of a command whose broker did not answer in time, as on a machine that is very busy.
pub const UNAVAILABLE: i32 = 69;
/// How often such a command is given again.
const PATIENCE: u32 = 10;

/// Stores dead letters in the way that an operator has.
pub fn import(store: &Store, letters: &[DeadLetter]) {
    let mut lines = Vec::new();
    for letter in letters {
        write_exported(&mut lines, letter);
    }
    write_export_end(&mut lines, letters.len() as u64);
    let file = store.path("letters.ndjson");
    fs::write(&file, lines).unwrap();
    let imported = output(
        store,
        &["dlq", "import", file.to_str().unwrap(), "--create"],
    );
    assert!(imported.status.success(), "{}", store.errors_so_far());
}

/// Runs a command to its end, with what it prints.
pub fn output(store: &Store, arguments: &[&str]) -> Output {
    let mut command = store.pf(arguments);
    command.env("EDITOR", EDITOR).stdout(Stdio::piped());
    for _ in 0..PATIENCE {
        let output = command.output().unwrap();
        if output.status.code() != Some(UNAVAILABLE) {
            return output;
        }
    }
    panic!("{arguments:?}: {}", store.errors_so_far());
}

/// Returns the lines of a command that are JSON; the last one may be a part of one if it was killed.
pub fn json(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout);
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// What the independent reader sees.
pub struct Seen {
    /// How often each dead letter was replayed.
    pub replays: BTreeMap<String, usize>,
    /// The events that were replayed, by the id of the original, and whether each is as it was edited.
    pub events: BTreeMap<String, Vec<bool>>,
    /// The dead letters that are left.
    pub left: BTreeSet<String>,
}

impl Seen {
    pub fn read(store: &Store, topic: &str) -> Self {
        let moved = store.judge.moved(topic);
        let (mut replays, mut events) = (BTreeMap::new(), BTreeMap::<String, Vec<bool>>::new());
        for Moved { letter, payload } in moved {
            *replays.entry(letter).or_default() += 1;
            let event: Value = serde_json::from_slice(&payload).unwrap();
            let original = event.get("editof").unwrap_or(&event["id"]);
            let is_edited = event["data"]["edited"] == true && event["causationid"] == *original;
            let original = original.as_str().unwrap().to_owned();
            events.entry(original).or_default().push(is_edited);
        }
        let letters = store.judge.letters();
        let left: BTreeSet<_> = letters.iter().cloned().collect();
        assert_eq!(left.len(), letters.len(), "a dead letter is there twice");
        Self {
            replays,
            events,
            left,
        }
    }
}
