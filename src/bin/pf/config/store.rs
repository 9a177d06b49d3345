//! URLs of stores, and file paths in them.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use protoflow::backends::{UrlError, parse_url};
use url::Url;

use crate::error::{CliError, CliResult, Exit};

/// Characters of a path that have a meaning of their own in a URL.
const RESERVED: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');

/// Parses a URL; `origin` names its source for errors.
pub fn parse(text: &str, origin: &str) -> CliResult<Url> {
    let url = parse_url(text).map_err(|error| {
        let hint = match error {
            UrlError::WhiteSpace(found) => Some(format!(
                "write it as `%{:02X}` if the name has it",
                u32::from(found)
            )),
            _ if text.contains(':') => None,
            _ => Some(format!("for a file: `sqlite:{text}`")),
        };
        let error = CliError::new(Exit::Configuration, error)
            .during(format!("{origin} is not a valid store URL"));
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })?;
    if url.fragment().is_some() {
        let text = format!("{origin} has a `#`, which would cut off the rest");
        return Err(CliError::configuration(text).hint("write it as `%23`"));
    }
    Ok(url)
}

/// Returns the URL of the embedded store in this file.
pub fn url_of(path: &Path) -> CliResult<Url> {
    let path = path.to_str().ok_or_else(|| {
        CliError::configuration(format!("the path {} is not UTF-8", path.display()))
    })?;
    let text = format!("sqlite:{}", utf8_percent_encode(path, RESERVED));
    parse(&text, path)
}

/// Reports whether the URL is that of the embedded store without a file.
pub fn is_bare(url: &Url) -> bool {
    url.scheme() == "sqlite" && url.path().is_empty() && url.host_str().is_none_or(str::is_empty)
}

/// Resolves a relative path against the folder of the configuration file. A path that is not valid stays as it is and is
/// refused later.
pub fn anchor(url: &mut Url, folder: &Path) -> CliResult<()> {
    let Some(path) = relative_path(url) else {
        return Ok(());
    };
    let path = folder.join(path);
    let query = url.query().map(str::to_owned);
    *url = url_of(&path)?;
    url.set_query(query.as_deref());
    Ok(())
}

/// Reports whether the file depends on the working folder.
pub fn is_relative(url: &Url) -> bool {
    relative_path(url).is_some()
}

fn relative_path(url: &Url) -> Option<String> {
    let path = percent_decode_str(url.path()).decode_utf8().ok()?;
    let is_file = url.scheme() == "sqlite" && !matches!(path.as_ref(), "" | ":memory:");
    (is_file && !path.starts_with('/')).then(|| path.into_owned())
}
