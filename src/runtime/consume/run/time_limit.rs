//! The time limit of a run.

use std::{future::Future, time::Duration};

use crate::runtime::{Outcome, Run, describe_failure};

/// Time that a handler has to end after its run was aborted.
pub(in crate::runtime::consume) const ABORT_GRACE: Duration = Duration::from_secs(1);

/// Aborts a run that takes too long, and counts it as failed.
pub(super) async fn within(
    limit: Duration,
    run: &Run,
    handling: impl Future<Output = Outcome>,
) -> Outcome {
    tokio::pin!(handling);
    let mut left = limit;
    while !left.is_zero() {
        if let Ok(outcome) = tokio::time::timeout(left, handling.as_mut()).await {
            return outcome;
        }
        let begun = run.start.at();
        left = begun.map_or(limit, |at| limit.saturating_sub(at.elapsed()));
    }
    run.abort.cancel();
    let last_words = tokio::time::timeout(ABORT_GRACE, handling).await;
    let detail = match last_words {
        Ok(Outcome::Retry(_, failure) | Outcome::DeadLetter(failure)) => failure.detail,
        _ => None,
    };
    let message = format!("took longer than {}", humantime::format_duration(limit));
    Outcome::Retry(
        None,
        describe_failure("timeout", &message, detail.as_deref()),
    )
}
