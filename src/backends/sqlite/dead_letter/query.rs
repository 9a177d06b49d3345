//! A selection of dead letters as SQL: what a fingerprint's dead letters share is matched once per group of them, the
//! rest per row.

use rusqlite::{Connection, types::Value};

use crate::{
    backends::sqlite::{
        codec::timestamp,
        error::{StoreResult, damaged},
    },
    event::{Group, Pattern, Topic},
    transport::{DeadLetterKind, Fingerprint, Selection},
};

/// What a group of alike dead letters shares.
#[derive(Debug)]
pub(crate) struct LetterGroup {
    pub(crate) id: i64,
    pub(crate) topic: Topic,
    pub(crate) group: Group,
    pub(crate) kind: DeadLetterKind,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) sample: String,
}

/// A condition on the table `dead_letters d`, with its values.
#[derive(Debug)]
pub(crate) struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    fn new() -> Self {
        Self {
            sql: "1".to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds a condition, with `?` in place of its value.
    pub(crate) fn and(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push_str(" AND ");
        self.values.push(value.into());
        let place = format!("?{}", self.values.len());
        self.sql.push_str(&sql.replace('?', &place));
    }

    /// Returns the condition.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// Returns the values in order.
    pub(crate) fn values(&self) -> impl rusqlite::Params + '_ {
        rusqlite::params_from_iter(self.values.iter())
    }
}

/// Returns the groups of dead letters that a selection matches.
pub(crate) fn letter_groups(
    connection: &Connection,
    selection: &Selection,
) -> StoreResult<Vec<LetterGroup>> {
    let patterns: Vec<Pattern> = selection
        .topics
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let sql = "SELECT id, topic, group_name, kind, fingerprint, sample FROM sorts";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut letter_groups = Vec::new();
    while let Some(row) = rows.next()? {
        let sort = LetterGroup {
            id: row.get(0)?,
            topic: parse(&row.get::<_, String>(1)?)?,
            group: parse(&row.get::<_, String>(2)?)?,
            kind: parse(&row.get::<_, String>(3)?)?,
            fingerprint: Fingerprint(row.get(4)?),
            sample: row.get(5)?,
        };
        if matches(selection, &patterns, &sort) {
            letter_groups.push(sort);
        }
    }
    Ok(letter_groups)
}

fn parse<T: std::str::FromStr>(text: &str) -> StoreResult<T> {
    text.parse().map_err(|_| damaged("a dead letter"))
}

fn matches(selection: &Selection, patterns: &[Pattern], sort: &LetterGroup) -> bool {
    (selection.topics.is_empty() || patterns.iter().any(|p| p.matches(&sort.topic)))
        && selection.group.as_ref().is_none_or(|g| *g == sort.group)
        && selection.kind.is_none_or(|kind| kind == sort.kind)
        && selection
            .fingerprint
            .as_ref()
            .is_none_or(|text| sort.fingerprint.begins_with(text))
}

/// Converts a selection to a condition, given the groups that it matches.
pub(crate) fn condition(selection: &Selection, letter_groups: &[LetterGroup]) -> Condition {
    let mut condition = Condition::new();
    let common = !selection.topics.is_empty()
        || selection.group.is_some()
        || selection.kind.is_some()
        || selection.fingerprint.is_some();
    if common {
        let ids: Vec<i64> = letter_groups.iter().map(|sort| sort.id).collect();
        condition.and(
            "d.sort IN (SELECT value FROM json_each(?))",
            serde_json::json!(ids).to_string(),
        );
    }
    if !selection.ids.is_empty() {
        let refs: Vec<&str> = selection.ids.iter().map(|r| r.0.as_str()).collect();
        condition.and(
            "d.n IN (WITH named(text) AS (SELECT value FROM json_each(?)) \
             SELECT l.n FROM named CROSS JOIN dead_letters l \
             ON l.id >= text AND l.id < text || '~' \
             UNION SELECT l.n FROM named CROSS JOIN dead_letters l ON l.position = text)",
            serde_json::json!(refs).to_string(),
        );
    }
    if let Some(ty) = &selection.event_type {
        condition.and("d.event_type = ?", ty.clone());
    }
    if let Some(reason) = &selection.reason {
        condition.and("instr(d.reason, ?) > 0", reason.to_lowercase());
    }
    if let Some(since) = selection.since {
        condition.and("d.dead_since >= ?", timestamp::nanos(since));
    }
    if let Some(until) = selection.until {
        condition.and("d.dead_since < ?", timestamp::nanos(until));
    }
    if let Some(least) = selection.min_attempts {
        condition.and("d.total_attempts >= ?", i64::from(least));
    }
    condition
}
