//! Faults in dead letters and the jobs on them.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{Fault, Faulty, Shared};
use crate::{
    event::{Group, Headers, Message, Topic},
    transport::{
        DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, ErrorKind, Job, JobAction, JobId,
        JobLease, Limits, MessageDigest, Note, NoteName, ReplayEdit, ReplayScan, ReplayTarget,
        ReplayTrace, Replayed, Resolution, Result, Selection, Settled, Stats, TraceKind,
    },
};

#[async_trait]
impl DeadLetters for Faulty {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        Ok(Box::new(FaultyScan {
            inner: self.inner.dead_letters().scan(selection).await?,
            faulty: self.clone(),
            skipped: false,
        }))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        let mut stats = self.inner.dead_letters().stats(selection).await?;
        if self.has(Fault::Miscounts) {
            for row in &mut stats {
                row.count += 1;
            }
        }
        Ok(stats)
    }

    fn check_import(&self, letter: &DeadLetter, limits: &Limits) -> Result<()> {
        self.inner.dead_letters().check_import(letter, limits)
    }

    async fn import(&self, mut letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        if self.has(Fault::ImportsStripped) {
            for letter in &mut letters {
                letter.message.headers = Headers::new();
            }
        }
        let mut results = self.inner.dead_letters().import(letters).await;
        if self.has(Fault::ImportsAlwaysNew) {
            results.iter_mut().flatten().for_each(|new| *new = true);
        }
        results
    }

    async fn replay_warnings(&self, targets: &[(Group, Topic)]) -> Vec<String> {
        self.inner.dead_letters().replay_warnings(targets).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        match self.fault {
            Fault::HidesJobs => Ok(Vec::new()),
            _ => self.inner.dead_letters().jobs().await,
        }
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        let planned = match (self.fault, action.clone()) {
            (Fault::IgnoresTarget, JobAction::Replay { .. }) => JobAction::Replay { to: None },
            (_, action) => action,
        };
        let id = self.inner.dead_letters().plan(planned, selection).await?;
        self.shared.actions.lock().insert(id.clone(), action);
        Ok(id)
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        let mut letters = letters.to_vec();
        if self.has(Fault::ReversesPlan) {
            letters.reverse();
        }
        self.inner.dead_letters().enlist(job, &letters).await?;
        if self.has(Fault::PlansAct) {
            carry_out(self, job).await?;
        }
        Ok(())
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        if self.has(Fault::ForgettingDeletes) {
            carry_out(self, job).await?;
        }
        self.inner.dead_letters().forget(job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        let lease = match self.inner.dead_letters().lease(job, holder).await {
            Err(error) if error.kind() == ErrorKind::Held && self.has(Fault::LeasesTwice) => {
                JobLease {
                    job: job.clone(),
                    token: u64::MAX,
                }
            }
            lease => lease?,
        };
        self.shared.tokens.lock().insert(job.clone(), lease.token);
        Ok(lease)
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        self.inner.dead_letters().renew(&trusted(self, lease)).await
    }

    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        let before = letters(self).await?;
        if self.has(Fault::ReplaysToAll) {
            return replay_to_all(self, lease, max, &before).await;
        }
        let store = self.inner.dead_letters();
        let mut resolved = store.advance(&trusted(self, lease), max, edit).await?;
        let action = self.shared.actions.lock().get(&lease.job).cloned();
        let stays = match action {
            Some(JobAction::Purge) => self.has(Fault::PurgesNothing),
            _ => self.has(Fault::ReplaysTwice),
        };
        if stays {
            store.import(before).await;
        }
        if self.has(Fault::GoneIsDone) {
            for (_, outcome) in &mut resolved {
                *outcome = Resolution::Done;
            }
        }
        Ok(resolved)
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        self.inner.dead_letters().release(lease, done).await
    }

    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        if self.has(Fault::ForgetsNotes) && value.is_some() {
            return Ok(());
        }
        if self.has(Fault::KeepsRemovedNotes) && value.is_none() {
            return Ok(());
        }
        self.inner.dead_letters().put_note(name, value).await
    }

    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        self.inner.dead_letters().notes(under).await
    }

    async fn replays(
        &self,
        since: SystemTime,
        targets: &[ReplayTarget],
    ) -> Result<Box<dyn ReplayScan>> {
        Ok(Box::new(FaultyReplays {
            inner: self.inner.dead_letters().replays(since, targets).await?,
            faulty: self.clone(),
        }))
    }

    async fn settled(&self, group: &Group, replays: &[Replayed]) -> Result<Vec<Settled>> {
        if self.has(Fault::SettlesEarly) {
            return Ok(vec![Settled::Yes; replays.len()]);
        }
        let letters = self.inner.dead_letters();
        letters.settled(group, replays).await
    }
}

struct FaultyReplays {
    inner: Box<dyn ReplayScan>,
    faulty: Faulty,
}

#[async_trait]
impl ReplayScan for FaultyReplays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        let mut traces = self.inner.next(max).await?;
        if self.faulty.has(Fault::HidesReplays) {
            traces.clear();
        }
        if self.faulty.has(Fault::RepeatsReplays) {
            traces = traces
                .iter()
                .flat_map(|trace| [trace.clone(), trace.clone()])
                .collect();
        }
        if self.faulty.has(Fault::MisplacesReplays) {
            for trace in &mut traces {
                trace.target.topic = "elsewhere".parse().expect("a name of a topic");
            }
        }
        if self.faulty.has(Fault::ChangesDigests) {
            let mut other = Message::new("other".parse().expect("a name of a topic"), "");
            for trace in &mut traces {
                other.key = Some(trace.replay_of.as_str().to_owned().into());
                trace.kind = TraceKind::Message(MessageDigest::of(&other));
            }
        }
        Ok(traces)
    }

    async fn may_be_gone(&mut self, target: &ReplayTarget) -> Result<Option<String>> {
        let reason = self.inner.may_be_gone(target).await?;
        Ok(reason.filter(|_| !self.faulty.has(Fault::HidesReplays)))
    }
}

/// Returns the lease under which work is done.
fn trusted(faulty: &Faulty, lease: &JobLease) -> JobLease {
    let latest = faulty.shared.tokens.lock().get(&lease.job).copied();
    let token = match faulty.fault {
        Fault::IgnoresFencing => latest.unwrap_or(lease.token),
        _ => lease.token,
    };
    JobLease {
        job: lease.job.clone(),
        token,
    }
}

async fn letters(faulty: &Faulty) -> Result<Vec<DeadLetter>> {
    let mut scan = faulty
        .inner
        .dead_letters()
        .scan(&Selection::default())
        .await?;
    scan.next(1000).await
}

async fn carry_out(faulty: &Faulty, job: &JobId) -> Result<()> {
    let store = faulty.inner.dead_letters();
    let lease = store.lease(job, "nobody").await?;
    store.advance(&lease, 1000, None).await?;
    store.release(lease, false).await
}

/// Replays, and publishes what was replayed to its topic as well.
async fn replay_to_all(
    faulty: &Faulty,
    lease: &JobLease,
    max: usize,
    before: &[DeadLetter],
) -> Result<Vec<(DeadLetterId, Resolution)>> {
    let resolved = faulty
        .inner
        .dead_letters()
        .advance(lease, max, None)
        .await?;
    for (id, _) in &resolved {
        if let Some(letter) = before.iter().find(|letter| letter.id == *id) {
            faulty.republish(letter.message.clone()).await?;
        }
    }
    Ok(resolved)
}

struct FaultyScan {
    inner: Box<dyn DeadLetterScan>,
    faulty: Faulty,
    skipped: bool,
}

#[async_trait]
impl DeadLetterScan for FaultyScan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        if self.faulty.has(Fault::SkipsLetters) && !self.skipped {
            self.skipped = true;
            self.inner.next(1).await?;
        }
        let mut letters = self.inner.next(max).await?;
        while self.faulty.has(Fault::FillsPages) && letters.len() < max {
            let more = self.inner.next(max - letters.len()).await?;
            if more.is_empty() {
                break;
            }
            letters.extend(more);
        }
        for letter in &mut letters {
            spoil(letter, self.faulty.fault, &self.faulty.shared);
        }
        Ok(letters)
    }
}

fn spoil(letter: &mut DeadLetter, fault: Fault, shared: &Shared) {
    let record = &mut letter.record;
    match fault {
        Fault::LettersStripped => letter.message.headers = Headers::new(),
        Fault::LettersWithoutFailure => record.failure.message.clear(),
        Fault::RenamesLetters => {
            letter.id = DeadLetterId::from_stored(format!("letter-{}", shared.number()));
        }
        Fault::OneNamePerMessage => {
            let name = format!("letter-{}", record.origin.position);
            letter.id = DeadLetterId::from_stored(name);
        }
        Fault::CountsEveryRun if !record.kind.counts_last_run() => record.attempts += 1,
        Fault::ForgetsTotals => record.total_attempts = record.attempts,
        _ => {}
    }
}
