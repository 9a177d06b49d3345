//! The plan of a job, a topic of its own: its action first, then the letters in chunks, at last that it ended.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    backends::pulsar::{
        codec::message::Inbound,
        connection::{
            consumer::{Consumer, Start},
            handle::Connection,
            keeper::{Keeper, keep, keeper},
            names::KEEPER,
            producer::Producer,
            topics,
        },
        dead_letter::internal_log::outbound,
        error::SCHEME,
        read::reader::Reader,
    },
    transport::{DeadLetter, DeadLetterId, ErrorKind, JobAction, JobId, Result},
};

/// The beginning of the local name of a plan, without the prefix of internal topics.
const PREFIX: &str = "job.";

/// A record of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(super) enum Record {
    Plan(Plan),
    /// Letters behind `start` others.
    Letters {
        start: u64,
        letters: Vec<Entry>,
    },
    /// The job ended or was forgotten.
    End,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) action: JobAction,
    pub(super) selection: String,
    #[serde(with = "crate::transport::stamp")]
    pub(super) created: std::time::SystemTime,
}

/// A letter of a job: its id and its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry(pub(super) DeadLetterId, pub(super) Option<String>);

impl Entry {
    pub(super) fn of(letter: &DeadLetter) -> Self {
        let at = letter.at.as_ref().map(|at| at.as_str().to_owned());
        Self(letter.id.clone(), at)
    }
}

/// Returns Pulsar's name of a plan.
fn topic(connection: &Connection, job: &JobId) -> String {
    connection.config.names.internal(&format!("{PREFIX}{job}"))
}

/// Appends records to a plan.
pub(super) async fn append(
    connection: &Arc<Connection>,
    job: &JobId,
    records: &[Record],
) -> Result<()> {
    let producer = Producer::kept(connection, topic(connection, job), Keeper::internal());
    let mut sendings = Vec::with_capacity(records.len());
    for record in records {
        let text = crate::backends::pulsar::codec::retry::json(record);
        sendings.push(producer.send(outbound(None, Some(text))));
    }
    let mut result = Ok(());
    for sending in sendings {
        result = result.and(sending.await.map(drop));
    }
    producer.close().await;
    result
}

/// Creates a plan.
pub(super) async fn create(connection: &Arc<Connection>, job: &JobId, plan: Plan) -> Result<()> {
    keep(connection, &topic(connection, job)).await?;
    append(connection, job, &[Record::Plan(plan)]).await
}

/// Ends a plan. Without its subscription the broker deletes the topic.
pub(super) async fn end(connection: &Arc<Connection>, job: &JobId) -> Result<()> {
    append(connection, job, &[Record::End]).await?;
    let name = topic(connection, job);
    // What is left of it is not listed, so that nothing depends on this.
    if let Ok(consumer) = Consumer::subscribe(connection, &keeper(name.clone(), KEEPER)).await {
        let _ = consumer.handle.unsubscribe().await;
    }
    connection.topics.forget(&name);
    Ok(())
}

/// A plan as it is listed.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) job: JobId,
    pub(super) plan: Plan,
    pub(super) planned: u64,
}

/// Returns the plans that have not ended.
pub(super) async fn list(connection: &Arc<Connection>) -> Result<Vec<Listed>> {
    let names = &connection.config.names;
    let prefix = names.internal(PREFIX);
    let topics = topics::list(connection).await?;
    let mut plans = Vec::new();
    for local in topics.into_keys() {
        let name = names.full(&local);
        let Some(job) = name.strip_prefix(&prefix) else {
            continue;
        };
        if let Some(listed) = find(connection, &JobId(job.to_owned())).await? {
            plans.push(listed);
        }
    }
    Ok(plans)
}

/// Returns a plan that has not ended.
pub(super) async fn find(connection: &Arc<Connection>, job: &JobId) -> Result<Option<Listed>> {
    let name = topic(connection, job);
    match find_at(connection, job, &name).await {
        Err(gone) if gone.kind() == ErrorKind::NotFound => {
            connection.topics.forget(&name);
            Ok(None)
        }
        found => found,
    }
}

async fn find_at(connection: &Arc<Connection>, job: &JobId, name: &str) -> Result<Option<Listed>> {
    if topics::find_name(connection, name).await?.is_none() {
        return Ok(None);
    }
    let mut reader = Reader::open(connection, name.to_owned(), -1, Start::Earliest).await?;
    let Some(last) = reader.last_id().await? else {
        return Ok(None);
    };
    let mut first = None;
    while first.is_none() {
        match reader.next_until(last).await? {
            Some(messages) => first = messages.first().and_then(parse),
            None => return Ok(None),
        }
    }
    let Some(Record::Plan(plan)) = first else {
        return Ok(None);
    };
    let mut reader = Reader::open(connection, name.to_owned(), -1, Start::Entry(last)).await?;
    let mut planned = 0;
    while let Some(messages) = reader.next_until(last).await? {
        match messages.last().and_then(parse) {
            Some(Record::Letters { start, letters }) => planned = start + letters.len() as u64,
            Some(Record::End) => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(Listed {
        job: job.clone(),
        plan,
        planned,
    }))
}

/// Returns the error of a job that does not exist unless it does.
pub(super) async fn get(connection: &Arc<Connection>, job: &JobId) -> Result<Listed> {
    let found = find(connection, job).await?;
    found.ok_or_else(|| job.unknown(SCHEME))
}

fn parse(message: &Inbound) -> Option<Record> {
    serde_json::from_slice(message.payload.as_deref()?).ok()
}

/// Reads the letters of a plan in order.
#[derive(Debug)]
pub(super) struct PlanReader {
    reader: Reader,
    end: crate::backends::pulsar::codec::message_id::MessageId,
    /// The place of the first letter that is here.
    at: u64,
    letters: VecDeque<Entry>,
    is_done: bool,
}

impl PlanReader {
    /// Opens a plan that exists.
    pub(super) async fn open(connection: &Arc<Connection>, job: &JobId) -> Result<Self> {
        let name = topic(connection, job);
        let mut reader = Reader::open(connection, name, -1, Start::Earliest).await?;
        let end = reader.last_id().await?;
        Ok(Self {
            end: end.ok_or_else(|| job.unknown(SCHEME))?,
            reader,
            at: 0,
            letters: VecDeque::new(),
            is_done: false,
        })
    }

    /// Returns at most `max` letters behind `through` others, which never decreases; they stay here.
    pub(super) async fn peek(&mut self, through: u64, max: usize) -> Result<Vec<Entry>> {
        loop {
            let surplus = usize::try_from(through.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let surplus = surplus.min(self.letters.len());
            self.letters.drain(..surplus);
            self.at += surplus as u64;
            if self.at >= through && self.letters.len() >= max || self.is_done {
                return Ok(self.letters.iter().take(max).cloned().collect());
            }
            match self.reader.next_until(self.end).await? {
                None => self.is_done = true,
                Some(messages) => messages.iter().filter_map(parse).for_each(|record| {
                    self.take(record);
                }),
            }
        }
    }

    /// Takes a chunk. One that was sent twice is there twice.
    fn take(&mut self, record: Record) {
        let Record::Letters { start, letters } = record else {
            return;
        };
        if start == self.at + self.letters.len() as u64 {
            self.letters.extend(letters);
        }
    }
}
