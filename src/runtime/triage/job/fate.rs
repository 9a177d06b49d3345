//! The fate of replayed dead letters: handled, still to be handled, or dead again.
//!
//! A replay says only that the message was stored. The position of its group shows that the group has
//! finished with it, and the absence of a dead letter that names it that it did not fail. The position is read first, because a
//! dead letter is stored before its message is settled.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    event::{Group, Position, Topic},
    runtime::{
        Stop,
        triage::notes::{Archived, Header, Listed, load_manifest, manifest_headers},
    },
    transport::{
        DeadLetterId, DeadLetterRef, JobId, Replayed, Result as Answer, Selection, Settled,
        TraceKind, Transport,
    },
};

/// Dead letters and traces per page.
const PAGE: usize = 500;

/// How long the messages of replays are looked for; what is not found until then is unknown.
const LOOKING: Duration = Duration::from_secs(10);

/// The pauses between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// For this long after the replay, the store need not show it yet.
const SETTLING: Duration = Duration::from_secs(5);

/// How far the clocks of the consumers and of the one who planned the job may differ.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// The fate of a dead letter that a job replays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// The group has settled it, and it is not a dead letter again: it was handled or skipped.
    Handled,
    /// It is still to be delivered, in flight, or due for retry.
    Pending,
    /// It is a dead letter again.
    DiedAgain {
        /// The new dead letter.
        dead_letter: DeadLetterId,
    },
    /// It was not replayed: it is still a dead letter.
    NotReplayed,
    /// The store does not tell.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// A dead letter that was replayed, and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// The dead letter.
    pub id: DeadLetterId,
    /// The topic that it was replayed to.
    pub topic: Topic,
    /// The group that failed, unless every group of another topic gets the replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Where its message is stored, if it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Its fate.
    #[serde(flatten)]
    pub fate: Fate,
}

/// Follows the first dead letters of a replay until their group has finished with them.
#[derive(Debug)]
pub struct Follower {
    transport: Arc<dyn Transport>,
    since: SystemTime,
    /// Whether they were edited, so that what is replayed is archived.
    is_edited: bool,
    letters: Vec<Listed>,
    /// Those that were resolved elsewhere before the job reached them.
    gone: HashSet<DeadLetterId>,
    positions: HashMap<DeadLetterId, Position>,
    settled: HashSet<DeadLetterId>,
    /// Why the store does not tell whether one is settled.
    unknown: HashMap<DeadLetterId, String>,
}

/// Reports whether waiting longer would change nothing. What is unknown at first may be known a moment later.
fn is_decided(followed: &[Followed], is_settled: bool) -> bool {
    let has_failed = |one: &Followed| match one.fate {
        Fate::DiedAgain { .. } | Fate::NotReplayed => true,
        Fate::Unknown { .. } => is_settled,
        Fate::Handled | Fate::Pending => false,
    };
    let is_handled = |one: &Followed| one.fate == Fate::Handled;
    followed.iter().any(has_failed) || followed.iter().all(is_handled)
}

impl Follower {
    /// Follows the first dead letters of a job, at most this many.
    ///
    /// # Errors
    /// [`crate::transport::ErrorKind::NotFound`] if the store does not keep the list of its dead letters, or if the transport
    /// fails.
    pub async fn of_job(transport: &Arc<dyn Transport>, job: &JobId, most: usize) -> Answer<Self> {
        let mut headers = manifest_headers(&**transport).await?.into_iter();
        let header = headers.find(|header| header.job == *job);
        let header = header.ok_or_else(|| job.unknown(transport.scheme()))?;
        let mut manifest = load_manifest(&**transport, &header).await?;
        manifest.letters.truncate(most);
        let gone = manifest.gone.into_iter().collect();
        Ok(Self::new(transport, &header, manifest.letters, gone))
    }

    pub(in crate::runtime::triage) fn new(
        transport: &Arc<dyn Transport>,
        header: &Header,
        letters: Vec<Listed>,
        gone: HashSet<DeadLetterId>,
    ) -> Self {
        Self {
            transport: Arc::clone(transport),
            since: header.planned,
            is_edited: header.edited,
            letters,
            gone,
            positions: HashMap::new(),
            settled: HashSet::new(),
            unknown: HashMap::new(),
        }
    }

    /// Waits until every one was handled, or one shows that the rest should not follow. Returns what is known at the end of
    /// the time, or when a stop is requested.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn wait(&mut self, time: Duration, stop: &Stop) -> Answer<Vec<Followed>> {
        let (start, mut pause) = (Instant::now(), PAUSES.0);
        loop {
            let looked = self.look().await;
            let left = time.saturating_sub(start.elapsed());
            let is_last = left.is_zero() || stop.drain.is_cancelled();
            match looked {
                Err(error) if error.is_transient() && !is_last => {
                    tracing::warn!(%error, "waiting for the transport");
                }
                looked => {
                    let followed = looked?;
                    if is_last || is_decided(&followed, start.elapsed() > SETTLING) {
                        return Ok(followed);
                    }
                }
            }
            tokio::select! {
                () = stop.drain.cancelled() => {}
                () = sleep(pause.min(left)) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Reads what is known now.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn look(&mut self) -> Answer<Vec<Followed>> {
        if let Ok(found) = timeout(LOOKING, self.find()).await {
            found?;
        }
        self.ask().await?;
        let again = self.died_again().await?;
        let still = self.still_dead().await?;
        let followed = self.letters.iter().map(|letter| Followed {
            id: letter.id.clone(),
            topic: letter.target.topic.clone(),
            group: letter.group.clone(),
            position: self.positions.get(&letter.id).cloned(),
            fate: self.judge(letter, &again, &still),
        });
        Ok(followed.collect())
    }

    fn judge(
        &self,
        letter: &Listed,
        again: &HashMap<DeadLetterId, DeadLetterId>,
        still: &HashSet<DeadLetterId>,
    ) -> Fate {
        let id = &letter.id;
        let unknown = |reason: &str| Fate::Unknown {
            reason: reason.to_owned(),
        };
        if let Some(dead_letter) = again.get(id) {
            return Fate::DiedAgain {
                dead_letter: dead_letter.clone(),
            };
        }
        if still.contains(id) {
            return Fate::NotReplayed;
        }
        if self.settled.contains(id) {
            return Fate::Handled;
        }
        if self.gone.contains(id) {
            return unknown("it was resolved elsewhere before the job reached it");
        }
        match (self.unknown.get(id), &letter.group) {
            (Some(reason), _) => unknown(reason),
            (None, None) => unknown("it went to another topic, whose groups are not known"),
            (None, Some(_)) => Fate::Pending,
        }
    }

    /// Finds the messages of the replays, those that are not found yet.
    async fn find(&mut self) -> Answer<()> {
        let left = self.letters.iter();
        let left = left.filter(|letter| {
            !self.positions.contains_key(&letter.id) && !self.settled.contains(&letter.id)
        });
        let mut left: HashMap<_, _> = left.map(|one| (one.id.clone(), &one.target)).collect();
        if left.is_empty() {
            return Ok(());
        }
        let targets: HashSet<_> = left.values().copied().cloned().collect();
        let targets: Vec<_> = targets.into_iter().collect();
        let store = self.transport.dead_letters();
        let mut scan = store.replays(self.since, &targets).await?;
        while !left.is_empty() {
            let traces = scan.next(PAGE).await?;
            if traces.is_empty() {
                break;
            }
            for trace in traces {
                if left.contains_key(&trace.replay_of) && trace.kind != TraceKind::Settled {
                    left.remove(&trace.replay_of);
                    self.positions.insert(trace.replay_of, trace.position);
                }
            }
        }
        Ok(())
    }

    /// Asks which of them their groups have settled.
    async fn ask(&mut self) -> Answer<()> {
        let mut groups: HashMap<&Group, Vec<Replayed>> = HashMap::new();
        for letter in &self.letters {
            let is_open = !self.settled.contains(&letter.id) && !self.gone.contains(&letter.id);
            if let (Some(group), true) = (&letter.group, is_open) {
                groups.entry(group).or_default().push(Replayed {
                    replay_of: letter.id.clone(),
                    target: letter.target.clone(),
                    since: self.since,
                    position: self.positions.get(&letter.id).cloned(),
                });
            }
        }
        let store = self.transport.dead_letters();
        self.unknown.clear();
        for (group, replays) in groups {
            let answers = store.settled(group, &replays).await?;
            for (replay, settled) in replays.into_iter().zip(answers) {
                match settled {
                    Settled::Yes => drop(self.settled.insert(replay.replay_of)),
                    Settled::No => {}
                    Settled::Unknown(reason) => {
                        self.unknown.insert(replay.replay_of, reason);
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds those that have died again, with their new dead letters.
    async fn died_again(&self) -> Answer<HashMap<DeadLetterId, DeadLetterId>> {
        let selection = Selection {
            since: self.since.checked_sub(CLOCK_SKEW),
            ..Selection::default()
        };
        let wanted: HashSet<_> = self.letters.iter().map(|letter| &letter.id).collect();
        let mut scan = self.transport.dead_letters().scan(&selection).await?;
        let mut again = HashMap::new();
        loop {
            let page = scan.next(PAGE).await?;
            if page.is_empty() {
                return Ok(again);
            }
            for letter in page {
                if let Some(earlier) = letter.record.replay_of
                    && wanted.contains(&earlier)
                {
                    again.insert(earlier, letter.id);
                }
            }
        }
    }

    /// Finds those that are still dead letters, among those whose message was not found.
    async fn still_dead(&self) -> Answer<HashSet<DeadLetterId>> {
        let ids = self.letters.iter().map(|letter| &letter.id);
        let ids = ids.filter(|id| !self.positions.contains_key(*id));
        let ids: HashSet<_> = ids.cloned().collect();
        if ids.is_empty() {
            return Ok(ids);
        }
        let archived = if self.is_edited {
            Archived::read(&*self.transport).await?
        } else {
            Archived::default()
        };
        let names = ids.iter().map(|id| DeadLetterRef(id.as_str().to_owned()));
        let selection = Selection {
            ids: names.take(PAGE).collect(),
            ..Selection::default()
        };
        let mut scan = self.transport.dead_letters().scan(&selection).await?;
        let mut still = HashSet::new();
        loop {
            let page = scan.next(PAGE).await?;
            if page.is_empty() {
                return Ok(still);
            }
            let page = page.into_iter().map(|letter| letter.id);
            still.extend(page.filter(|id| ids.contains(id) && !archived.contains(id)));
        }
    }
}
