//! Dead letters that are back while their replay still runs: a sign that the cause is not fixed.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use crate::transport::{DeadLetterId, DeadLetters, Resolution, Result as Answer, Selection};

/// How often the new dead letters are read.
const EVERY: Duration = Duration::from_secs(1);

/// With fewer replayed dead letters a share says nothing.
const FEWEST: usize = 10;

/// Dead letters per page.
const PAGE: usize = 500;

/// Counts the dead letters of this replay that died again.
#[derive(Debug)]
pub(super) struct Refail {
    share: f64,
    since: SystemTime,
    replayed: HashSet<DeadLetterId>,
    again: HashSet<DeadLetterId>,
    next: Instant,
}

impl Refail {
    /// Starts to count: more than this share is too much.
    pub(super) fn new(share: f64) -> Self {
        Self {
            share,
            since: SystemTime::now(),
            replayed: HashSet::new(),
            again: HashSet::new(),
            next: Instant::now() + EVERY,
        }
    }

    /// Adds what was replayed.
    pub(super) fn add(&mut self, resolved: &[(DeadLetterId, Resolution)]) {
        let done = resolved.iter().filter(|(_, how)| *how == Resolution::Done);
        self.replayed.extend(done.map(|(id, _)| id.clone()));
    }

    /// Returns how many died again.
    pub(super) fn count(&self) -> u64 {
        self.again.len() as u64
    }

    /// Reads the new dead letters, once a second; reports whether too many of the replayed ones are among them.
    pub(super) async fn look(&mut self, letters: &dyn DeadLetters) -> Answer<bool> {
        if Instant::now() < self.next {
            return Ok(false);
        }
        let since = Selection {
            since: Some(self.since),
            ..Selection::default()
        };
        let mut scan = letters.scan(&since).await?;
        loop {
            let page = scan.next(PAGE).await?;
            if page.is_empty() {
                break;
            }
            let earlier = page
                .into_iter()
                .filter_map(|letter| letter.record.replay_of);
            let replayed = &self.replayed;
            self.again
                .extend(earlier.filter(|id| replayed.contains(id)));
        }
        self.next = Instant::now() + EVERY;
        Ok(self.is_too_much())
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
    fn is_too_much(&self) -> bool {
        let (again, replayed) = (self.again.len(), self.replayed.len());
        replayed >= FEWEST && again as f64 > replayed as f64 * self.share
    }
}
