//! `--log`: what is logged to stderr, and a filter that can mean nothing is refused.

use tracing_subscriber::EnvFilter;

use crate::{
    error::{CliError, CliResult},
    output::ColorChoice,
    values::nearest::nearest,
};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Writes a log to stderr from here on, if there is a filter.
///
/// # Errors
/// If the filter cannot be meant so.
pub fn start(filter: &str, color: ColorChoice) -> CliResult<()> {
    if filter.is_empty() {
        return Ok(());
    }
    let filter = parse(filter)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(color.applies_to(&std::io::stderr()))
        .init();
    Ok(())
}

fn parse(text: &str) -> CliResult<EnvFilter> {
    let unknown = text.split(',').map(str::trim).find(|part| !is_clear(part));
    let hint = match unknown {
        None => "write a level, or levels of modules, as in `debug` or `protoflow=trace,info`"
            .to_owned(),
        Some(word) => match nearest(word, LEVELS.into_iter()) {
            Some(level) => format!("did you mean `{level}`?"),
            None => format!("`{word}` is no level; levels are {}", LEVELS.join(", ")),
        },
    };
    let filter = EnvFilter::builder().parse(text).ok();
    filter
        .filter(|_| unknown.is_none())
        .ok_or_else(|| CliError::usage(format!("`--log {text}` is no filter")).hint(hint))
}

/// Reports whether a part is a level or names what it is for: a lone word that is neither would be taken for a module
/// that nobody knows, and nothing would be logged.
fn is_clear(part: &str) -> bool {
    let is_level = |level: &str| level.eq_ignore_ascii_case(part);
    part.contains(['=', '[', ':']) || LEVELS.into_iter().any(is_level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_logs_nothing_is_refused() {
        for filter in ["debug", "WARN", "protoflow=trace,info", "off", "a::b=debug"] {
            assert!(parse(filter).is_ok(), "{filter}");
        }
        for filter in [
            "debgu",
            "nonsense",
            "debug,",
            "protoflow=loud",
            "=",
            "a=b=c",
        ] {
            assert!(parse(filter).is_err(), "{filter}");
        }
    }
}
