//! Verification of a replay: the target is read again, and each dead letter of the job is looked up in it.
//!
//! Only the ids of the job are in memory, with what was found of each; everything else is streamed.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use serde::Serialize;

use crate::{
    event::Position,
    runtime::triage::notes::{Archived, Listed, Manifest, load_manifest, manifest_headers},
    transport::{
        DeadLetterId, JobId, MessageDigest, ReplayScan, ReplayTarget, ReplayTrace,
        Result as Answer, Selection, TraceKind, Transport,
    },
};

/// Dead letters per page.
const PAGE: usize = 1_000;
/// Traces per page, which are small.
const TRACES: usize = 20_000;

/// The most positions of one dead letter that are returned.
const POSITIONS: usize = 4;

/// What the store shows of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is there exactly once, byte for byte.
    Once,
    /// It is there once, with other bytes.
    Changed,
    /// It is there once, in another topic or for another group.
    Elsewhere,
    /// It is not there, and nothing but a loss explains that.
    Missing,
    /// It is there more than once.
    Twice,
    /// It is not there, and may have been removed since.
    Unknown,
    /// It was not replayed: it is still a dead letter.
    NotReplayed,
}

/// A dead letter of a job, and what the store shows of its replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedLetter {
    /// The dead letter.
    pub id: DeadLetterId,
    /// What was found.
    pub found: Found,
    /// How many messages replay it.
    pub count: u32,
    /// Where it was to be replayed to.
    #[serde(flatten)]
    pub target: ReplayTarget,
    /// Where the first few of these messages are stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<Position>,
    /// Whether the group has settled it, where the store tells: it was handled, skipped or dead-lettered again.
    pub settled: bool,
    /// The dead letter that it has become again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub died_again: Option<DeadLetterId>,
    /// Why it may be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The dead letters of a job, in the order of its plan, and what the store shows of their replays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The job.
    pub job: JobId,
    /// Its dead letters.
    pub letters: Vec<VerifiedLetter>,
}

impl Verification {
    /// Returns of how many dead letters this was found.
    #[must_use]
    pub fn count(&self, found: Found) -> usize {
        let letters = self.letters.iter();
        letters.filter(|letter| letter.found == found).count()
    }

    /// Reports whether the replay of every dead letter is there exactly once.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.count(Found::Once) == self.letters.len()
    }
}

/// Reads the targets of a job again.
pub(in crate::runtime::triage) async fn verify(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<Verification> {
    let mut headers = manifest_headers(transport).await?.into_iter();
    let header = headers.find(|header| header.job == *job);
    let header = &header.ok_or_else(|| job.unknown(transport.scheme()))?;
    let mut evidence = Evidence::of(load_manifest(transport, header).await?);
    // First the dead letters: one that is replayed meanwhile is then found by its message at least.
    evidence.read_dead_letters(transport, header.edited).await?;
    let letters = transport.dead_letters();
    let targets = evidence.targets();
    let mut scan = letters.replays(header.planned, &targets).await?;
    let mut traces = scan.next(TRACES).await?;
    while !traces.is_empty() {
        // The next ones are read while these are looked up.
        let (next, ()) = tokio::join!(scan.next(TRACES), async { evidence.add_all(traces) });
        traces = next?;
    }
    Ok(Verification {
        job: header.job.clone(),
        letters: evidence.judge(&mut *scan).await?,
    })
}

/// What was found of the dead letters of a job.
struct Evidence {
    /// In the order of the plan.
    letters: Vec<(DeadLetterId, Traces)>,
    numbers: HashMap<DeadLetterId, usize>,
}

/// What was found of a dead letter.
struct Traces {
    digest: MessageDigest,
    target: ReplayTarget,
    /// Messages that replay it.
    messages: u32,
    positions: Vec<Position>,
    /// How the message differs from what was planned: [`Found::Changed`] or [`Found::Elsewhere`].
    flaw: Option<Found>,
    /// Whether something shows that it was there once, though the message itself may be gone.
    was_there: bool,
    is_settled: bool,
    /// Why it need not have been replayed.
    spared: Option<Spared>,
    /// Whether it is in the archive, though the job does not edit: a message of other bytes is then the replay of one that does.
    is_archived: bool,
    died_again: Option<DeadLetterId>,
}

/// Why a job need not have replayed a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spared {
    /// It is still a dead letter.
    StillDead,
    /// It was resolved elsewhere before the job reached it.
    Gone,
}

impl Traces {
    fn of(digest: MessageDigest, target: ReplayTarget) -> Self {
        Self {
            digest,
            target,
            messages: 0,
            positions: Vec::new(),
            flaw: None,
            was_there: false,
            is_settled: false,
            spared: None,
            is_archived: false,
            died_again: None,
        }
    }

    fn add(&mut self, trace: ReplayTrace) {
        match trace.kind {
            TraceKind::Message(digest) | TraceKind::Retry(digest)
                if self.is_archived && digest != self.digest => {}
            TraceKind::Settled if self.is_archived => {}
            TraceKind::Message(digest) => {
                self.messages += 1;
                self.compare(digest);
                if trace.target != self.target {
                    self.flaw = Some(Found::Elsewhere);
                }
                if self.positions.len() < POSITIONS {
                    self.positions.push(trace.position);
                }
            }
            TraceKind::Retry(digest) => {
                self.was_there = true;
                self.compare(digest);
            }
            TraceKind::Settled => {
                self.was_there = true;
                self.is_settled = true;
            }
        }
    }

    fn compare(&mut self, digest: MessageDigest) {
        if digest != self.digest {
            self.flaw.get_or_insert(Found::Changed);
        }
    }

    /// Decides what was found; none if it is not there, and the store has to say whether it may be gone.
    fn found(&self) -> Option<Found> {
        match self.messages {
            0 if self.died_again.is_some() || self.was_there => {}
            0 if self.spared == Some(Spared::StillDead) => return Some(Found::NotReplayed),
            0 => return None,
            1 => {}
            _ => return Some(Found::Twice),
        }
        Some(self.flaw.unwrap_or(Found::Once))
    }
}

impl Evidence {
    fn of(manifest: Manifest) -> Self {
        let Manifest { letters, gone } = manifest;
        let mut evidence = Self {
            numbers: HashMap::with_capacity(letters.len()),
            letters: Vec::with_capacity(letters.len()),
        };
        for Listed {
            id, digest, target, ..
        } in letters
        {
            if let Entry::Vacant(entry) = evidence.numbers.entry(id.clone()) {
                entry.insert(evidence.letters.len());
                evidence.letters.push((id, Traces::of(digest, target)));
            }
        }
        for id in gone {
            if let Some(letter) = evidence.get_mut(&id) {
                letter.spared = Some(Spared::Gone);
            }
        }
        evidence
    }

    fn get_mut(&mut self, id: &DeadLetterId) -> Option<&mut Traces> {
        let number = *self.numbers.get(id)?;
        self.letters.get_mut(number).map(|(_, letter)| letter)
    }

    fn targets(&self) -> Vec<ReplayTarget> {
        let targets = self.letters.iter().map(|(_, letter)| &letter.target);
        let targets: HashSet<_> = targets.collect();
        targets.into_iter().cloned().collect()
    }

    /// Finds those that are still dead letters, and those that have died again.
    async fn read_dead_letters(
        &mut self,
        transport: &dyn Transport,
        is_edited: bool,
    ) -> Answer<()> {
        let archived = Archived::read(transport).await?;
        let letters = transport.dead_letters();
        let mut scan = letters.scan(&Selection::default()).await?;
        loop {
            let page = scan.next(PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for letter in page {
                // The originals of edits are there, archived, once they are replayed.
                let is_archived = archived.contains(&letter.id);
                if let Some(known) = self.get_mut(&letter.id)
                    && !(is_edited && is_archived)
                {
                    known.spared = Some(Spared::StillDead);
                    known.is_archived = is_archived;
                }
                let before = letter.record.replay_of.as_ref();
                if let Some(known) = before.and_then(|id| self.get_mut(id)) {
                    known.died_again = Some(letter.id);
                }
            }
        }
    }

    fn add_all(&mut self, traces: Vec<ReplayTrace>) {
        for trace in traces {
            if let Some(letter) = self.get_mut(&trace.replay_of) {
                letter.add(trace);
            }
        }
    }

    async fn judge(self, scan: &mut dyn ReplayScan) -> Answer<Vec<VerifiedLetter>> {
        let mut reasons: HashMap<ReplayTarget, Option<String>> = HashMap::new();
        let mut verified = Vec::with_capacity(self.letters.len());
        for (id, letter) in self.letters {
            let (found, reason) = match letter.found() {
                Some(found) => (found, None),
                None if letter.spared == Some(Spared::Gone) => {
                    let reason = "it was resolved elsewhere before the job reached it";
                    (Found::Unknown, Some(reason.to_owned()))
                }
                None => {
                    if !reasons.contains_key(&letter.target) {
                        let reason = scan.may_be_gone(&letter.target).await?;
                        reasons.insert(letter.target.clone(), reason);
                    }
                    let reason = reasons.get(&letter.target).cloned().flatten();
                    let is_unknown = reason.is_some();
                    let found = if is_unknown {
                        Found::Unknown
                    } else {
                        Found::Missing
                    };
                    (found, reason)
                }
            };
            verified.push(VerifiedLetter {
                id,
                found,
                count: letter.messages,
                target: letter.target,
                positions: letter.positions,
                settled: letter.is_settled,
                died_again: letter.died_again,
                reason,
            });
        }
        Ok(verified)
    }
}
