//! Errors about ids that match no dead letter, or several, with a suggestion.

use protoflow::{
    runtime::{DeadLetterListing, Triage, TriageError},
    transport::Selection,
};

use crate::{
    error::{CliError, CliResult, Exit},
    values::nearest::nearest_in_pages,
};

/// Dead letters per page.
const PAGE: usize = 500;

/// Adds a suggestion to an error about an unknown id.
pub async fn explain(triage: &Triage, error: TriageError) -> CliError {
    let TriageError::Unknown(name) = &error else {
        return error.into();
    };
    let hint = match near(triage, name).await {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`pf dlq list` shows all of them".to_owned(),
    };
    CliError::from(error).hint(hint)
}

/// Fails if some of the given ids match nothing, after the others were shown.
pub async fn check(triage: &Triage, letters: &DeadLetterListing, shown: bool) -> CliResult<()> {
    check_missing(triage, &letters.missing(), shown).await
}

/// Fails if some ids match nothing.
pub async fn check_missing(triage: &Triage, missing: &[&str], shown: bool) -> CliResult<()> {
    let Some(name) = missing.first() else {
        return Ok(());
    };
    let error = explain(triage, TriageError::Unknown((*name).to_owned())).await;
    let error = match missing.len() - 1 {
        0 => error,
        more => error.hint(format!("{more} more of the given ids match nothing")),
    };
    Err(if shown {
        error.ending(Exit::Partly)
    } else {
        error
    })
}

/// Returns the id or position that is most similar to `name`; `None` if none is, or the store does not answer.
async fn near(triage: &Triage, name: &str) -> Option<String> {
    let mut letters = triage.list(Selection::default()).await.ok()?;
    nearest_in_pages(name, async || {
        let page = letters.next(PAGE).await.ok()?;
        let names = page.iter().flat_map(|letter| {
            [
                letter.id.to_string(),
                letter.record.origin.position.to_string(),
            ]
        });
        (!page.is_empty()).then(|| names.collect())
    })
    .await
}
