//! Dealing with the letters of a job: each leaves the dead letters in the same step in which its message is
//! stored again.

use std::{sync::Arc, time::SystemTime};

use super::{job::fenced, state::State};
use crate::transport::{DeadLetter, JobAction, JobLease, LetterId, Resolution, Result};

/// Deals with the next letters of a job.
pub(super) fn advance(
    state: &mut State,
    lease: &JobLease,
    max: usize,
    now: SystemTime,
) -> Result<Vec<(LetterId, Resolution)>> {
    let job = fenced(state, lease, now)?;
    let action = job.action.clone();
    let left = job.letters.iter().skip(job.resolved);
    let letters: Vec<_> = left.take(max).cloned().collect();
    job.resolved += letters.len();
    Ok(letters
        .into_iter()
        .map(|id| {
            let resolution = resolve(state, &action, &id, now);
            (id, resolution)
        })
        .collect())
}

fn resolve(state: &mut State, action: &JobAction, id: &LetterId, now: SystemTime) -> Resolution {
    let Some(letter) = state.take_letter(id) else {
        return Resolution::Gone;
    };
    if let JobAction::Replay { to } = action {
        let lineage = Box::new(letter.lineage());
        let DeadLetter {
            mut message,
            record,
            ..
        } = Arc::unwrap_or_clone(letter);
        match to {
            Some(topic) => {
                message.topic = topic.clone();
                state.append(message, now, Some(lineage));
            }
            None => state.append_for(&record.group, message, now, lineage),
        }
    }
    Resolution::Done
}
