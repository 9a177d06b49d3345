//! Errors about ids that match no dead letter, or several, with a suggestion.

use protoflow::{
    runtime::{Letters, Triage, TriageError},
    transport::Selection,
};

use crate::{
    error::{CliError, CliResult, Exit},
    values::nearest::nearest,
};

/// So many letters are searched for a name like the one that was given.
const SEARCHED: usize = 10_000;

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
pub async fn check(triage: &Triage, letters: &Letters, shown: bool) -> CliResult<()> {
    let missing = letters.missing();
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

/// Returns the id or position most like `name`. Finding none is no error of its own.
async fn near(triage: &Triage, name: &str) -> Option<String> {
    let mut letters = triage.list(Selection::default()).await.ok()?;
    let mut best: Option<String> = None;
    let mut searched = 0;
    while searched < SEARCHED {
        let page = letters.next(500).await.ok()?;
        if page.is_empty() {
            break;
        }
        searched += page.len();
        let known = page
            .iter()
            .flat_map(|letter| [letter.id.as_str(), letter.record.origin.position.as_str()]);
        if let Some(found) = nearest(name, known.chain(best.as_deref())) {
            best = Some(found.to_owned());
        }
    }
    best
}
