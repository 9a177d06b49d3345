//! Plans that are kept until they are applied or cancelled, with their hashes. One whose file was never completed is not
//! kept: it is dropped as any plan that was not confirmed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{name, parse, put, read, remove};
use crate::transport::{ErrorKind, JobId, Result as Answer, Transport, TransportError};

const PLANS: &str = "plan";

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    job: JobId,
    hash: String,
    /// Whether its dead letters are edited before they are replayed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    edit: bool,
    /// Whether its file may not be complete: it is not kept yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    draft: bool,
}

/// Notes the plan of a job, which is kept once it is confirmed.
pub(in crate::runtime::triage) async fn draft(
    transport: &dyn Transport,
    job: &JobId,
    hash: &str,
    edit: bool,
) -> Answer<()> {
    let kept = Kept {
        job: job.clone(),
        hash: hash.to_owned(),
        edit,
        draft: true,
    };
    put(transport, &name(PLANS).child(&job.0), &kept).await
}

/// Keeps the plan of a job from now on.
pub(in crate::runtime::triage) async fn confirm(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    let note = name(PLANS).child(&job.0);
    for (name, kept) in read::<Kept>(transport, &note).await? {
        let kept = Kept {
            draft: false,
            ..kept
        };
        put(transport, &name, &kept).await?;
    }
    Ok(())
}

/// The hashes of the plans that are kept, by job.
#[derive(Debug, Default)]
pub(in crate::runtime::triage) struct KeptPlans {
    pub(in crate::runtime::triage) hashes: HashMap<JobId, String>,
    /// Whether a note cannot be read: then any other plan may be kept too.
    pub(in crate::runtime::triage) others: bool,
}

/// Returns the plans that are kept. A note that cannot be read does not hide the others.
pub(in crate::runtime::triage) async fn kept(transport: &dyn Transport) -> Answer<KeptPlans> {
    let notes = transport.dead_letters().notes(&name(PLANS)).await?;
    let mut plans = KeptPlans::default();
    for note in notes {
        match parse::<Kept>(transport.scheme(), note) {
            Ok((_, kept)) if kept.draft => {}
            Ok((_, kept)) => drop(plans.hashes.insert(kept.job, kept.hash)),
            Err(error) => {
                tracing::warn!(%error, "a plan that may be kept is not known");
                plans.others = true;
            }
        }
    }
    Ok(plans)
}

/// Returns the hash of the plan of a job, which need not be kept yet: its file may be complete all the same.
pub(in crate::runtime::triage) async fn hash_of(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<Option<String>> {
    let kept = read::<Kept>(transport, &name(PLANS).child(&job.0)).await?;
    let mut kept = kept.into_iter().map(|(_, kept)| kept);
    Ok(kept.find(|kept| kept.job == *job).map(|kept| kept.hash))
}

/// Fails if the plan of a job edits its dead letters, so that the job alone would replay them as they are.
pub(in crate::runtime::triage) async fn check_unedited(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    let kept = read::<Kept>(transport, &name(PLANS).child(&job.0)).await?;
    if kept.iter().all(|(_, kept)| !kept.edit) {
        return Ok(());
    }
    let message = "the plan edits its dead letters before they are replayed";
    let error = TransportError::new(transport.scheme(), ErrorKind::Invalid, message);
    Err(error.hint("run it with `pf dlq apply FILE`"))
}

/// Forgets that a plan was kept.
pub(in crate::runtime::triage) async fn release(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    remove(transport, &name(PLANS).child(&job.0)).await
}
