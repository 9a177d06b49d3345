//! Jobs by the beginning of their id.

use crate::error::{CliError, CliResult, Exit};

/// Returns the only job that was found under a name.
pub(super) fn only<T>(mut found: Vec<T>, name: &str) -> CliResult<T> {
    match (found.pop(), found.len()) {
        (None, _) => Err(unknown(name)),
        (Some(job), 0) => Ok(job),
        (Some(_), others) => {
            let text = format!("`{name}` is the beginning of {} jobs", others + 1);
            Err(CliError::message(Exit::Failed, text).hint("give more characters of the id"))
        }
    }
}

/// Returns the error of a name that no job has.
pub(super) fn unknown(name: &str) -> CliError {
    CliError::message(Exit::Failed, format!("there is no job `{name}`"))
        .hint("`pf dlq jobs list --all` shows all of them")
}
