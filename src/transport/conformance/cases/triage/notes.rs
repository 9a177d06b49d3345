//! Notes of triage are stored by name.

use crate::transport::{NoteName, conformance::harness::Harness};

/// Returns a name that no other case uses.
fn name(harness: &Harness, text: &str) -> NoteName {
    let name = format!("{}.{text}", harness.run());
    name.parse().expect("the name is a note's")
}

/// Reads notes by another connection.
async fn read(harness: &Harness, under: &str) -> Vec<(String, String)> {
    let under = name(harness, under);
    let again = harness.again().await;
    let notes = again.dead_letters().notes(&under).await;
    let start = format!("{}.", harness.run());
    let pair = |note: crate::transport::Note| {
        let name = note.name.as_str().strip_prefix(&start);
        (name.expect("a name of this case").to_owned(), note.value)
    };
    let notes = notes.expect("notes can be read").into_iter();
    notes.map(pair).collect()
}

async fn put(harness: &Harness, text: &str, value: Option<&str>) {
    let letters = harness.transport.dead_letters();
    let name = name(harness, text);
    let stored = letters.put_note(&name, value.map(str::to_owned)).await;
    stored.expect("a note can be stored");
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A stored note is read by every connection, in order of name; a later one of its name replaces it.
pub(crate) async fn are_kept_and_replaced(harness: &Harness) {
    put(harness, "log.b", Some("1")).await;
    put(harness, "log.a", Some("\u{fc}\n")).await;
    put(harness, "log.b", Some("2")).await;
    let expected = [pair("log.a", "\u{fc}\n"), pair("log.b", "2")];
    assert_eq!(read(harness, "log").await, expected);
}

/// A note is removed; removing one that does not exist does nothing.
pub(crate) async fn are_removed(harness: &Harness) {
    put(harness, "policy", None).await;
    put(harness, "policy", Some("1")).await;
    put(harness, "policy", None).await;
    assert_eq!(read(harness, "policy").await, []);
}

/// The notes under a name are those whose name goes on with a dot.
pub(crate) async fn are_read_by_whole_words(harness: &Harness) {
    for text in ["log", "log.a", "log.a.b", "logs", "lo", "z"] {
        put(harness, text, Some("1")).await;
    }
    let names = read(harness, "log").await.into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<Vec<_>>(), ["log", "log.a", "log.a.b"]);
    assert_eq!(read(harness, "log.a.b").await, [pair("log.a.b", "1")]);
    assert_eq!(read(harness, "nothing").await, []);
}
