//! Plans that are kept until they are applied or cancelled, with their hashes.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{name, put, read, remove};
use crate::transport::{JobId, Result as Answer, Transport};

const PLANS: &str = "plan";

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    job: JobId,
    hash: String,
}

/// Keeps the plan of a job.
pub(in crate::runtime::triage) async fn keep(
    transport: &dyn Transport,
    job: &JobId,
    hash: &str,
) -> Answer<()> {
    let kept = Kept {
        job: job.clone(),
        hash: hash.to_owned(),
    };
    put(transport, &name(PLANS).child(&job.0), &kept).await
}

/// Returns the hashes of the plans that are kept, by job.
pub(in crate::runtime::triage) async fn kept(
    transport: &dyn Transport,
) -> Answer<HashMap<JobId, String>> {
    let kept = read::<Kept>(transport, &name(PLANS)).await?.into_iter();
    Ok(kept.map(|(_, kept)| (kept.job, kept.hash)).collect())
}

/// Forgets that a plan was kept.
pub(in crate::runtime::triage) async fn release(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    remove(transport, &name(PLANS).child(&job.0)).await
}
