//! URLs of stores: reading them, and paths in them.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use protoflow::backends::parse_url;
use url::Url;

use crate::error::{CliError, CliResult, Exit};

/// What would end a path, or be read as something else, in a URL.
const RESERVED: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');

/// Reads a URL; `origin` says where it was written.
pub fn parse(text: &str, origin: &str) -> CliResult<Url> {
    let url = parse_url(text).map_err(|error| {
        let error = CliError::new(Exit::Configuration, error)
            .during(format!("{origin} is not the URL of a store"));
        if text.contains(':') {
            error
        } else {
            error.hint(format!("for a file: `sqlite:{text}`"))
        }
    })?;
    if url.fragment().is_some() {
        let text = format!("{origin} has a `#`, and what follows would be cut off");
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

/// Reports whether the URL means the embedded store without saying which.
pub fn is_bare(url: &Url) -> bool {
    url.scheme() == "sqlite" && url.path().is_empty() && url.host_str().is_none_or(str::is_empty)
}

/// Makes a relative path start from the folder of the file that it was written in. What is no path is left to be
/// refused.
pub fn anchor(url: &mut Url, folder: &Path) -> CliResult<()> {
    let path = url.path();
    if url.scheme() != "sqlite" || matches!(path, "" | ":memory:") || path.starts_with('/') {
        return Ok(());
    }
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return Ok(());
    };
    let query = url.query().map(str::to_owned);
    *url = url_of(&folder.join(path.as_ref()))?;
    url.set_query(query.as_deref());
    Ok(())
}
