//! Which dead letters: the arguments that every `pf dlq` command takes.

use std::{fmt::Write as _, str::FromStr, time::SystemTime};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use protoflow::{
    event::{Group, Pattern},
    runtime::{Filter, Query},
    transport::{LetterKind, LetterRef, Selection, Transport},
};
use serde::Deserialize;

use crate::{
    error::{CliError, CliResult},
    output::Remarks,
    values::{ids, times, topics},
};

/// More names than this are not taken.
const MOST_NAMES: usize = 100_000;

/// Which dead letters are meant: all of these conditions together.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Letters: ids, unique beginnings of ids, or positions of the originals
    #[arg(value_name = "ID")]
    letters: Vec<String>,
    /// Read ids, or records of `-o json`, from a file, one per line; `-` is stdin
    #[arg(long, value_name = "FILE")]
    ids: Option<String>,
    /// Topics that they were consumed from, as in `order.*`
    #[arg(long, value_name = "PATTERN")]
    topic: Vec<Pattern>,
    /// The group that gave up
    #[arg(long)]
    group: Option<Group>,
    /// The type of the event
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// A part of the failure's message or class, in any letter case
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Why they were given up
    #[arg(long, value_parser = kinds())]
    kind: Option<LetterKind>,
    /// The sort of failure, as `pf dlq stats` shows it
    #[arg(long, value_name = "NAME")]
    fingerprint: Option<String>,
    /// Dead since then: `1h` ago, or a time
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Dead before then
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// At least so many failed runs, replays included
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
    /// A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`
    #[arg(long = "where", value_name = "JQ")]
    filter: Option<String>,
}

fn kinds() -> impl TypedValueParser<Value = LetterKind> {
    PossibleValuesParser::new(LetterKind::ALL.map(LetterKind::as_str))
        .try_map(|name| name.parse::<LetterKind>())
}

/// A time, and how it was written.
#[derive(Debug, Clone)]
struct Moment {
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

/// What the arguments select.
#[derive(Debug)]
pub struct Chosen {
    /// The letters that are meant.
    pub query: Query,
    /// The selection as it was written, if its times are relative.
    pub text: Option<String>,
    /// What to say if it selects nothing.
    pub aim: Aim,
}

/// What a selection was aimed at.
#[derive(Debug)]
pub struct Aim {
    topics: Vec<Pattern>,
    rootless: bool,
}

impl Aim {
    /// Hints at why nothing is selected.
    pub async fn hint(&self, transport: &dyn Transport, remarks: &Remarks) {
        if self.rootless {
            remarks.hint("--where sees the record: `.event`, `.message` and `.dead_letter`");
        }
        topics::hint_unknown(transport, &self.topics, remarks).await;
    }
}

/// What a record holds.
const ROOTS: [&str; 3] = ["event", "message", "dead_letter"];

impl SelectionArgs {
    /// Reports whether anything narrows the selection.
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
    }

    /// Reads the selection; `None`, and a remark, if it names no letter at all, as an empty list of ids does.
    pub fn choose(self, remarks: &Remarks) -> CliResult<Option<Chosen>> {
        for topic in self.topic.iter().filter_map(Pattern::literal) {
            refuse_store(&topic)?;
        }
        let mut letters = self.letters;
        if let Some(file) = &self.ids {
            read_names(file, &mut letters)?;
            if letters.is_empty() {
                remarks.remark("no ids were given: nothing is selected");
                return Ok(None);
            }
        }
        let mut query = Query {
            selection: Selection {
                letters: letters.into_iter().map(LetterRef).collect(),
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
        };
        let rootless = self
            .filter
            .is_some_and(|filter| !ROOTS.iter().any(|root| filter.contains(root)));
        let text = (self.since.is_some() || self.until.is_some())
            .then(|| written(&query, self.since.as_ref(), self.until.as_ref()));
        query.selection.since = self.since.map(|since| since.time);
        query.selection.until = self.until.map(|until| until.time);
        Ok(Some(Chosen {
            query,
            text,
            aim: Aim {
                topics: self.topic,
                rootless,
            },
        }))
    }
}

/// Refuses the store of dead letters where the topic of the originals is meant.
fn refuse_store(topic: &protoflow::event::Topic) -> CliResult<()> {
    if !topics::is_dead_letter_store(topic) {
        return Ok(());
    }
    Err(
        CliError::usage(format!("`{topic}` is a store of dead letters")).hint(
            "--topic is the topic that they were consumed from; without it, every store is read",
        ),
    )
}

fn written(query: &Query, since: Option<&Moment>, until: Option<&Moment>) -> String {
    let mut text = if query.is_all() {
        String::new()
    } else {
        query.text()
    };
    for (name, moment) in [("since", since), ("until", until)] {
        if let Some(moment) = moment {
            let _ = write!(text, " --{name} '{}'", moment.text);
        }
    }
    text.trim_start().to_owned()
}

fn read_names(file: &str, names: &mut Vec<String>) -> CliResult<()> {
    for line in ids::read(file)? {
        let (number, line) = line?;
        if names.len() >= MOST_NAMES {
            return Err(
                CliError::usage(format!("more than {MOST_NAMES} ids were given"))
                    .hint("select by flags or `--where`, which have no limit"),
            );
        }
        names.push(name(&line).ok_or_else(|| {
            CliError::usage(format!("line {number} holds no id of a dead letter"))
                .hint("each line is an id, or a record as `pf dlq list -o json` writes it")
        })?);
    }
    Ok(())
}

/// Returns the id in a line: the line itself, or that of a record.
fn name(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Record {
        dead_letter: Story,
    }
    #[derive(Deserialize)]
    struct Story {
        id: String,
    }
    if line.starts_with('{') {
        let record: Record = serde_json::from_str(line).ok()?;
        return Some(record.dead_letter.id);
    }
    (!line.contains(char::is_whitespace)).then(|| line.to_owned())
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
