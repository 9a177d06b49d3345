//! What triage notes down in the store: who did what and why, the policy, what is archived, what is
//! fixed, and what was replayed.
//!
//! Notes lie beside the dead letters, so every host and every operator reads the same ones.

mod archive;
mod edits;
mod fixed;
mod hiding;
mod log;
mod manifest;
#[cfg(feature = "filter")]
mod masks;
mod plans;
mod policy;
mod purges;

use std::sync::LazyLock;

use serde::{Serialize, de::DeserializeOwned};
use ulid::{Generator, Ulid};

#[cfg(feature = "filter")]
pub use self::masks::Masks;
pub(super) use self::{
    archive::Archived,
    edits::PendingEdit,
    fixed::{Fixes, store as store_fix},
    hiding::Hiding,
    log::{append as append_log, begin as begin_log, entries as read_log, replace as replace_log},
    manifest::{
        Header, Listed, Manifest, ManifestWriter, discard as discard_manifest,
        headers as manifest_headers, load as load_manifest, note_gone,
    },
    plans::{
        check_unedited, confirm as confirm_plan, draft as draft_plan, hash_of as plan_hash,
        kept as kept_plans, release as release_plan,
    },
    policy::{load as load_policy, store as store_policy},
    purges::{PurgeListWriter, discard as discard_purge_list, load as load_purge_list},
};
pub use self::{
    fixed::Fix,
    log::LogEntry,
    policy::{Guard, Policy, PolicyError},
};
use crate::{
    lock::Mutex,
    transport::{ErrorKind, Note, NoteName, Result as Answer, Transport, TransportError},
};

/// How many notes a thread reads at a time.
const PARSED: usize = 8;

/// Returns the name of the notes of a kind.
fn name(kind: &'static str) -> NoteName {
    kind.parse().expect("each kind is a word")
}

/// Stores a note in place of an earlier one.
async fn put(transport: &dyn Transport, name: &NoteName, value: &impl Serialize) -> Answer<()> {
    let value = serde_json::to_string(value).map_err(|source| {
        let message = format!("the note `{name}` cannot be written");
        TransportError::new(transport.scheme(), ErrorKind::Other, message).because(source)
    })?;
    let letters = transport.dead_letters();
    letters.put_note(name, Some(value)).await
}

/// Removes a note.
async fn remove(transport: &dyn Transport, name: &NoteName) -> Answer<()> {
    transport.dead_letters().put_note(name, None).await
}

/// Reads the notes under a name, in order.
async fn read<T: DeserializeOwned>(
    transport: &dyn Transport,
    under: &NoteName,
) -> Answer<Vec<(NoteName, T)>> {
    let notes = transport.dead_letters().notes(under).await?.into_iter();
    notes.map(|note| parse(transport.scheme(), note)).collect()
}

/// Reads the notes under a name, as [`read`] does, on several threads: for those that are many and long.
async fn read_many<T: DeserializeOwned + Send + 'static>(
    transport: &dyn Transport,
    under: &NoteName,
) -> Answer<Vec<(NoteName, T)>> {
    let scheme = transport.scheme();
    let mut notes = transport.dead_letters().notes(under).await?;
    let mut parts = Vec::new();
    while !notes.is_empty() {
        let rest = notes.split_off(notes.len().min(PARSED));
        let some = std::mem::replace(&mut notes, rest).into_iter();
        parts.push(tokio::task::spawn_blocking(move || {
            let parsed = some.map(|note| parse(scheme, note));
            parsed.collect::<Answer<Vec<_>>>()
        }));
    }
    let mut read = Vec::new();
    for part in parts {
        let parsed = part.await.map_err(|source| {
            let message = "the thread that read notes has ended";
            TransportError::new(scheme, ErrorKind::Other, message).because(source)
        })?;
        read.append(&mut parsed?);
    }
    Ok(read)
}

fn parse<T: DeserializeOwned>(scheme: &'static str, note: Note) -> Answer<(NoteName, T)> {
    match serde_json::from_str(&note.value) {
        Ok(value) => Ok((note.name, value)),
        Err(source) => {
            let message = format!("the note `{}` cannot be read", note.name);
            Err(TransportError::new(scheme, ErrorKind::Corrupt, message).because(source))
        }
    }
}

/// Returns a word that sorts by time, and behind those that this process had before.
fn moment() -> String {
    static LAST: LazyLock<Mutex<Generator>> = LazyLock::new(Mutex::default);
    // It fails where one millisecond had more of them than there are.
    let id = LAST.lock().generate().unwrap_or_else(|_| Ulid::generate());
    id.to_string().to_lowercase()
}
