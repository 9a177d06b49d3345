//! Retention: deletes old messages that no group needs, and marks whose window has ended, a chunk at a time while the writer
//! is idle.

use rusqlite::{OptionalExtension as _, params};

use super::{
    log,
    marks::{batches, tree},
    session::Session,
};
use crate::backends::sqlite::{codec::timestamp, error::StoreResult};

/// Messages checked in one transaction.
const CHUNK: i64 = 1000;

/// The pause after everything old was checked, in nanoseconds.
const REST: i64 = 60_000_000_000;

/// The pause after all marks were read, in nanoseconds: there may be millions.
const MARKS_REST: i64 = 10 * REST;

/// A group seen within this time counts as live, however short the retention is: a consumer updates it once a minute.
const LIVE: i64 = 5 * REST;

/// The progress of the clean-up.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    after: i64,
    rest_until: i64,
    /// The last mark that was read.
    marks_after: Vec<u8>,
    marks_rest_until: i64,
}

/// One chunk of the clean-up.
#[derive(Debug)]
pub(crate) struct Chunk {
    after: i64,
    reached: Option<i64>,
    /// The last mark that was read; `None` if it is not time to read them.
    marks_after: Option<Vec<u8>>,
    more_marks: bool,
}

impl Retention {
    /// Returns the next chunk, unless it is time to pause.
    pub(crate) fn next_chunk(&self) -> Option<Chunk> {
        let now = timestamp::now();
        let reads_marks = now >= self.marks_rest_until;
        (now >= self.rest_until).then(|| Chunk {
            after: self.after,
            reached: None,
            marks_after: reads_marks.then(|| self.marks_after.clone()),
            more_marks: false,
        })
    }

    /// Continues after a chunk that was done.
    pub(crate) fn record(&mut self, chunk: &Chunk, done: bool) {
        if let Some(after) = &chunk.marks_after {
            if done && chunk.more_marks {
                self.marks_after.clone_from(after);
            } else {
                self.marks_after.clear();
                self.marks_rest_until = timestamp::now().saturating_add(MARKS_REST);
            }
        }
        if let Some(reached) = chunk.reached.filter(|_| done) {
            self.after = reached;
        } else {
            self.after = 0;
            self.rest_until = timestamp::now().saturating_add(REST);
        }
    }
}

impl Chunk {
    /// Deletes messages that are old and needed by no group seen within the retention time.
    pub(crate) fn run(&mut self, session: &Session) -> StoreResult<()> {
        let cutoff = timestamp::now() - timestamp::nanos_of(session.config.retention);
        let newest = log::last_seq_of(&session.connection)?;
        let sql = "SELECT m.seq, m.topic, m.only_group IS NULL, (m.only_group NOT NULL OR \
             m.seq <= coalesce((SELECT min(c.seq) FROM groups g CROSS JOIN cursors c \
                 ON c.group_id = g.id AND c.topic = m.topic WHERE g.seen >= ?5), ?3)) \
             AND NOT EXISTS(SELECT 1 FROM groups g WHERE \
                 EXISTS(SELECT 1 FROM waiting w WHERE w.group_id = g.id AND w.seq = m.seq) \
                 OR EXISTS(SELECT 1 FROM held h WHERE h.group_id = g.id AND h.seq = m.seq)) \
             , m.time FROM messages m WHERE m.seq > ?1 AND m.seq < ?2 ORDER BY m.seq LIMIT ?4";
        let mut select = session.connection.prepare_cached(sql)?;
        let live = cutoff.min(timestamp::now() - LIVE);
        let values = params![self.after, newest, i64::MAX, CHUNK, live];
        let mut rows = select.query(values)?;
        let mut seen = 0;
        let mut last = self.after;
        let mut unneeded = Vec::new();
        let mut removed = 0;
        while let Some(row) = rows.next()? {
            // Timestamps rise with positions, or nearly: after the first young message there is nothing to do.
            if row.get::<_, i64>(4)? >= cutoff {
                break;
            }
            seen += 1;
            last = row.get(0)?;
            if row.get(3)? {
                unneeded.push((last, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?));
                removed = removed.max(row.get(4)?);
            }
        }
        if !unneeded.is_empty() {
            tracing::debug!(
                count = unneeded.len(),
                "deleting messages that no group needs"
            );
            note_removed(session, removed)?;
        }
        for (seq, topic, for_all) in unneeded {
            session
                .connection
                .prepare_cached("DELETE FROM messages WHERE seq = ?1")?
                .execute([seq])?;
            if for_all {
                let sql = "UPDATE topics SET removed_seq = max(removed_seq, ?2) WHERE id = ?1";
                session
                    .connection
                    .prepare_cached(sql)?
                    .execute([topic, seq])?;
            }
        }
        if let Some(after) = &mut self.marks_after {
            batches::clean(&session.connection, timestamp::now())?;
            if let Some(last) = tree::clean(&session.connection, after)? {
                *after = last;
                self.more_marks = true;
            }
        }
        self.reached = (seen == CHUNK || self.more_marks).then_some(last);
        Ok(())
    }
}

/// Notes the time of the newest message that was deleted, which only rises. A message that is missing though it is younger
/// was not deleted by retention.
fn note_removed(session: &Session, time: i64) -> StoreResult<()> {
    let sql = "INSERT INTO meta(name, value) VALUES('removed_until', ?1) ON CONFLICT(name) \
         DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))";
    let mut note = session.connection.prepare_cached(sql)?;
    note.execute([time.to_string()])?;
    Ok(())
}

/// Reads that time; none if nothing was ever deleted.
pub(crate) fn removed_until(connection: &rusqlite::Connection) -> StoreResult<Option<i64>> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'removed_until'";
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_row([], |row| row.get(0)).optional()?)
}
