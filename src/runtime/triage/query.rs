//! Queries for dead letters: a selection and a filter, with a canonical text by which the same request is recognised.

use std::fmt::Write as _;

#[cfg(feature = "filter")]
use crate::runtime::Filter;
use crate::{
    event::{Group, exact_time},
    transport::{DeadLetterKind, Selection},
};

/// A query for dead letters.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Conditions on the records.
    pub selection: Selection,
    /// A jq filter on the records.
    #[cfg(feature = "filter")]
    pub filter: Option<Filter>,
    /// Whether the archive is read, and nothing else; by default, what is archived is left out.
    pub archived: bool,
}

impl From<Selection> for Query {
    fn from(selection: Selection) -> Self {
        Self {
            selection,
            #[cfg(feature = "filter")]
            filter: None,
            archived: false,
        }
    }
}

impl Query {
    /// Reports whether the query matches every dead letter.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.selection.is_all() && !self.is_filtered() && !self.archived
    }

    #[cfg(feature = "filter")]
    pub(super) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    #[cfg(not(feature = "filter"))]
    #[expect(
        clippy::unused_self,
        reason = "without the feature nothing is filtered"
    )]
    pub(super) fn is_filtered(&self) -> bool {
        false
    }

    /// Returns the query as flags of `pf dlq`; equal queries have equal texts.
    #[must_use]
    pub fn text(&self) -> String {
        let selection = &self.selection;
        let mut text = Flags::default();
        let mut names: Vec<_> = selection.ids.iter().map(|name| &name.0).collect();
        names.sort_unstable();
        names.dedup();
        let mut topics: Vec<_> = selection.topics.iter().collect();
        topics.sort_unstable();
        topics.dedup();
        for name in names {
            text.word(name);
        }
        for topic in topics {
            text.flag("topic", Some(topic));
        }
        text.flag("group", selection.group.as_ref().map(Group::as_str));
        text.flag("type", selection.event_type.as_deref());
        text.flag("reason", selection.reason.as_deref());
        text.flag("kind", selection.kind.map(DeadLetterKind::as_str));
        text.flag("fingerprint", selection.fingerprint.as_deref());
        text.flag("since", selection.since.map(exact_time).as_deref());
        text.flag("until", selection.until.map(exact_time).as_deref());
        let least = selection.min_attempts.map(|least| least.to_string());
        text.flag("attempts", least.as_deref());
        #[cfg(feature = "filter")]
        text.flag("where", self.filter.as_ref().map(Filter::text));
        if self.archived {
            text.word("--archived");
        }
        text.finish()
    }
}

/// Command-line flags, quoted where a shell needs it.
#[derive(Default)]
struct Flags(String);

impl Flags {
    fn word(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            self.0.push_str(word);
        } else {
            let quoted = word.replace('\'', r"'\''");
            let _ = write!(self.0, "'{quoted}'");
        }
    }

    fn flag(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.word(&format!("--{name}"));
            self.word(value);
        }
    }

    fn finish(self) -> String {
        if self.0.is_empty() {
            "--all".to_owned()
        } else {
            self.0
        }
    }
}
