//! Checks of topics and patterns, and hints about them.

use std::path::Path;

use protoflow::{
    event::{Pattern, Topic},
    transport::{ErrorKind, Transport, TransportError},
};

use super::nearest::nearest;
use crate::{
    error::{CliError, CliResult},
    output::Remarks,
};

/// Endings of dead-letter stores on all transports.
const DEAD_LETTER_ENDS: [&str; 3] = [".dlq", "_dlq", "-dlq"];

/// Refuses a dead-letter store as a topic.
pub fn refuse_dead_letters(topic: &Topic) -> CliResult<()> {
    if !is_dead_letter_store(topic) {
        return Ok(());
    }
    Err(CliError::usage(format!("`{topic}` is a dead-letter store"))
        .hint("list dead letters with `pf dlq list`, replay them with `pf dlq replay`"))
}

/// Reports whether the topic is a dead-letter store.
pub fn is_dead_letter_store(topic: &Topic) -> bool {
    let topic = topic.as_str().to_ascii_lowercase();
    DEAD_LETTER_ENDS.iter().any(|end| topic.ends_with(end))
}

/// Hints that the shell may have expanded a pattern to file names.
pub fn hint_expanded(patterns: &[Pattern], remarks: &Remarks) {
    let files = patterns
        .iter()
        .filter(|pattern| pattern.literal().is_some() && Path::new(pattern.as_str()).is_file());
    if let Some(file) = files.take(1).next() {
        remarks.hint(&format!(
            "`{file}` is a file in this folder; if the shell expanded your pattern, quote it: 'order.*'"
        ));
    }
}

/// Hints at an existing topic with a similar name, for each topic that does not exist.
///
/// # Errors
/// If the server does not answer: the next request would wait for as long again.
pub async fn hint_unknown(
    transport: &dyn Transport,
    patterns: &[Pattern],
    remarks: &Remarks,
) -> Result<(), TransportError> {
    let named: Vec<Topic> = patterns.iter().filter_map(Pattern::literal).collect();
    if named.is_empty() || remarks.is_quiet() {
        return Ok(());
    }
    let known = match transport.topics().await {
        Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
        known => known.unwrap_or_default(),
    };
    for topic in named.iter().filter(|topic| !known.contains(topic)) {
        if let Some(near) = nearest(topic.as_str(), known.iter().map(Topic::as_str)) {
            remarks.hint(&format!(
                "topic `{topic}` does not exist yet; did you mean `{near}`?"
            ));
        }
    }
    Ok(())
}

/// Converts an error about a missing topic, with a hint at an existing one with a similar name.
pub async fn hint_nearest(
    transport: &dyn Transport,
    topic: &Topic,
    refused: TransportError,
) -> CliError {
    let is_missing = refused.kind() == ErrorKind::NotFound;
    let error = CliError::from(refused);
    if !is_missing {
        return error;
    }
    let known = transport.topics().await.unwrap_or_default();
    match nearest(topic.as_str(), known.iter().map(Topic::as_str)) {
        Some(near) if near != topic.as_str() => error.hint(format!("did you mean `{near}`?")),
        _ => error,
    }
}
