//! The log of `--log` on stderr, and the spans that are sent. A filter that would log nothing is refused.

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt as _, registry::LookupSpan, util::SubscriberInitExt as _,
};

#[cfg(feature = "otel")]
use crate::traces;

use crate::{
    error::{CliError, CliResult},
    output::ColorChoice,
    stdio::Stderr,
    values::nearest::nearest,
};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts to write a log to stderr, unless the filter is empty, and to send spans, if that is configured.
///
/// # Errors
/// If the filter is not valid.
pub fn start(filter: &str, color: ColorChoice) -> CliResult<()> {
    let filter = (!filter.is_empty()).then(|| parse(filter)).transpose()?;
    #[cfg(feature = "otel")]
    if let Some(spans) = traces::layer()? {
        let log = filter.map(|filter| lines(filter, color));
        tracing_subscriber::registry().with(spans).with(log).init();
        return Ok(());
    }
    if let Some(filter) = filter {
        let log = lines(filter, color);
        tracing_subscriber::registry().with(log).init();
    }
    Ok(())
}

/// Returns what writes lines to stderr.
fn lines<S>(filter: EnvFilter, color: ColorChoice) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_writer(|| Stderr)
        .with_ansi(color.applies_to(&std::io::stderr()))
        .with_filter(filter)
}

/// Sends what is left of the spans.
pub fn finish() {
    #[cfg(feature = "otel")]
    traces::finish();
}

fn parse(text: &str) -> CliResult<EnvFilter> {
    let unknown = text
        .split(',')
        .map(str::trim)
        .find(|part| !is_meaningful(part));
    let hint = match unknown {
        None => "use a level, or levels of modules, such as `debug` or `protoflow=trace,info`"
            .to_owned(),
        Some(word) => match nearest(word, LEVELS.into_iter()) {
            Some(level) => format!("did you mean `{level}`?"),
            None => format!(
                "`{word}` is not a valid level; valid levels: {}",
                LEVELS.join(", ")
            ),
        },
    };
    let filter = EnvFilter::builder().parse(text).ok();
    filter
        .filter(|_| unknown.is_none())
        .ok_or_else(|| CliError::usage(format!("`--log {text}` is not a valid filter")).hint(hint))
}

/// Reports whether a part is a level or has a target. Any other word would be taken for the name of an unknown module, and
/// nothing would be logged.
fn is_meaningful(part: &str) -> bool {
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
