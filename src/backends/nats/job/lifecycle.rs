//! Jobs on dead letters: planned, leased under a fencing token, ended. The lease is a message that expires on the
//! server, so no two clocks have to agree.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{handle::Link, kv::Written},
        error::{Refusal, SCHEME, WRONG_LAST_SEQUENCE},
        job::{
            in_doubt::Doubt,
            journal::{self, Journal},
            session::Ahead,
        },
        publish::publisher as publish,
        read::stream_reader::{Begin, Reader, Scope},
    },
    event::{from_unix_millis, unix_millis},
    failpoint,
    transport::{
        DeadLetter, ErrorKind, JOB_CHUNK, JOB_LEASE, Job, JobAction, JobId, JobLease, LetterId,
        Result, TransportError,
    },
};

/// A job as written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) action: JobAction,
    selection: String,
    /// Milliseconds since the epoch.
    created: u64,
    /// How many letters stand in each chunk.
    chunks: Vec<u64>,
    pub(crate) resolved: u64,
    started: bool,
    /// What nobody knew the outcome of when the job was last taken up.
    #[serde(default, skip_serializing_if = "Doubt::is_none")]
    pub(crate) doubt: Doubt,
}

impl Plan {
    pub(crate) fn planned(&self) -> u64 {
        self.chunks.iter().sum()
    }
}

/// A letter as a job knows it: its name, and the number under which it stands (0: it stands nowhere).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry(pub(crate) LetterId, pub(crate) u64);

/// Who works on the dead letters of a store.
#[derive(Debug, Serialize, Deserialize)]
struct Lease {
    job: JobId,
    /// None once it was given back.
    holder: Option<String>,
    /// The number of the first message of this lease; none in that message itself.
    token: Option<u64>,
    /// Unlike that of any other message.
    mark: String,
}

fn plan_subject(link: &Link, job: &str) -> String {
    link.names.beside(&format!("job.{job}.plan"))
}

fn chunk_subject(link: &Link, job: &JobId, index: usize) -> String {
    link.names.beside(&format!("job.{job}.list.{index}"))
}

fn lease_subject(link: &Link) -> String {
    link.names.beside("lease")
}

/// Returns the jobs that have not ended.
pub(crate) async fn list(link: &Arc<Link>) -> Result<Vec<Job>> {
    let side = link.names.side();
    if link.find_stream(&side).await?.is_none() {
        return Ok(Vec::new());
    }
    let scope = Scope::once(side, vec![plan_subject(link, "*")], Begin::At(1));
    let mut reader = Reader::open(link, scope).await?;
    let mut plans = BTreeMap::new();
    while let Some(arrived) = reader.next().await? {
        let id = arrived
            .subject
            .rsplit('.')
            .nth(1)
            .map(|id| JobId(id.to_owned()));
        if let (Some(id), Ok(plan)) = (id, serde_json::from_slice::<Plan>(&arrived.payload)) {
            plans.insert(id.0, plan);
        }
    }
    let lease = held(link).await?;
    let journal = journal::read(link).await?;
    let job = |(id, plan): (String, Plan)| {
        let id = JobId(id);
        let ahead = journal.as_ref().filter(|journal| journal.value.job == id);
        Job {
            action: plan.action.clone(),
            selection: plan.selection.clone(),
            planned: plan.planned(),
            resolved: ahead.map_or(plan.resolved, |journal| journal.value.resolved),
            created: from_unix_millis(plan.created),
            holder: lease
                .as_ref()
                .filter(|lease| lease.value.job == id)
                .and_then(|lease| lease.value.holder.clone()),
            started: plan.started,
            id,
        }
    };
    Ok(plans.into_iter().map(job).collect())
}

/// Writes down a job without letters.
pub(crate) async fn plan(link: &Link, action: JobAction, selection: &str) -> Result<JobId> {
    let id = JobId::generate();
    let plan = Plan {
        action,
        selection: selection.to_owned(),
        created: unix_millis(SystemTime::now()),
        chunks: Vec::new(),
        resolved: 0,
        started: false,
        doubt: Doubt::default(),
    };
    let place = (&*link.names.side(), &*plan_subject(link, &id.0));
    link.set_value(place, &plan, 0, None).await?;
    Ok(id)
}

/// Adds letters to a job.
pub(crate) async fn enlist(link: &Link, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
    let mut plan = find(link, job).await?;
    for chunk in letters.chunks(JOB_CHUNK) {
        let entries: Vec<Entry> = chunk.iter().map(entry).collect();
        let subject = chunk_subject(link, job, plan.value.chunks.len());
        publish::persist(link, subject, headers::json(&entries)?.into(), |_| {}).await?;
        failpoint::reach("nats.chunk_stored");
        plan.value.chunks.push(entries.len() as u64);
    }
    rewrite(link, job, &plan).await
}

fn entry(letter: &DeadLetter) -> Entry {
    let at = letter.at.as_ref().and_then(|at| at.as_str().parse().ok());
    Entry(letter.id.clone(), at.unwrap_or(0))
}

/// Reads the letters of a job from a place on, as far as they stand in one chunk.
pub(crate) async fn entries(
    link: &Link,
    job: &JobId,
    plan: &Plan,
    from: u64,
) -> Result<Vec<Entry>> {
    let mut start = 0;
    for (index, count) in plan.chunks.iter().enumerate() {
        if from < start + count {
            let subject = chunk_subject(link, job, index);
            let chunk = link
                .value::<Vec<Entry>>(&link.names.side(), &subject)
                .await?;
            let chunk = chunk.ok_or_else(|| job.unknown(SCHEME))?;
            let skipped = usize::try_from(from - start).unwrap_or(usize::MAX);
            return Ok(chunk.value.into_iter().skip(skipped).collect());
        }
        start += count;
    }
    Ok(Vec::new())
}

/// Forgets a job that nobody works on.
pub(crate) async fn forget(link: &Link, job: &JobId) -> Result<()> {
    find(link, job).await?;
    if let Some(lease) = held(link).await?
        && lease.value.job == *job
    {
        return Err(busy(&lease.value));
    }
    erase(link, job).await
}

async fn erase(link: &Link, job: &JobId) -> Result<()> {
    let filter = link.names.beside(&format!("job.{job}.>"));
    link.purge(&link.names.side(), &filter).await.map(drop)
}

/// Reads a job.
pub(crate) async fn find(link: &Link, job: &JobId) -> Result<Written<Plan>> {
    let known = !job.0.is_empty() && job.0.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !known {
        return Err(job.unknown(SCHEME));
    }
    let subject = plan_subject(link, &job.0);
    let plan = link.value(&link.names.side(), &subject).await?;
    plan.ok_or_else(|| job.unknown(SCHEME))
}

/// Writes down how far a job is, for when its journal is gone.
pub(crate) async fn note_progress(link: &Link, journal: &Written<Journal>) -> Result<()> {
    let (job, resolved, doubt) = (&journal.value.job, journal.value.resolved, journal.doubt());
    let mut plan = match find(link, job).await {
        Ok(plan) => plan,
        Err(failed) if failed.kind() == ErrorKind::NotFound => return Ok(()),
        Err(failed) => return Err(failed),
    };
    if plan.value.resolved >= resolved && plan.value.doubt == doubt {
        return Ok(());
    }
    plan.value.resolved = plan.value.resolved.max(resolved);
    plan.value.doubt = doubt;
    rewrite(link, job, &plan).await
}

async fn rewrite(link: &Link, job: &JobId, plan: &Written<Plan>) -> Result<()> {
    let subject = plan_subject(link, &job.0);
    let place = (&*link.names.side(), &*subject);
    link.set_value(place, &plan.value, plan.number, None)
        .await?;
    Ok(())
}

/// Takes the lease, unless somebody works on any job of this store.
pub(crate) async fn lease(link: &Link, job: &JobId, holder: &str) -> Result<JobLease> {
    find(link, job).await?;
    let last = link
        .value::<Lease>(&link.names.side(), &lease_subject(link))
        .await?;
    if let Some(last) = &last
        && last.value.holder.is_some()
    {
        return Err(busy(&last.value));
    }
    let wanted = Lease {
        job: job.clone(),
        holder: Some(holder.to_owned()),
        token: None,
        mark: link.id(),
    };
    let number = last.map_or(0, |last| last.number);
    let answer = link
        .set_value(
            (&*link.names.side(), &*lease_subject(link)),
            &wanted,
            number,
            Some(JOB_LEASE.as_secs()),
        )
        .await;
    let token = answer.map_err(|refusal| lost(refusal, job))?;
    failpoint::reach("nats.lease_taken");
    let lease = JobLease {
        job: job.clone(),
        token,
    };
    match begin(link, &lease).await {
        Ok(()) => Ok(lease),
        Err(failed) => {
            give_back(link, &lease).await?;
            Err(failed)
        }
    }
}

/// Finishes what an earlier worker left half done, and shuts it out.
async fn begin(link: &Link, lease: &JobLease) -> Result<()> {
    journal::take_over(link, lease).await?;
    failpoint::reach("nats.journal_begun");
    let mut plan = find(link, &lease.job).await?;
    if plan.value.started {
        return Ok(());
    }
    plan.value.started = true;
    rewrite(link, &lease.job, &plan).await
}

/// Keeps the lease.
pub(crate) async fn renew(link: &Link, lease: &JobLease) -> Result<()> {
    let mut live = fenced(link, lease).await?;
    live.value.token = Some(lease.token);
    live.value.mark = link.id();
    let renewed = link
        .set_value(
            (&*link.names.side(), &*lease_subject(link)),
            &live.value,
            live.number,
            Some(JOB_LEASE.as_secs()),
        )
        .await;
    renewed.map_err(|refusal| lost(refusal, &lease.job))?;
    Ok(())
}

/// Ends the job, or only the lease.
pub(crate) async fn release(
    link: &Link,
    ahead: &Ahead,
    (lease, done): (&JobLease, bool),
) -> Result<()> {
    fenced(link, lease).await?;
    ahead.end().await;
    journal::close(link, lease, ahead.is_finished()).await?;
    ahead.finish();
    failpoint::reach("nats.journal_closed");
    if done {
        erase(link, &lease.job).await?;
        failpoint::reach("nats.job_erased");
    }
    give_back(link, lease).await
}

async fn give_back(link: &Link, lease: &JobLease) -> Result<()> {
    let live = fenced(link, lease).await?;
    let free = Lease {
        job: lease.job.clone(),
        holder: None,
        token: None,
        mark: link.id(),
    };
    let freed = link
        .set_value(
            (&*link.names.side(), &*lease_subject(link)),
            &free,
            live.number,
            Some(1),
        )
        .await;
    freed.map_err(|refusal| lost(refusal, &lease.job))?;
    Ok(())
}

/// Makes sure that the lease still is the one that counts.
pub(crate) async fn check(link: &Link, lease: &JobLease) -> Result<()> {
    fenced(link, lease).await.map(drop)
}

async fn fenced(link: &Link, lease: &JobLease) -> Result<Written<Lease>> {
    match held(link).await? {
        Some(live) if live.value.token.unwrap_or(live.number) == lease.token => Ok(live),
        Some(live) => Err(busy(&live.value)),
        None => Err(JobLease::lost(SCHEME, &lease.job)),
    }
}

/// Reads the lease, if somebody has it.
async fn held(link: &Link) -> Result<Option<Written<Lease>>> {
    let lease = link
        .value::<Lease>(&link.names.side(), &lease_subject(link))
        .await?;
    Ok(lease.filter(|lease| lease.value.holder.is_some()))
}

fn busy(lease: &Lease) -> TransportError {
    JobLease::held_by(SCHEME, lease.holder.as_deref())
}

/// Turns a guard that did not hold into a lost lease.
pub(crate) fn lost(refusal: Refusal, job: &JobId) -> TransportError {
    if refusal.is(WRONG_LAST_SEQUENCE) {
        JobLease::lost(SCHEME, job)
    } else {
        refusal.into()
    }
}

/// Begins the journal of a job where its plan says that it is.
pub(crate) async fn resume(link: &Link, lease: &JobLease) -> Result<Journal> {
    let plan = find(link, &lease.job).await?;
    let mut journal = Journal::new(lease, plan.value.resolved);
    journal.doubt = plan.value.doubt;
    Ok(journal)
}
