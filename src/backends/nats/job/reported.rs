//! The outcomes of dead letters that an earlier step resolved without returning them, because it was cancelled or failed.

use crate::{
    backends::nats::{
        connection::{handle::Connection, kv::Versioned},
        dead_letter::decode,
        job::{
            entry::JobEntry,
            journal::{Journal, JournalStream},
            plan,
            session::Step,
            step_state::Account,
        },
    },
    transport::{DeadLetterId, Resolution, Result},
};

/// Outcomes of dead letters.
pub(crate) type Outcomes = Vec<(DeadLetterId, Resolution)>;

/// Returns at most `max` outcomes of dead letters that the journal counts and that were not returned.
pub(crate) async fn unreported(
    connection: &Connection,
    step: Step<'_>,
    account: &Account,
    journal: &Versioned<Journal>,
    stream: JournalStream,
    max: usize,
) -> Result<Outcomes> {
    let missing = journal.value.resolved.saturating_sub(account.returned);
    let missing = usize::try_from(missing).unwrap_or(max);
    if missing == 0 {
        return Ok(Outcomes::new());
    }
    let is_deleted = |sequence: &u64| {
        account.deleted.contains(sequence) || journal.value.remove.contains(sequence)
    };
    let (job, plan) = (&step.lease.job, step.plan);
    let entries = plan::entries(connection, job, plan, account.returned).await?;
    let mut outcomes = Outcomes::new();
    for entry in entries.into_iter().take(missing.min(max)) {
        let outcome = if is_deleted(&entry.place) {
            Resolution::Done
        } else if exists(connection, &entry).await? {
            unresolved(stream == JournalStream::State || plan.in_doubt.contains(&entry.id))
        } else {
            Resolution::Gone
        };
        outcomes.push((entry.id, outcome));
    }
    Ok(outcomes)
}

async fn exists(connection: &Connection, entry: &JobEntry) -> Result<bool> {
    if entry.place == 0 {
        return Ok(false);
    }
    let found = decode::fetch(connection, entry.place).await?;
    Ok(found.is_some_and(|found| found.letter.id == entry.id))
}

/// Returns the outcome of a dead letter that still exists. It was refused, unless it may have been published.
fn unresolved(may_be_published: bool) -> Resolution {
    if may_be_published {
        Resolution::Ambiguous {
            reason: "the step that published it was interrupted".to_owned(),
        }
    } else {
        Resolution::Failed {
            reason: "it was refused by a step that was interrupted before it returned the reason"
                .to_owned(),
        }
    }
}
