//! Letters of a job, read in order: the next ones come while a job deals with those before.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Mutex, time::timeout};

use crate::{
    backends::nats::{
        connection::{handle::Link, kv::Written},
        dead_letter::store::{self as letter, Claimed},
        error::error,
        job::{
            journal::{self, Journal},
            letters::ack_origin::Floors,
            lifecycle::{self as jobs, Entry, Plan},
            reported::Told,
        },
        read::{
            pull::Arrived,
            stream_reader::{Begin, Reader, Scope},
        },
    },
    transport::{ErrorKind, JobLease, Result},
};

/// How long the next letter is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most bytes that are read while a job is busy.
const BYTES: usize = 4 << 20;
/// With so many bytes of messages no further letter is taken into a step.
pub(crate) const STEP_BYTES: usize = 16 << 20;

/// What is known from one step of a job to the next.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    open: Mutex<Option<Open>>,
    /// The number of the last journal whose letters were deleted.
    removed: AtomicU64,
    /// A step began, and it is not known that all was done about the letters that it dealt with.
    unfinished: AtomicBool,
    pub(crate) told: Told,
    listed: Mutex<Option<Listed>>,
    /// Up to where consumers have acknowledged.
    pub(crate) floors: Mutex<Floors>,
}

/// What a job has to deal with, as far as it was read.
#[derive(Debug)]
struct Listed {
    token: u64,
    from: u64,
    rest: Vec<Entry>,
}

/// A message that was read.
#[derive(Debug)]
enum Early {
    /// A letter, or nothing of ours.
    Read(u64, Option<Box<Claimed>>),
    /// A letter whose message stands elsewhere.
    Reference(Box<Arrived>),
}

impl Early {
    fn of(arrived: Arrived) -> Self {
        let map = arrived.headers.as_ref();
        if letter::is_reference(map) {
            return Self::Reference(Box::new(arrived));
        }
        let (subject, number) = (&arrived.subject, arrived.stream_sequence);
        let claim = letter::claim(map);
        let letter = map.and_then(|map| letter::parse(subject, map, arrived.payload, number));
        Self::Read(number, letter.map(|letter| Box::new((letter, claim))))
    }

    fn number(&self) -> u64 {
        match self {
            Self::Read(number, _) => *number,
            Self::Reference(arrived) => arrived.stream_sequence,
        }
    }
}

/// An open read.
#[derive(Debug)]
struct Open {
    token: u64,
    reader: Reader,
    /// The first number that was not passed yet.
    next: u64,
    /// What was read and belongs to later numbers.
    early: VecDeque<Early>,
}

impl Ahead {
    /// Reads the letters that stand under so many numbers from one on, and returns the number before which all of them were
    /// read.
    pub(crate) async fn span(
        &self,
        link: &Arc<Link>,
        lease: &JobLease,
        (first, span): (u64, u64),
    ) -> Result<(HashMap<u64, Claimed>, u64)> {
        let mut place = self.open.lock().await;
        let is_near = |open: &Open| {
            let gap = first.checked_sub(open.next);
            open.token == lease.token && gap.is_some_and(|gap| gap <= span)
        };
        let mut open = match place.take().filter(is_near) {
            Some(open) => open,
            None => Open::new(link, lease, first).await?,
        };
        let (mut letters, last) = (HashMap::new(), first + span - 1);
        let mut bytes = 0;
        while open.next <= last && bytes < STEP_BYTES {
            let Some(early) = open.take().await? else {
                return Ok((letters, last + 1));
            };
            let number = early.number();
            if number > last {
                open.early.push_front(early);
                open.next = last + 1;
                break;
            }
            open.next = number + 1;
            if number >= first
                && let Some((number, claimed)) = read(link, early).await?
            {
                bytes += claimed.0.message.bytes().len();
                letters.insert(number, claimed);
            }
        }
        let end = open.next;
        *place = Some(open);
        Ok((letters, end))
    }

    /// Reads the next letters, at most so many, while a job waits for something else. May be dropped.
    pub(crate) async fn look_ahead(&self, count: usize) {
        let mut place = self.open.lock().await;
        let Some(open) = place.as_mut() else {
            return;
        };
        let mut bytes = 0;
        while open.early.len() < count && bytes < BYTES {
            // Trouble shows again when somebody needs them.
            let Ok(Some(arrived)) = open.reader.next().await else {
                return;
            };
            bytes += arrived.payload.len();
            open.early.push_back(Early::of(arrived));
        }
    }

    /// Returns the next letters of a job from a place on, at most so many.
    pub(crate) async fn entries(
        &self,
        link: &Link,
        lease: &JobLease,
        plan: &Plan,
        (from, max): (u64, usize),
    ) -> Result<Vec<Entry>> {
        let mut place = self.listed.lock().await;
        let follows = |listed: &Listed| {
            listed.token == lease.token && listed.from == from && !listed.rest.is_empty()
        };
        let mut entries = match place.take().filter(follows) {
            Some(listed) => listed.rest,
            None => jobs::entries(link, &lease.job, plan, from).await?,
        };
        let rest = entries.split_off(max.min(entries.len()));
        *place = Some(Listed {
            token: lease.token,
            from: from + entries.len() as u64,
            rest,
        });
        Ok(entries)
    }

    /// Takes letters back that were returned as the next ones and were not dealt with.
    pub(crate) async fn give_back(&self, entries: &[Entry]) {
        if let Some(listed) = &mut *self.listed.lock().await {
            listed.from -= entries.len() as u64;
            listed.rest.splice(..0, entries.iter().cloned());
        }
    }

    /// Notes that a step begins.
    pub(crate) fn begin(&self) {
        self.unfinished.store(true, Ordering::Relaxed);
    }

    /// Notes that all was done that the step has to do.
    pub(crate) fn finish(&self) {
        self.unfinished.store(false, Ordering::Relaxed);
    }

    /// Reports whether the last step is finished.
    pub(crate) fn is_finished(&self) -> bool {
        !self.unfinished.load(Ordering::Relaxed)
    }

    /// Forgets what a journal wants deleted if it was deleted since, and finishes what the last step did not.
    pub(crate) async fn check(&self, link: &Link, journal: &mut Written<Journal>) -> Result<()> {
        if journal.number == self.removed.load(Ordering::Relaxed) {
            journal.value.remove.clear();
        }
        if !self.is_finished() {
            journal::finish(link, &journal.value.remove).await?;
            self.note_removed(journal);
            self.finish();
        }
        Ok(())
    }

    /// Notes that what a journal wants deleted was deleted.
    pub(crate) fn note_removed(&self, journal: &mut Written<Journal>) {
        self.told.note_removed(&journal.value.remove);
        journal.value.remove.clear();
        self.removed.store(journal.number, Ordering::Relaxed);
    }

    /// Reads no further.
    pub(crate) async fn end(&self) {
        self.open.lock().await.take();
    }
}

impl Open {
    async fn new(link: &Arc<Link>, lease: &JobLease, first: u64) -> Result<Self> {
        // To count what one filter lets through, the server would look at the subject of every letter.
        let scope = Scope::once(link.names.letters(), Vec::new(), Begin::At(first));
        Ok(Self {
            token: lease.token,
            reader: Reader::open(link, scope).await?,
            next: first,
            early: VecDeque::new(),
        })
    }

    /// Takes what comes next; none is the end.
    async fn take(&mut self) -> Result<Option<Early>> {
        if let Some(early) = self.early.pop_front() {
            return Ok(Some(early));
        }
        // Whoever works under a lease has to hear of a server that is gone.
        let arrived = timeout(PATIENCE, self.reader.next()).await;
        let arrived =
            arrived.map_err(|_| error(ErrorKind::Unavailable, "the server did not answer"))??;
        Ok(arrived.map(Early::of))
    }
}

async fn read(link: &Link, early: Early) -> Result<Option<(u64, Claimed)>> {
    let arrived = match early {
        Early::Read(number, claimed) => return Ok(claimed.map(|claimed| (number, *claimed))),
        Early::Reference(arrived) => *arrived,
    };
    let (subject, map) = (&arrived.subject, arrived.headers.as_ref());
    let (claim, number) = (letter::claim(map), arrived.stream_sequence);
    let letter = letter::read(link, subject, map, arrived.payload, number).await?;
    Ok(letter.map(|letter| (number, (letter, claim))))
}
