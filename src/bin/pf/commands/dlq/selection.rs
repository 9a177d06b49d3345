//! Arguments that select dead letters, the same for every `pf dlq` command.

use std::{fmt::Write as _, str::FromStr, sync::Arc, time::SystemTime};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use protoflow::{
    event::{Group, Pattern, Topic},
    runtime::{Filter, Query, Triage},
    transport::{DeadLetterId, DeadLetterKind, DeadLetterRef, Selection, Transport},
};
use serde::Deserialize;

use super::operator;
use crate::{
    context::Context,
    error::{CliError, CliResult},
    output::Remarks,
    values::{ids, times, topics},
};

/// Most ids that are accepted.
const MOST_NAMES: usize = 100_000;

/// Conditions for dead letters; all of them must hold.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Ids, unique prefixes of ids, or positions of the original messages
    #[arg(value_name = "ID")]
    letters: Vec<String>,
    /// Read ids, or records of `-o json`, from a file, one per line; `-` is stdin
    #[arg(long, value_name = "FILE")]
    ids: Option<String>,
    /// Topics of the original messages, such as `order.*`
    #[arg(long, value_name = "PATTERN")]
    topic: Vec<Pattern>,
    /// Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)
    #[arg(long, value_name = "TOPIC")]
    dead_letter_topic: Vec<Topic>,
    /// The group that dead-lettered them
    #[arg(long)]
    group: Option<Group>,
    /// The type of the event
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Part of the failure's message or class, ignoring case
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Why they were dead-lettered
    #[arg(long, value_parser = kinds())]
    kind: Option<DeadLetterKind>,
    /// The fingerprint of the failure, as shown by `pf dlq stats`
    #[arg(long, value_name = "NAME")]
    fingerprint: Option<String>,
    /// Dead-lettered since then: an age such as `1h`, or a time
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Dead-lettered before then
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// At least N failed runs, including those before replays
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
    /// Those that are archived, and no others
    #[arg(long)]
    archived: bool,
    /// A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`
    #[arg(long = "where", value_name = "JQ")]
    filter: Option<String>,
}

fn kinds() -> impl TypedValueParser<Value = DeadLetterKind> {
    PossibleValuesParser::new(DeadLetterKind::ALL.map(DeadLetterKind::as_str))
        .try_map(|name| name.parse::<DeadLetterKind>())
}

/// A time, and its text on the command line.
#[derive(Debug, Clone)]
pub struct Moment {
    text: String,
    time: SystemTime,
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self {
            text: text.to_owned(),
            time: times::past(text)?,
        })
    }
}

/// A selection, on an open store.
#[derive(Debug)]
pub struct OpenSelection {
    pub transport: Arc<dyn Transport>,
    pub triage: Triage,
    /// The query for the dead letters.
    pub query: Query,
    /// The selection as written on the command line, if its times may be relative.
    pub text: Option<String>,
    /// Hints for an empty result.
    pub empty: EmptyResult,
}

/// Reasons why a selection may be empty.
#[derive(Debug)]
pub struct EmptyResult {
    topics: Vec<Pattern>,
    lacks_root: bool,
}

impl EmptyResult {
    /// Prints that nothing was found, with hints.
    pub async fn report(&self, transport: &dyn Transport, remarks: &Remarks) {
        remarks.remark("no dead letters");
        self.hint(transport, remarks).await;
    }

    /// Prints hints about an empty result.
    pub async fn hint(&self, transport: &dyn Transport, remarks: &Remarks) {
        if self.lacks_root {
            remarks.hint("`--where` filters records with `.event`, `.message` and `.dead_letter`");
        }
        // Dead letters were read a moment ago; a hint is worth no error.
        let _ = topics::hint_unknown(transport, &self.topics, remarks).await;
    }
}

/// Fields of a record.
const ROOTS: [&str; 3] = ["event", "message", "dead_letter"];

impl SelectionArgs {
    /// Selects what was dead-lettered before a time.
    pub fn select_before(&mut self, moment: Moment) {
        self.until = Some(moment);
    }

    /// Reports whether there is any condition.
    pub fn is_given(&self) -> bool {
        !self.letters.is_empty()
            || self.ids.is_some()
            || !self.topic.is_empty()
            || self.group.is_some()
            || self.event_type.is_some()
            || self.reason.is_some()
            || self.kind.is_some()
            || self.fingerprint.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.attempts.is_some()
            || self.filter.is_some()
            || self.archived
    }

    /// Reads the selection and opens the store; prints a notice and returns `None` if the list of ids is empty.
    pub async fn open(self, context: &mut Context) -> CliResult<Option<OpenSelection>> {
        context.add_dead_letter_topics(&self.dead_letter_topic)?;
        let Some((query, text, empty)) = self.read(&context.printer.remarks())? else {
            return Ok(None);
        };
        let (transport, triage) = operator::open(context).await?;
        Ok(Some(OpenSelection {
            transport,
            triage,
            query,
            text,
            empty,
        }))
    }

    fn read(self, remarks: &Remarks) -> CliResult<Option<(Query, Option<String>, EmptyResult)>> {
        for topic in self.topic.iter().filter_map(Pattern::literal) {
            refuse_store(&topic)?;
        }
        let mut letters = self.letters;
        if let Some(file) = &self.ids {
            read_names(file, &mut letters)?;
            if letters.is_empty() {
                remarks.remark("no ids given: nothing selected");
                return Ok(None);
            }
        }
        let mut query = Query {
            selection: Selection {
                ids: letters.into_iter().map(DeadLetterRef).collect(),
                topics: self.topic.iter().map(ToString::to_string).collect(),
                group: self.group,
                event_type: self.event_type,
                reason: self.reason,
                kind: self.kind,
                fingerprint: self.fingerprint,
                since: None,
                until: None,
                min_attempts: self.attempts,
            },
            filter: self.filter.as_deref().map(Filter::compile).transpose()?,
            archived: self.archived,
        };
        let lacks_root = self
            .filter
            .is_some_and(|filter| !ROOTS.iter().any(|root| filter.contains(root)));
        let is_plain = self.since.is_none() && self.until.is_none();
        let text = (!is_plain || !self.dead_letter_topic.is_empty()).then(|| {
            let times = [
                ("since", self.since.as_ref()),
                ("until", self.until.as_ref()),
            ];
            written(&query, times, &self.dead_letter_topic)
        });
        query.selection.since = self.since.map(|since| since.time);
        query.selection.until = self.until.map(|until| until.time);
        let empty = EmptyResult {
            topics: self.topic,
            lacks_root,
        };
        Ok(Some((query, text, empty)))
    }
}

/// Refuses a dead-letter store where the topic of the original messages is meant.
fn refuse_store(topic: &protoflow::event::Topic) -> CliResult<()> {
    if !topics::is_dead_letter_store(topic) {
        return Ok(());
    }
    Err(
        CliError::usage(format!("`{topic}` is a dead-letter store")).hint(
            "`--topic` is the topic of the original messages; without it, every dead-letter store is read",
        ),
    )
}

fn written(query: &Query, times: [(&str, Option<&Moment>); 2], stores: &[Topic]) -> String {
    let mut text = if query.is_all() {
        String::new()
    } else {
        query.text()
    };
    for (name, moment) in times {
        if let Some(moment) = moment {
            let _ = write!(text, " --{name} '{}'", moment.text);
        }
    }
    for topic in stores {
        let _ = write!(text, " --dead-letter-topic {topic}");
    }
    text.trim_start().to_owned()
}

fn read_names(file: &str, names: &mut Vec<String>) -> CliResult<()> {
    for line in ids::read(file)? {
        let (number, line) = line?;
        if names.len() >= MOST_NAMES {
            return Err(CliError::usage(format!("more than {MOST_NAMES} ids"))
                .hint("select by flags or `--where`; they have no limit"));
        }
        names.push(name(&line).ok_or_else(|| {
            CliError::usage(format!("line {number} has no dead-letter id"))
                .hint("each line must be an id, or a record of `pf dlq list -o json`")
        })?);
    }
    Ok(())
}

/// Returns the id in a line, which is the id itself or a record.
fn name(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Record {
        dead_letter: Letter,
    }
    #[derive(Deserialize)]
    struct Letter {
        id: String,
    }
    if line.starts_with('{') {
        let record: Record = serde_json::from_str(line).ok()?;
        return Some(record.dead_letter.id);
    }
    (!line.contains(char::is_whitespace)).then(|| line.to_owned())
}

/// Returns the query for exactly these dead letters; `None` for none, because a selection without ids means all.
pub fn exactly(ids: &[DeadLetterId]) -> Option<Query> {
    let ids: Vec<_> = ids
        .iter()
        .map(|id| DeadLetterRef(id.as_str().to_owned()))
        .collect();
    let selection = Selection {
        ids,
        ..Selection::default()
    };
    (!selection.ids.is_empty()).then(|| Query::from(selection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_id_or_a_record() {
        assert_eq!(name("abc").as_deref(), Some("abc"));
        let record = r#"{"event":null,"dead_letter":{"id":"abc","kind":"decode"}}"#;
        assert_eq!(name(record).as_deref(), Some("abc"));
        assert_eq!(name(r#"{"event":null}"#), None);
        assert_eq!(name("two words"), None);
    }
}
