//! What is checked of topics and patterns before they are used.

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

/// How the stores of dead letters end, on every transport.
const DEAD_LETTER_ENDS: [&str; 3] = [".dlq", "_dlq", "-dlq"];

/// Refuses a store of dead letters as a topic.
pub fn refuse_dead_letters(topic: &Topic) -> CliResult<()> {
    if !is_dead_letter_store(topic) {
        return Ok(());
    }
    Err(
        CliError::usage(format!("`{topic}` is a store of dead letters"))
            .hint("`pf dlq list` shows dead letters, `pf dlq replay` publishes them again"),
    )
}

/// Reports whether the topic is a store of dead letters.
pub fn is_dead_letter_store(topic: &Topic) -> bool {
    let topic = topic.as_str().to_ascii_lowercase();
    DEAD_LETTER_ENDS.iter().any(|end| topic.ends_with(end))
}

/// Says so when the shell has put file names in the place of a pattern.
pub fn hint_expanded(patterns: &[Pattern], remarks: &Remarks) {
    let files = patterns
        .iter()
        .filter(|pattern| pattern.literal().is_some() && Path::new(pattern.as_str()).is_file());
    if let Some(file) = files.take(1).next() {
        remarks.hint(&format!(
            "`{file}` is a file here: if the shell expanded your pattern, quote it, as in 'order.*'"
        ));
    }
}

/// Says so when a topic that is named does not exist but one like it does.
pub async fn hint_unknown(transport: &dyn Transport, patterns: &[Pattern], remarks: &Remarks) {
    let named: Vec<Topic> = patterns.iter().filter_map(Pattern::literal).collect();
    if named.is_empty() || remarks.is_quiet() {
        return;
    }
    // A server that does not answer tells so elsewhere.
    let known = transport.topics().await.unwrap_or_default();
    for topic in named.iter().filter(|topic| !known.contains(topic)) {
        if let Some(near) = nearest(topic.as_str(), known.iter().map(Topic::as_str)) {
            remarks.hint(&format!(
                "there is no topic `{topic}` yet; did you mean `{near}`?"
            ));
        }
    }
}

/// Adds to what was refused the topic that was perhaps meant, if a topic was not there.
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
