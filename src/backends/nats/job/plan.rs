//! The plan of a job: what it does, and the dead letters that it is about, in chunks.

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish,
            handle::Connection,
            kv::{self, Key, Versioned},
        },
        error::SCHEME,
        job::{entry::JobEntry, in_doubt::InDoubt},
    },
    event::{from_unix_millis, unix_millis},
    failpoint,
    transport::{DeadLetter, ErrorKind, JOB_CHUNK, JobAction, JobId, Result},
};

/// A plan as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) action: JobAction,
    pub(crate) selection: String,
    /// Milliseconds since 1970.
    created: u64,
    /// The number of dead letters in each chunk.
    chunks: Vec<u64>,
    pub(crate) resolved: u64,
    pub(crate) started: bool,
    /// Dead letters whose outcome was unknown when the job was last taken over.
    #[serde(default, rename = "doubt", skip_serializing_if = "InDoubt::is_empty")]
    pub(crate) in_doubt: InDoubt,
}

impl Plan {
    /// Returns the number of dead letters.
    pub(crate) fn planned(&self) -> u64 {
        self.chunks.iter().sum()
    }

    /// Returns when it was created.
    pub(crate) fn created(&self) -> std::time::SystemTime {
        from_unix_millis(self.created)
    }
}

/// Returns the subject of the plan of a job, or of all jobs (`*`).
pub(crate) fn subject(connection: &Connection, job: &str) -> String {
    connection.names.state_subject(&format!("job.{job}.plan"))
}

fn key(connection: &Connection, job: &JobId) -> Key {
    Key::in_state_stream(connection, &format!("job.{job}.plan"))
}

fn chunk_key(connection: &Connection, job: &JobId, index: usize) -> Key {
    Key::in_state_stream(connection, &format!("job.{job}.list.{index}"))
}

/// Stores the plan of a new job, without dead letters.
pub(crate) async fn create(
    connection: &Connection,
    action: JobAction,
    selection: &str,
) -> Result<JobId> {
    let id = JobId::generate();
    let plan = Plan {
        action,
        selection: selection.to_owned(),
        created: unix_millis(std::time::SystemTime::now()),
        chunks: Vec::new(),
        resolved: 0,
        started: false,
        in_doubt: InDoubt::default(),
    };
    kv::set(connection, &key(connection, &id), &plan, 0).await?;
    Ok(id)
}

/// Adds dead letters to a job.
pub(crate) async fn enlist(
    connection: &Connection,
    job: &JobId,
    letters: &[DeadLetter],
) -> Result<()> {
    let mut plan = find(connection, job).await?;
    for chunk in letters.chunks(JOB_CHUNK) {
        let entries: Vec<JobEntry> = chunk.iter().map(JobEntry::from).collect();
        let subject = chunk_key(connection, job, plan.value.chunks.len()).subject;
        let payload = headers::json(&entries)?;
        confirmed_publish::publish_internal(connection, subject, payload.into()).await?;
        failpoint::reach("nats.chunk_stored");
        plan.value.chunks.push(entries.len() as u64);
    }
    store(connection, job, &plan).await
}

/// Reads the dead letters of a job from an index on, as far as they are in one chunk.
pub(crate) async fn entries(
    connection: &Connection,
    job: &JobId,
    plan: &Plan,
    from: u64,
) -> Result<Vec<JobEntry>> {
    let mut start = 0;
    for (index, count) in plan.chunks.iter().enumerate() {
        if from < start + count {
            let key = chunk_key(connection, job, index);
            let chunk = kv::get::<Vec<JobEntry>>(connection, &key).await?;
            let chunk = chunk.ok_or_else(|| job.unknown(SCHEME))?;
            let skipped = usize::try_from(from - start).unwrap_or(usize::MAX);
            return Ok(chunk.value.into_iter().skip(skipped).collect());
        }
        start += count;
    }
    Ok(Vec::new())
}

/// Reads the plan of a job.
pub(crate) async fn find(connection: &Connection, job: &JobId) -> Result<Versioned<Plan>> {
    let is_valid = !job.0.is_empty() && job.0.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_valid {
        return Err(job.unknown(SCHEME));
    }
    let plan = kv::get(connection, &key(connection, job)).await?;
    plan.ok_or_else(|| job.unknown(SCHEME))
}

/// Stores a plan over the revision that was read.
pub(crate) async fn store(
    connection: &Connection,
    job: &JobId,
    plan: &Versioned<Plan>,
) -> Result<()> {
    let stored = kv::set(
        connection,
        &key(connection, job),
        &plan.value,
        plan.revision,
    )
    .await;
    stored?;
    Ok(())
}

/// Stores the progress of a job, for when its journal is gone.
pub(crate) async fn note_progress(
    connection: &Connection,
    job: &JobId,
    resolved: u64,
    in_doubt: InDoubt,
) -> Result<()> {
    let mut plan = match find(connection, job).await {
        Ok(plan) => plan,
        Err(failed) if failed.kind() == ErrorKind::NotFound => return Ok(()),
        Err(failed) => return Err(failed),
    };
    if plan.value.resolved >= resolved && plan.value.in_doubt == in_doubt {
        return Ok(());
    }
    plan.value.resolved = plan.value.resolved.max(resolved);
    plan.value.in_doubt = in_doubt;
    store(connection, job, &plan).await
}

/// Deletes a job.
pub(crate) async fn delete(connection: &Connection, job: &JobId) -> Result<()> {
    let filter = connection.names.state_subject(&format!("job.{job}.>"));
    let stream = connection.names.state_stream();
    connection.purge(&stream, &filter).await.map(drop)
}
