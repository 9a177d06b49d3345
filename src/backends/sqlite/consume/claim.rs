//! Claims messages for a member: first those of `waiting` that are due, then those after the group's cursors. A claim
//! takes them under a lease in the transaction that moves the cursors.
//!
//! No two consumers work on one key at a time, which keeps the order per key. A message whose key another consumer
//! holds is therefore skipped and put into `waiting`: the cursor can pass it, and other keys do not wait.

use std::collections::{HashMap, HashSet};

use rusqlite::{CachedStatement, Connection, Row, params};

use super::{membership::Membership, readiness::pending};
use crate::{
    backends::sqlite::{
        codec::{
            row::{ByteArena, LogEntry, key_hash, read_lineage, stored, stored_in},
            timestamp,
        },
        connection::{log, marks, session::Session},
        dead_letter, delay,
        error::StoreResult,
    },
    event::{Stored, Topic},
    transport::{Attempts, DeadLetterKind, Delivery, Failure, Ticket},
};

/// How many messages one claim skips because others hold their keys: a bound on its time.
const LOOK_AHEAD: usize = 1000;

/// A message that crashed its process this often is handed out only while no other suspect is in flight: an innocent
/// message beside it would be counted as a crash, too.
const CRASH_SUSPECT: u32 = 2;

const WAITING: &str = "SELECT w.seq, m.time, m.key, m.headers, m.payload, m.lineage, m.topic, \
     w.key_hash, w.failed, w.crashed, w.first_failed \
     FROM waiting w CROSS JOIN messages m ON m.seq = w.seq \
     WHERE w.group_id = ?1 AND w.due <= ?2 AND w.seq <= ?3 ORDER BY w.due, w.seq";
const LOG: &str = "SELECT m.seq, m.time, m.key, m.headers, m.payload, m.lineage FROM messages m \
     WHERE m.topic = ?1 AND m.seq > ?2 AND m.seq <= ?3 AND m.only_group IS NULL \
     ORDER BY m.seq LIMIT ?4";
const SEQS: &str = "SELECT seq FROM messages WHERE topic = ?1 AND seq > ?2 AND seq <= ?3 \
     ORDER BY seq LIMIT ?4";
const ONE: &str = "SELECT m.seq, m.time, m.key, m.headers, m.payload, m.lineage FROM messages m \
     WHERE m.seq = ?1 AND m.only_group IS NULL";
const OLDER: &str =
    "SELECT EXISTS(SELECT 1 FROM waiting WHERE group_id = ?1 AND key_hash = ?2 AND seq < ?3)";
const HOLD: &str = "INSERT INTO held(group_id, seq, consumer, ticket, lease_until, key_hash, failed, \
     crashed, first_failed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// The outcome of a claim.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// Claimed messages, with their positions.
    pub(crate) deliveries: Vec<(i64, Delivery)>,
    /// How many messages were dead-lettered instead.
    pub(crate) dead_lettered: u64,
}

/// Claims at most `max` messages for a member.
pub(crate) fn claim(
    session: &mut Session,
    member: &mut Membership,
    max: usize,
) -> StoreResult<Claimed> {
    let now = timestamp::now();
    delay::fire(session, now)?;
    if member.is_expiry_due(now) {
        member.expire_leases(session, now)?;
    }
    member.refresh(&session.connection)?;
    let session = &*session;
    let mut claim = Claim {
        hold: session.connection.prepare_cached(HOLD)?,
        busy: keys_of_others(&session.connection, member)?,
        lease_until: now.saturating_add(member.lease),
        suspect: None,
        block: ByteArena::default(),
        passed: 0,
        max,
        session,
        member,
        claimed: Claimed::default(),
    };
    claim.claim_due(now)?;
    claim.claim_new()?;
    Ok(claim.claimed)
}

/// Returns the keys that other consumers hold.
fn keys_of_others(connection: &Connection, member: &Membership) -> StoreResult<HashSet<i64>> {
    // With no other consumer, there is no need to scan `held`, which has this one's own messages.
    let sql = "SELECT EXISTS(SELECT 1 FROM consumers WHERE group_id = ?1 AND id <> ?2)";
    let mut others = connection.prepare_cached(sql)?;
    if !others.query_row([member.group_id, member.consumer], |row| row.get(0))? {
        return Ok(HashSet::new());
    }
    let sql = "SELECT key_hash FROM held WHERE group_id = ?1 AND consumer <> ?2 \
         AND key_hash IS NOT NULL";
    let mut select = connection.prepare_cached(sql)?;
    let keys = select.query_map([member.group_id, member.consumer], |row| row.get(0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

struct Claim<'a> {
    session: &'a Session,
    member: &'a mut Membership,
    /// Prepared once per claim: a lookup in the statement cache costs as much as the row.
    hold: CachedStatement<'a>,
    busy: HashSet<i64>,
    /// Whether a suspect is in flight, once that was looked up.
    suspect: Option<bool>,
    lease_until: i64,
    block: ByteArena,
    passed: usize,
    max: usize,
    claimed: Claimed,
}

/// A message to be claimed.
struct Taken {
    seq: i64,
    stored: Stored,
    lineage: Option<Box<crate::transport::Lineage>>,
    key: Option<i64>,
    attempts: Attempts,
}

impl Claim<'_> {
    fn is_full(&self) -> bool {
        self.claimed.deliveries.len() >= self.max || self.passed >= LOOK_AHEAD
    }

    fn claim_due(&mut self, now: i64) -> StoreResult<()> {
        let taken = self.choose_due(now)?;
        for row in taken {
            self.session
                .connection
                .prepare_cached("DELETE FROM waiting WHERE group_id = ?1 AND seq = ?2")?
                .execute([self.member.group_id, row.seq])?;
            if row.attempts.crashed >= self.member.max_crashes {
                self.dead_letter(row)?;
            } else {
                self.hold(row)?;
            }
        }
        Ok(())
    }

    fn choose_due(&mut self, now: i64) -> StoreResult<Vec<Taken>> {
        let mut taken = Vec::new();
        let session = self.session;
        let mut select = session.connection.prepare_cached(WAITING)?;
        let end = self.member.end.unwrap_or(i64::MAX);
        let mut rows = select.query([self.member.group_id, now, end])?;
        while let Some(row) = rows.next()? {
            let Some(topic) = self.member.topics.get(&row.get(6)?).cloned() else {
                continue;
            };
            let entry = LogEntry::of(row)?;
            let key: Option<i64> = row.get(7)?;
            let crashed: u32 = row.get(9)?;
            let dead = crashed >= self.member.max_crashes;
            let suspect = crashed >= CRASH_SUSPECT && !dead;
            let second = suspect && self.has_suspect()?;
            let waits = self.waits_for_older(entry.seq, key)?;
            if waits || second || key.is_some_and(|key| self.busy.contains(&key)) {
                if !waits {
                    // A message that waits for an older one must not block its key: the older one may come later in
                    // this list.
                    self.busy.extend(key);
                }
                self.passed += 1;
                if self.passed >= LOOK_AHEAD {
                    break;
                }
                continue;
            }
            if suspect {
                self.suspect = Some(true);
            }
            taken.push(taken_row(row, topic, entry, crashed)?);
            if taken.len() >= self.max {
                break;
            }
        }
        Ok(taken)
    }

    /// Reports whether a suspect is in flight; asked only for another suspect, because it scans `held`.
    fn has_suspect(&mut self) -> StoreResult<bool> {
        if let Some(known) = self.suspect {
            return Ok(known);
        }
        let sql = "SELECT EXISTS(SELECT 1 FROM held \
             WHERE group_id = ?1 AND consumer = ?2 AND crashed >= ?3)";
        let mut select = self.session.connection.prepare_cached(sql)?;
        let values = params![self.member.group_id, self.member.consumer, CRASH_SUSPECT];
        let found = select.query_row(values, |row| row.get(0))?;
        self.suspect = Some(found);
        Ok(found)
    }

    /// Reports whether `--ordered` holds this message back: an older one of its key waits for its retry.
    fn waits_for_older(&self, seq: i64, key: Option<i64>) -> StoreResult<bool> {
        let (true, Some(key)) = (self.member.ordered, key) else {
            return Ok(false);
        };
        let mut select = self.session.connection.prepare_cached(OLDER)?;
        Ok(select.query_row([self.member.group_id, key, seq], |row| row.get(0))?)
    }

    fn hold(&mut self, row: Taken) -> StoreResult<()> {
        self.member.next_ticket += 1;
        let ticket = self.member.next_ticket;
        let first_failed = row.attempts.first_failed.map(timestamp::nanos);
        self.hold.execute(params![
            self.member.group_id,
            row.seq,
            self.member.consumer,
            ticket.cast_signed(),
            self.lease_until,
            row.key,
            row.attempts.failed,
            row.attempts.crashed,
            first_failed,
        ])?;
        let delivery = Delivery::new(row.stored, row.attempts, row.lineage, Ticket(ticket));
        self.claimed.deliveries.push((row.seq, delivery));
        Ok(())
    }

    /// Dead-letters a message that crashed its process too often.
    fn dead_letter(&mut self, row: Taken) -> StoreResult<()> {
        let failure = Failure::crashed(row.attempts.crashed);
        let delivery = Delivery::new(row.stored, row.attempts, row.lineage, Ticket(0));
        let letter = dead_letter::row::of(
            &self.session.store,
            &self.member.group,
            &delivery,
            DeadLetterKind::Crashed,
            failure,
        );
        dead_letter::row::insert(&self.session.connection, &letter)?;
        if let Some(dedup) = &self.member.dedup
            && let Some(key) = dedup.key(&self.member.group, &delivery.event_message())
        {
            let until = marks::until(dedup.window);
            marks::tree::end(&self.session.connection, key, Some(&letter.id), until)?;
        }
        self.claimed.dead_lettered += 1;
        Ok(())
    }

    fn claim_new(&mut self) -> StoreResult<()> {
        if self.is_full() {
            return Ok(());
        }
        let pending = pending(&self.session.connection, self.member)?;
        match pending.as_slice() {
            [] => Ok(()),
            [(topic, cursor)] => self.claim_from_topic(*topic, *cursor),
            _ => self.claim_merged(&pending),
        }
    }

    fn claim_from_topic(&mut self, topic: i64, cursor: i64) -> StoreResult<()> {
        let Some(name) = self.member.topics.get(&topic).cloned() else {
            return Ok(());
        };
        let end = self.member.end.unwrap_or(i64::MAX);
        let mut reached = cursor;
        let mut select = self.session.connection.prepare_cached(LOG)?;
        while !self.is_full() {
            let room = self.max - self.claimed.deliveries.len();
            let mut rows = select.query(params![topic, reached, end, room])?;
            let mut found = 0;
            while let Some(row) = rows.next()? {
                let row = new_row(row, name.clone(), &mut self.block)?;
                reached = row.seq;
                found += 1;
                self.claim_or_skip(row)?;
            }
            if found < room {
                break;
            }
        }
        self.move_cursor(topic, cursor, reached)
    }

    /// Claims from several topics in the order in which the messages were stored.
    fn claim_merged(&mut self, pending: &[(i64, i64)]) -> StoreResult<()> {
        let mut merged = self.next_seqs(pending)?;
        merged.sort_unstable();
        let mut reached = HashMap::new();
        for (seq, topic) in merged {
            if self.is_full() {
                break;
            }
            reached.insert(topic, seq);
            let Some(name) = self.member.topics.get(&topic).cloned() else {
                continue;
            };
            let found = {
                let mut select = self.session.connection.prepare_cached(ONE)?;
                let mut rows = select.query([seq])?;
                let row = rows.next()?;
                row.map(|row| new_row(row, name, &mut self.block))
                    .transpose()?
            };
            if let Some(row) = found {
                self.claim_or_skip(row)?;
            }
        }
        for (topic, cursor) in pending {
            if let Some(seq) = reached.get(topic) {
                self.move_cursor(*topic, *cursor, *seq)?;
            }
        }
        Ok(())
    }

    /// Returns the next positions of every topic, up to the point to which all topics are known.
    fn next_seqs(&self, pending: &[(i64, i64)]) -> StoreResult<Vec<(i64, i64)>> {
        let room = self.max - self.claimed.deliveries.len();
        let share = (2 * room / pending.len()).max(16);
        let end = self.member.end.unwrap_or(i64::MAX);
        let mut known = i64::MAX;
        let mut merged = Vec::new();
        let mut select = self.session.connection.prepare_cached(SEQS)?;
        for (topic, cursor) in pending {
            let before = merged.len();
            let mut rows = select.query(params![topic, cursor, end, share])?;
            while let Some(row) = rows.next()? {
                merged.push((row.get(0)?, *topic));
            }
            if merged.len() - before == share {
                known = known.min(merged.last().map_or(known, |(seq, _)| *seq));
            }
        }
        merged.retain(|(seq, _)| *seq <= known);
        Ok(merged)
    }

    fn claim_or_skip(&mut self, row: Taken) -> StoreResult<()> {
        let blocked = row.key.is_some_and(|key| self.busy.contains(&key))
            || self.waits_for_older(row.seq, row.key)?;
        if !blocked {
            return self.hold(row);
        }
        self.passed += 1;
        log::enqueue_for_group(self.session, self.member.group_id, row.seq, row.key)
    }

    fn move_cursor(&self, topic: i64, from: i64, to: i64) -> StoreResult<()> {
        if to > from {
            self.session
                .connection
                .prepare_cached("UPDATE cursors SET seq = ?3 WHERE group_id = ?1 AND topic = ?2")?
                .execute([self.member.group_id, topic, to])?;
        }
        Ok(())
    }
}

fn taken_row(row: &Row<'_>, topic: Topic, entry: LogEntry, crashed: u32) -> StoreResult<Taken> {
    let first_failed: Option<i64> = row.get(10)?;
    Ok(Taken {
        seq: entry.seq,
        stored: stored(row, 2, topic, entry)?,
        lineage: read_lineage(row, 5)?,
        key: row.get(7)?,
        attempts: Attempts {
            failed: row.get(8)?,
            crashed,
            first_failed: first_failed.map(timestamp::time),
        },
    })
}

fn new_row(row: &Row<'_>, topic: Topic, block: &mut ByteArena) -> StoreResult<Taken> {
    let entry = LogEntry::of(row)?;
    let stored = stored_in(block, row, 2, topic, entry)?;
    Ok(Taken {
        seq: entry.seq,
        key: stored.message.key.as_deref().map(key_hash),
        stored,
        lineage: read_lineage(row, 5)?,
        attempts: Attempts::default(),
    })
}
