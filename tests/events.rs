//! Golden files: every form in which an event travels, as a record, as a handler sees it, and decoded.
//!
//! `PF_BLESS=1` writes what the program says now into the files under `tests/events/`.

#![expect(
    clippy::unwrap_used,
    reason = "a broken golden file has to stop the test"
)]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use protoflow::{
    Event,
    event::{
        Dialect, Encoding, HandOver, Message, Mode, Naming, Position, Stored, decode, encode,
        hand_over, identified, parse_record, validate, wrap_plain, write_record,
    },
};

/// Forms that must have a file, so that none is lost unnoticed.
const FORMS: usize = 29;

#[test]
fn every_form_reads_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/events");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(
        files.len(),
        FORMS,
        "a form without a file, or a file too many"
    );
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let input = section(&text, "message");
        let actual = describe(input);
        if std::env::var_os("PF_BLESS").is_some() {
            fs::write(&file, actual).unwrap();
        } else {
            assert_eq!(text, actual, "{}", file.display());
        }
    }
}

fn section<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, behind) = text.split_once(&format!("--- {name}\n")).unwrap();
    behind.split("\n--- ").next().unwrap().trim_end()
}

fn describe(input: &str) -> String {
    let message = parse_record(input.as_bytes()).unwrap().message;
    let stored = stored(message);
    let mut record = Vec::new();
    write_record(&mut record, &stored, None);
    let rebuilt = parse_record(&record).unwrap();
    assert_eq!(rebuilt.message, stored.message, "{input}");
    assert_eq!(rebuilt.time, Some(stored.time));

    // A message of hexa-event has no id but its position.
    let event = identified(&stored.message, &stored.position);
    let handed = |naming| {
        let with = HandOver {
            dedup_key: None,
            attempt: 2,
            max_attempts: 5,
            naming,
        };
        said(hand_over(&event, &with).map(text))
    };
    let decoded = decode(&event);
    let mut out = format!("--- message\n{input}\n");
    add(&mut out, "record", &text(record));
    add(&mut out, "handed over", &handed(Naming::CloudEvents));
    let theirs = handed(Naming::Protoflow);
    add(&mut out, "handed over with the Go library's names", &theirs);
    add(
        &mut out,
        "valid",
        &said(validate(&event).map(|()| "yes".to_owned())),
    );
    add(&mut out, "decoded", &said(decoded.as_ref().map(show)));
    match &decoded {
        Ok(event) => add_forms(&mut out, event),
        Err(_) => add(
            &mut out,
            "wrapped",
            &text(wrap_plain(&stored).bytes().to_vec()),
        ),
    }
    out
}

/// Adds the event in every form that has headers.
fn add_forms(out: &mut String, event: &Event) {
    let forms = [
        (
            "kafka binary",
            Mode::Binary,
            Dialect::Kafka,
            Naming::CloudEvents,
        ),
        (
            "nats binary",
            Mode::Binary,
            Dialect::Nats,
            Naming::Protoflow,
        ),
        (
            "protobuf",
            Mode::Protobuf,
            Dialect::Kafka,
            Naming::CloudEvents,
        ),
        (
            "kafka hexa",
            Mode::Hexa,
            Dialect::Kafka,
            Naming::CloudEvents,
        ),
        ("nats hexa", Mode::Hexa, Dialect::Nats, Naming::CloudEvents),
    ];
    for (name, mode, dialect, naming) in forms {
        let encoding = Encoding {
            mode,
            dialect,
            naming,
        };
        add(out, name, &encoded(event, encoding));
    }
}

fn stored(message: Message) -> Stored {
    Stored {
        message,
        position: Position::new("12"),
        time: UNIX_EPOCH + Duration::from_millis(1_795_312_674_128),
    }
}

fn add(out: &mut String, name: &str, content: &str) {
    writeln!(out, "\n--- {name}\n{content}").unwrap();
}

fn said<E: std::fmt::Display>(result: Result<String, E>) -> String {
    result.unwrap_or_else(|error| format!("error: {error}"))
}

fn text(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains('\n'), "more than one line: {text}");
    text
}

fn show(event: &Event) -> String {
    let mut lines: Vec<_> = event
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    lines.sort();
    lines.push(format!("data: {:?}", event.data()));
    lines.join("\n")
}

fn encoded(event: &Event, encoding: Encoding) -> String {
    said(
        encode(event, "t".parse().unwrap(), encoding).map(|message| {
            let headers = message.headers.iter().map(|(name, value)| {
                let value = value.map(|value| String::from_utf8_lossy(value).into_owned());
                format!("{name}: {}\n", value.unwrap_or_default())
            });
            let headers: String = headers.collect();
            format!("{headers}\n{:?}", message.payload)
        }),
    )
}
