//! Environment variables of `pf`.

use std::env;

use crate::error::{CliError, CliResult};

/// Returns an environment variable that is set and not empty.
pub fn variable(name: &str) -> CliResult<Option<String>> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(CliError::configuration(format!("{name} is not UTF-8"))
                .hint("its value must be UTF-8 text, also in paths"))
        }
    }
}
