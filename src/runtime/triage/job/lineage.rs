//! Lineage: what a dead letter was before, what was done to it, and how it ended.
//!
//! A dead letter that is replayed leaves the store. What is left of it is the list of its job, which names the dead letter
//! that it would become; a dead letter that died again names the one before it. Edits are noted with both ids.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use serde::Serialize;

use super::fate::{Fate, Followed, Follower};
use crate::{
    runtime::triage::notes::{
        Archived, Header, Listed, PendingEdit, load_manifest, manifest_headers, read_log,
    },
    transport::{
        DeadLetter, DeadLetterId, DeadLetterRef, ErrorKind, JobId, Result as Answer, Selection,
        Transport,
    },
};

/// The most replayed dead letters that are looked through, those of the last jobs first.
const MOST: usize = 200_000;

/// The most steps of a lineage.
const STEPS: usize = 50;

/// Dead letters per page.
const PAGE: usize = 500;

/// A step of a lineage: what was done to a dead letter, or that it is one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum LineageStep {
    /// It is a dead letter now.
    DeadLetter {
        /// Its id.
        id: DeadLetterId,
        /// When it was dead-lettered.
        #[serde(with = "crate::transport::stamp")]
        time: SystemTime,
    },
    /// It was edited: another dead letter took its place, and it was archived.
    Edited {
        /// Its id.
        id: DeadLetterId,
        /// The edited dead letter.
        into: DeadLetterId,
        /// When.
        #[serde(with = "crate::transport::stamp")]
        time: SystemTime,
    },
    /// It was replayed.
    Replayed {
        /// The job.
        job: JobId,
        /// When the job was planned.
        #[serde(with = "crate::transport::stamp")]
        time: SystemTime,
        /// Whether the job edited it: what is stored is another event, and the original is archived.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        edited: bool,
        /// Where to, and its fate.
        #[serde(flatten)]
        followed: Followed,
    },
    /// It was replayed by a job whose list is no longer kept, and died again.
    ReplayedEarlier {
        /// Its id.
        id: DeadLetterId,
        /// The dead letter that it became.
        dead_letter: DeadLetterId,
    },
}

/// The replays and edits that a store remembers.
#[derive(Debug)]
pub struct Lineages {
    transport: Arc<dyn Transport>,
    headers: Vec<Header>,
    /// The last replay of each dead letter, with the number of its header.
    replayed: HashMap<DeadLetterId, (usize, Listed)>,
    /// The dead letter before one that died again.
    before: HashMap<DeadLetterId, DeadLetterId>,
    edited: HashMap<DeadLetterId, (DeadLetterId, SystemTime)>,
    originals: HashMap<DeadLetterId, DeadLetterId>,
    archived: Archived,
    /// When dead letters were purged last.
    purged: Option<SystemTime>,
    is_cut: bool,
}

impl Lineages {
    /// Reads them.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn read(transport: &Arc<dyn Transport>) -> Answer<Self> {
        let transport = Arc::clone(transport);
        let mut lineages = Self {
            headers: manifest_headers(&*transport).await?,
            replayed: HashMap::new(),
            before: HashMap::new(),
            edited: HashMap::new(),
            originals: HashMap::new(),
            archived: Archived::read(&*transport).await?,
            purged: None,
            is_cut: false,
            transport,
        };
        lineages.read_replays().await?;
        for edit in PendingEdit::kept(&*lineages.transport).await? {
            for (original, new) in edit.pairs {
                let done = (new.clone(), edit.started);
                lineages.originals.insert(new, original.clone());
                lineages.edited.insert(original, done);
            }
        }
        let log = read_log(&*lineages.transport).await?.into_iter();
        let purges = log.filter(|entry| entry.action == "purge");
        lineages.purged = purges.map(|entry| entry.time).max();
        Ok(lineages)
    }

    async fn read_replays(&mut self) -> Answer<()> {
        for (number, header) in self.headers.iter().enumerate().rev() {
            if self.replayed.len() as u64 + header.letters.unwrap_or(0) > MOST as u64 {
                self.is_cut = true;
                continue;
            }
            let manifest = match load_manifest(&*self.transport, header).await {
                // Its plan was interrupted, or it is being removed.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                manifest => manifest?,
            };
            let gone: HashSet<_> = manifest.gone.into_iter().collect();
            for listed in manifest.letters {
                if gone.contains(&listed.id) || self.replayed.contains_key(&listed.id) {
                    continue;
                }
                if let Some(next) = &listed.next {
                    self.before.insert(next.clone(), listed.id.clone());
                }
                self.replayed.insert(listed.id.clone(), (number, listed));
            }
        }
        Ok(())
    }

    /// Reports whether some replays were left out, because there are too many.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns the dead letters of this name that were replayed or edited.
    #[must_use]
    pub fn find(&self, name: &str) -> Vec<&DeadLetterId> {
        let known = self.replayed.keys().chain(self.edited.keys());
        let mut found: Vec<_> = known.filter(|id| id.as_str().starts_with(name)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the lineage of a dead letter that is in the store.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn of_letter(&self, letter: &DeadLetter) -> Answer<Vec<LineageStep>> {
        let record = &letter.record;
        let before = match (&record.edit_of, &record.replay_of) {
            (Some(original), _) => Some((original, true)),
            (None, earlier) => earlier.as_ref().map(|earlier| (earlier, false)),
        };
        let Some((before, is_edit)) = before else {
            return self.from(letter.id.clone()).await;
        };
        let mut steps = self.from(self.first(before.clone())).await?;
        let is_known = self.replayed.contains_key(before) || self.edited.contains_key(before);
        if !is_known {
            let (id, dead_letter) = (before.clone(), letter.id.clone());
            steps.push(if is_edit {
                let (into, time) = (dead_letter, record.dead_lettered_at);
                LineageStep::Edited { id, into, time }
            } else {
                LineageStep::ReplayedEarlier { id, dead_letter }
            });
            steps.extend(self.from(letter.id.clone()).await?);
        }
        Ok(steps)
    }

    /// Returns the lineage of a dead letter that was replayed or edited.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn of_id(&self, id: &DeadLetterId) -> Answer<Vec<LineageStep>> {
        self.from(self.first(id.clone())).await
    }

    /// Returns the first dead letter of the lineage.
    fn first(&self, mut id: DeadLetterId) -> DeadLetterId {
        for _ in 0..STEPS {
            let before = self.originals.get(&id).or_else(|| self.before.get(&id));
            match before {
                Some(before) => id = before.clone(),
                None => break,
            }
        }
        id
    }

    /// Returns the steps from a dead letter on.
    async fn from(&self, id: DeadLetterId) -> Answer<Vec<LineageStep>> {
        let mut steps = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next.take()
            && steps.len() < STEPS
        {
            let replay = self.replayed.get(&id);
            if let Some((into, time)) = self.edited.get(&id) {
                let (into, time) = (into.clone(), *time);
                next = Some(into.clone());
                steps.push(LineageStep::Edited { id, into, time });
            } else if let Some(time) = self.still_dead_since(&id).await? {
                steps.push(LineageStep::DeadLetter { id, time });
            } else if let Some((number, listed)) = replay {
                let header = &self.headers[*number];
                let followed = self.follow(header, listed).await?;
                if let Fate::DiedAgain { dead_letter } = &followed.fate {
                    next = Some(dead_letter.clone());
                }
                steps.push(LineageStep::Replayed {
                    job: header.job.clone(),
                    time: header.planned,
                    edited: header.edited,
                    followed,
                });
            }
        }
        Ok(steps)
    }

    /// Returns when it was dead-lettered, if it is in the store and not as the original of an edited replay.
    async fn still_dead_since(&self, id: &DeadLetterId) -> Answer<Option<SystemTime>> {
        let replay = self.replayed.get(id);
        let is_edited = replay.is_some_and(|(number, _)| self.headers[*number].edited);
        if is_edited && self.archived.contains(id) {
            return Ok(None);
        }
        self.dead_since(id).await
    }

    /// Returns when it was dead-lettered, if it is in the store.
    async fn dead_since(&self, id: &DeadLetterId) -> Answer<Option<SystemTime>> {
        let selection = Selection {
            ids: vec![DeadLetterRef(id.as_str().to_owned())],
            ..Selection::default()
        };
        let mut scan = self.transport.dead_letters().scan(&selection).await?;
        loop {
            let page = scan.next(PAGE).await?;
            if page.is_empty() {
                return Ok(None);
            }
            if let Some(letter) = page.into_iter().find(|letter| letter.id == *id) {
                return Ok(Some(letter.record.dead_lettered_at));
            }
        }
    }

    /// Returns the fate of a replayed dead letter.
    async fn follow(&self, header: &Header, listed: &Listed) -> Answer<Followed> {
        let followed = Followed {
            id: listed.id.clone(),
            topic: listed.target.topic.clone(),
            group: listed.group.clone(),
            position: None,
            fate: Fate::Pending,
        };
        // What it became was replayed or edited in turn.
        if let Some(next) = &listed.next
            && (self.replayed.contains_key(next) || self.edited.contains_key(next))
        {
            let dead_letter = next.clone();
            let fate = Fate::DiedAgain { dead_letter };
            return Ok(Followed { fate, ..followed });
        }
        let letters = vec![listed.clone()];
        let transport = &self.transport;
        let mut look = Follower::new(transport, header, letters, HashSet::new());
        let found = look.look().await?.pop();
        let mut followed = found.unwrap_or(followed);
        let is_purged = self.purged.is_some_and(|time| time > header.planned);
        if followed.fate == Fate::Handled && is_purged {
            let reason = "its group has settled it; it may have died again and been purged since";
            followed.fate = Fate::Unknown {
                reason: reason.to_owned(),
            };
        }
        Ok(followed)
    }
}
