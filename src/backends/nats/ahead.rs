//! Letters of a job, read in order: the next ones come while a job deals with those before.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Mutex, time::timeout};

use super::{
    connection::Link,
    error,
    journal::Journal,
    letter::{self, Claimed},
    pull::Arrived,
    reader::{Begin, Reader, Scope},
    side::Written,
};
use crate::transport::{ErrorKind, JobLease, Result};

/// How long the next letter is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is known from one step of a job to the next.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    open: Mutex<Option<Open>>,
    /// The number of the last journal whose letters were deleted.
    removed: AtomicU64,
}

/// An open read.
#[derive(Debug)]
struct Open {
    token: u64,
    reader: Reader,
    /// The first number that was not passed yet.
    next: u64,
    /// What was read and belongs to later numbers.
    early: Option<Arrived>,
}

impl Ahead {
    /// Reads the letters that stand under so many numbers from one on.
    pub(super) async fn span(
        &self,
        link: &Arc<Link>,
        lease: &JobLease,
        (first, span): (u64, u64),
    ) -> Result<HashMap<u64, Claimed>> {
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
        while open.next <= last {
            let Some(arrived) = open.take().await? else {
                return Ok(letters);
            };
            let number = arrived.stream_sequence;
            if number > last {
                open.early = Some(arrived);
                break;
            }
            open.next = number + 1;
            if number >= first {
                letters.extend(read(link, arrived).await?);
            }
        }
        *place = Some(open);
        Ok(letters)
    }

    /// Forgets what a journal wants deleted if it was deleted since.
    pub(super) fn check(&self, journal: &mut Written<Journal>) {
        if journal.number == self.removed.load(Ordering::Relaxed) {
            journal.value.remove.clear();
        }
    }

    /// Notes that what a journal wants deleted was deleted.
    pub(super) fn note_removed(&self, journal: &mut Written<Journal>) {
        journal.value.remove.clear();
        self.removed.store(journal.number, Ordering::Relaxed);
    }

    /// Reads no further.
    pub(super) async fn end(&self) {
        self.open.lock().await.take();
    }
}

impl Open {
    async fn new(link: &Arc<Link>, lease: &JobLease, first: u64) -> Result<Self> {
        let scope = Scope {
            stream: link.names.letters(),
            // To count what one filter lets through, the server would look at the subject of every letter.
            filters: Vec::new(),
            begin: Begin::At(first),
            until_end: true,
            patient: false,
        };
        Ok(Self {
            token: lease.token,
            reader: Reader::open(link, scope).await?,
            next: first,
            early: None,
        })
    }

    /// Takes what comes next; none is the end.
    async fn take(&mut self) -> Result<Option<Arrived>> {
        if let Some(early) = self.early.take() {
            return Ok(Some(early));
        }
        // Whoever works under a lease has to hear of a server that is gone.
        let arrived = timeout(PATIENCE, self.reader.next()).await;
        arrived.map_err(|_| error(ErrorKind::Unavailable, "the server did not answer"))?
    }
}

async fn read(link: &Link, arrived: Arrived) -> Result<Option<(u64, Claimed)>> {
    let (subject, map) = (&arrived.subject, arrived.headers.as_ref());
    let (claim, number) = (letter::claim(map), arrived.stream_sequence);
    let letter = letter::read(link, subject, map, arrived.payload, number).await?;
    Ok(letter.map(|letter| (number, (letter, claim))))
}
