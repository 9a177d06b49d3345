//! Manifests: the dead letters of each replay, in order, by which it can be verified later.
//!
//! A job is deleted when it ends; its manifest stays. It is written while the plan is frozen, before the first replay, so
//! that what a crash leaves is never more than it lists. The manifests of the last replays are kept, for a time; planning a
//! replay removes those beyond, at most some notes at a time.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{moment, name, put, read, read_many, remove};
use crate::{
    event::Group,
    transport::{
        DeadLetter, DeadLetterId, ErrorKind, JobId, MessageDigest, NoteName, ReplayTarget,
        Resolution, Result as Answer, Transport, TransportError,
    },
};

/// The notes that say which manifests there are: small, so that planning need not read the manifests themselves.
const REPLAYS: &str = "replays";
/// The notes that list the dead letters.
const MANIFESTS: &str = "manifest";
/// Dead letters in one note.
const PER_NOTE: usize = 2_000;
/// How many manifests are kept, ...
const MOST: usize = 20;
/// ... and for how long.
const AGE: Duration = Duration::from_hours(30 * 24);
/// The most notes that planning a replay removes.
const REMOVED: usize = 100;

/// What is known of a manifest without reading it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::runtime::triage) struct Header {
    pub(in crate::runtime::triage) job: JobId,
    /// When freezing the plan began.
    #[serde(with = "crate::transport::stamp")]
    pub(in crate::runtime::triage) planned: SystemTime,
    /// The number of its dead letters; none until all of them are stored.
    pub(in crate::runtime::triage) letters: Option<u64>,
    /// Whether they were taken from the archive.
    #[serde(default)]
    pub(in crate::runtime::triage) archived: bool,
    /// Whether the job edits them: what is replayed is archived, and the digests are those of the edited messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::runtime::triage) edited: bool,
}

/// A note of a manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Page {
    Planned(Planned),
    /// Dead letters that were resolved elsewhere before the job reached them.
    Gone(Vec<DeadLetterId>),
}

/// A part of the plan.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Planned {
    targets: Vec<ReplayTarget>,
    /// The groups that failed, of the targets; none where a replay to another topic serves every group.
    #[serde(default)]
    groups: Vec<Option<Group>>,
    /// The id, the message, and the number of the target.
    letters: Vec<(DeadLetterId, MessageDigest, usize)>,
    /// The ids of the dead letters that they become if they die again.
    #[serde(default)]
    next: Vec<DeadLetterId>,
}

/// A manifest as it was read.
#[derive(Debug, Default)]
pub(in crate::runtime::triage) struct Manifest {
    pub(in crate::runtime::triage) letters: Vec<Listed>,
    pub(in crate::runtime::triage) gone: Vec<DeadLetterId>,
}

/// A dead letter of a manifest.
#[derive(Debug, Clone)]
pub(in crate::runtime::triage) struct Listed {
    pub(in crate::runtime::triage) id: DeadLetterId,
    pub(in crate::runtime::triage) digest: MessageDigest,
    pub(in crate::runtime::triage) target: ReplayTarget,
    /// The group that failed, unless every group of another topic gets the replay.
    pub(in crate::runtime::triage) group: Option<Group>,
    /// The id of the dead letter that it becomes if it dies again.
    pub(in crate::runtime::triage) next: Option<DeadLetterId>,
}

/// Writes the manifest of a job that is being planned.
#[derive(Debug)]
pub(in crate::runtime::triage) struct ManifestWriter {
    header: Header,
    notes: usize,
    count: u64,
    page: Planned,
}

impl ManifestWriter {
    /// Starts a manifest, and removes some of those that are not kept any more.
    pub(in crate::runtime::triage) async fn start(
        transport: &dyn Transport,
        job: &JobId,
        (archived, edited): (bool, bool),
    ) -> Answer<Self> {
        prune(transport).await?;
        let header = Header {
            job: job.clone(),
            planned: SystemTime::now(),
            letters: None,
            archived,
            edited,
        };
        put(transport, &header_name(job), &header).await?;
        Ok(Self {
            header,
            notes: 0,
            count: 0,
            page: Planned::default(),
        })
    }

    /// Adds a dead letter, and the digest of the message that replays it.
    pub(in crate::runtime::triage) async fn add(
        &mut self,
        transport: &dyn Transport,
        (letter, digest): (&DeadLetter, MessageDigest),
        target: ReplayTarget,
        group: Option<Group>,
    ) -> Answer<()> {
        let Planned {
            targets, groups, ..
        } = &mut self.page;
        let mut known = targets.iter().zip(&*groups);
        let known = known.rposition(|(known, of)| *known == target && *of == group);
        let number = known.unwrap_or(targets.len());
        if number == targets.len() {
            targets.push(target);
            groups.push(group);
        }
        self.page.letters.push((letter.id.clone(), digest, number));
        self.page.next.push(letter.next_id());
        if self.page.letters.len() == PER_NOTE {
            self.store_page(transport).await?;
        }
        Ok(())
    }

    /// Completes the manifest.
    pub(in crate::runtime::triage) async fn finish(
        mut self,
        transport: &dyn Transport,
    ) -> Answer<()> {
        if !self.page.letters.is_empty() {
            self.store_page(transport).await?;
        }
        self.header.letters = Some(self.count);
        put(transport, &header_name(&self.header.job), &self.header).await
    }

    async fn store_page(&mut self, transport: &dyn Transport) -> Answer<()> {
        let page = std::mem::take(&mut self.page);
        self.count += page.letters.len() as u64;
        let name = pages_name(&self.header.job).child(&format!("{:06}", self.notes));
        self.notes += 1;
        put(transport, &name, &Page::Planned(page)).await
    }
}

/// Notes which dead letters were resolved elsewhere before their job reached them.
pub(in crate::runtime::triage) async fn note_gone(
    transport: &dyn Transport,
    job: &JobId,
    resolved: &[(DeadLetterId, Resolution)],
) -> Answer<()> {
    let gone = resolved.iter();
    let gone = gone.filter(|(_, resolution)| *resolution == Resolution::Gone);
    let gone: Vec<_> = gone.map(|(id, _)| id.clone()).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let name = pages_name(job).child(&format!("gone-{}", moment()));
    put(transport, &name, &Page::Gone(gone)).await
}

/// Returns the manifests that are kept, oldest first.
pub(in crate::runtime::triage) async fn headers(transport: &dyn Transport) -> Answer<Vec<Header>> {
    let headers = read::<Header>(transport, &name(REPLAYS)).await?.into_iter();
    let mut headers: Vec<_> = headers.map(|(_, header)| header).collect();
    headers.sort_by_key(|header| header.planned);
    Ok(headers)
}

/// Reads the manifest of a job.
pub(in crate::runtime::triage) async fn load(
    transport: &dyn Transport,
    header: &Header,
) -> Answer<Manifest> {
    let mut manifest = Manifest::default();
    for (_, page) in read_many(transport, &pages_name(&header.job)).await? {
        match page {
            Page::Gone(ids) => manifest.gone.extend(ids),
            Page::Planned(page) => {
                let (targets, groups, next) = (page.targets, page.groups, page.next);
                let letters = page.letters.into_iter().enumerate();
                let listed = letters.filter_map(|(number, (id, digest, target))| {
                    Some(Listed {
                        id,
                        digest,
                        group: groups.get(target).cloned().flatten(),
                        target: targets.get(target)?.clone(),
                        next: next.get(number).cloned(),
                    })
                });
                manifest.letters.extend(listed);
            }
        }
    }
    if header.letters == Some(manifest.letters.len() as u64) {
        return Ok(manifest);
    }
    let message = format!(
        "the list of the dead letters of job {} is incomplete",
        header.job
    );
    let error = TransportError::new(transport.scheme(), ErrorKind::NotFound, message);
    Err(error.hint("its plan was interrupted, or the list is being removed because of its age"))
}

/// Removes the manifest of a job that never ran.
pub(in crate::runtime::triage) async fn discard(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    remove_some(transport, job, usize::MAX).await.map(drop)
}

/// Removes manifests that are too many or too old, at most some notes of them. The next plan goes on.
async fn prune(transport: &dyn Transport) -> Answer<()> {
    let headers = headers(transport).await?;
    // The one that is being planned comes in addition.
    let surplus = (headers.len() + 1).saturating_sub(MOST);
    let mut left = REMOVED;
    for (number, header) in headers.iter().enumerate() {
        let is_old = header.planned.elapsed().is_ok_and(|age| age > AGE);
        if (number < surplus || is_old) && left > 0 {
            left -= remove_some(transport, &header.job, left).await?;
        }
    }
    Ok(())
}

/// Removes at most `most` notes of a manifest, the header as the last one. Returns how many.
async fn remove_some(transport: &dyn Transport, job: &JobId, most: usize) -> Answer<usize> {
    let notes = transport.dead_letters().notes(&pages_name(job)).await?;
    let count = notes.len().min(most);
    for note in &notes[..count] {
        remove(transport, &note.name).await?;
    }
    if count == notes.len() {
        remove(transport, &header_name(job)).await?;
    }
    Ok(count)
}

fn header_name(job: &JobId) -> NoteName {
    name(REPLAYS).child(&job.0)
}

fn pages_name(job: &JobId) -> NoteName {
    name(MANIFESTS).child(&job.0)
}
