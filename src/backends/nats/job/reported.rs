//! What whoever works on a job is told of its letters, also of those whose answer got lost.

use std::{collections::HashSet, sync::MutexGuard};

use crate::{
    backends::nats::{
        connection::{handle::Link, kv::Written},
        dead_letter::store as letter,
        job::{
            journal::{Journal, Place},
            lifecycle::{self as jobs, Entry, Plan},
        },
    },
    lock::Mutex,
    transport::{JobLease, LetterId, Resolution, Result},
};

/// What became of letters.
pub(crate) type Outcomes = Vec<(LetterId, Resolution)>;

/// What was told under a lease.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Account>);

#[derive(Debug, Default)]
struct Account {
    token: u64,
    /// Of so many letters was told; those that earlier ones dealt with count.
    count: u64,
    /// Letters that were deleted, of which nothing was told yet.
    removed: HashSet<u64>,
}

impl Told {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock()
    }

    /// Begins a step under a lease, where so many letters are told of.
    pub(crate) fn begin(&self, lease: &JobLease, count: u64) {
        *self.account() = Account {
            token: lease.token,
            count,
            removed: HashSet::new(),
        };
    }

    /// Notes that so many letters are told of.
    pub(crate) fn tell(&self, count: u64) {
        self.account().count = count;
    }

    /// Notes that letters are deleted.
    pub(crate) fn note_removed(&self, numbers: &[u64]) {
        self.account().removed.extend(numbers);
    }

    /// Returns of how many letters was told, and what became of those behind them that a step dealt with before it was
    /// broken off, or its answer got lost; at most so many.
    pub(crate) async fn missed(
        &self,
        link: &Link,
        (lease, plan): (&JobLease, &Plan),
        (journal, place, max): (&Written<Journal>, Place, usize),
    ) -> Result<(u64, Outcomes)> {
        let resolved = journal.value.resolved;
        let (told, mut removed) = {
            let account = self.account();
            if account.token != lease.token {
                return Ok((resolved, Vec::new()));
            }
            (account.count, account.removed.clone())
        };
        let left = usize::try_from(resolved.saturating_sub(told)).unwrap_or(max);
        if left == 0 {
            return Ok((told, Vec::new()));
        }
        removed.extend(&journal.value.remove);
        let entries = jobs::entries(link, &lease.job, plan, told).await?;
        let mut outcomes = Outcomes::new();
        for Entry(id, number) in entries.into_iter().take(left.min(max)) {
            let outcome = if removed.contains(&number) {
                Resolution::Done
            } else if is_there(link, &id, number).await? {
                as_it_is(place == Place::Beside || plan.doubt.holds(&id))
            } else {
                Resolution::Gone
            };
            outcomes.push((id, outcome));
        }
        Ok((told, outcomes))
    }
}

async fn is_there(link: &Link, id: &LetterId, number: u64) -> Result<bool> {
    if number == 0 {
        return Ok(false);
    }
    let found = letter::fetch(link, number).await?;
    Ok(found.is_some_and(|(letter, _)| letter.id == *id))
}

/// Returns what became of a letter that was left as it is, which it is where it was refused.
fn as_it_is(may_be_published: bool) -> Resolution {
    if may_be_published {
        Resolution::Ambiguous {
            reason: "whether it was published was not heard".to_owned(),
        }
    } else {
        Resolution::Failed {
            reason: "why it was refused was not heard".to_owned(),
        }
    }
}
